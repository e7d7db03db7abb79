#include "search/engine/asynchronous.h"

#include <algorithm>
#include <cassert>
#include <deque>
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "search/engine/rungs.h"
#include "space/input_error.h"

namespace hwnas {
namespace {

constexpr std::int64_t kUntoldPerProposal = 8;  // with many workers thinking is shared
constexpr int kBarrenProposals = 1000;  // in a row, none of them new: nothing is left to find

class Flow : public JobSource {
 public:
  Flow(Searcher& searcher, const Plan& plan, Study& study, Admission& admission, Stages& stages,
       Ledger& ledger)
      : searcher_(searcher),
        plan_(plan),
        study_(study),
        admission_(admission),
        stages_(stages),
        ledger_(ledger) {}

  // Brings the searcher to where the study left it.
  void replay();

  std::optional<Job> next() override;
  void done(TrialId trial, Evaluation evaluation) override;

  Stopped why() {
    if (failing_) return Stopped::failing;
    if (!ledger_.halt().stop_requested()) ledger_.room(admission_.admitted(), 1);
    return ledger_.why(admission_.admitted());
  }

 private:
  std::size_t last() const { return plan_.size() - 1; }
  bool over() const { return failing_ || barren_ >= kBarrenProposals; }
  bool propose();
  void take(Entry admitted);
  void land(Entry& entry, Evaluation evaluation);
  void tell(TrialId trial, const Genotype& genotype);
  // The trial whose result this one takes, if that is another one.
  std::optional<TrialId> leader_of(const Entry& entry);

  Searcher& searcher_;
  const Plan& plan_;
  Study& study_;
  Admission& admission_;
  Stages& stages_;
  Ledger& ledger_;

  std::deque<Proposal> asked_;  // not yet made trials
  std::int64_t proposals_ = 0;  // taken from `asked_` so far, duplicates too
  std::int64_t tellings_ = 0;   // what became of them
  int barren_ = 0;              // of these the last ones that were duplicates
  bool replaying_ = false, failing_ = false;
  std::deque<TrialId> waiting_;  // for a worker
  std::unordered_map<TrialId, std::unique_ptr<Entry>> running_;
  std::unordered_map<TrialId, std::vector<TrialId>> followers_;    // of a running trial
  std::unordered_map<TrialId, std::vector<Genotype>> duplicates_;  // of a trial not yet told
  std::unordered_map<TrialId, Genotype> ended_;                    // in the study, not yet told
  std::unordered_set<TrialId> scheduled_, told_;
};

void Flow::replay() {
  const std::vector<Study::Told> schedule = study_.schedule();
  for (const Study::Told& row : schedule) scheduled_.insert(row.trial);
  replaying_ = true;
  for (auto row = schedule.begin();
       row != schedule.end() || admission_.admitted() < admission_.stored();) {
    if (row != schedule.end() && row->proposals <= proposals_) {
      const auto ended = ended_.find(row->trial);
      if (ended == ended_.end()) {
        throw InputError("", 0, "trial " + std::to_string(row->trial), "",
                         "the study diverges from this run: its schedule has this trial end before "
                         "it began (was it edited?)");
      }
      const Genotype genotype = std::move(ended->second);
      ended_.erase(ended);
      tell(row->trial, genotype);
      ++row;
    } else if (!propose()) {
      break;
    }
  }
  replaying_ = false;
}

std::optional<Job> Flow::next() {
  for (;;) {
    ledger_.look_at_the_clock();
    if (ledger_.halt().stop_requested() || over()) return std::nullopt;
    while (!waiting_.empty()) {
      Entry& entry = *running_.at(waiting_.front());
      waiting_.pop_front();
      const std::optional<TrialId> leader = leader_of(entry);
      if (!leader)
        return Job{entry.trial.id, entry.trial.seed, &entry.candidate, entry.trial.parents};
      if (running_.contains(*leader)) {
        followers_[*leader].push_back(entry.trial.id);
      } else {
        land(entry, stages_.result_of(*study_.trial(*leader), last()));
      }
    }
    const auto running = static_cast<std::int64_t>(running_.size());
    if (ledger_.room(admission_.admitted(), 1, running) <= 0 || !propose()) return std::nullopt;
  }
}

void Flow::done(TrialId trial, Evaluation evaluation) {
  const auto at = running_.find(trial);
  assert(at != running_.end());
  if (evaluation.interrupted) return;  // and so are its followers
  land(*at->second, std::move(evaluation));
  ledger_.look_at_the_clock();
}

std::optional<TrialId> Flow::leader_of(const Entry& entry) {
  const TrialId first = stages_.first_of(last(), entry);
  return first == entry.trial.id ? std::nullopt : std::optional(first);
}

// One proposal, as far as it comes without the last stage. False where there is none.
bool Flow::propose() {
  if (asked_.empty()) {
    // With a thousand trials on their way one more or less told of decides little. Counted, not
    // timed, so that a replay asks for as many.
    const std::int64_t untold = std::max<std::int64_t>(0, proposals_ - tellings_);
    std::vector<Proposal> proposals =
        searcher_.ask(static_cast<int>(std::max<std::int64_t>(1, untold / kUntoldPerProposal)));
    asked_.assign(std::make_move_iterator(proposals.begin()),
                  std::make_move_iterator(proposals.end()));
  }
  if (asked_.empty()) return false;
  const Genotype genotype = asked_.front().genotype;
  std::vector<Proposal> one;
  one.push_back(std::move(asked_.front()));
  asked_.pop_front();
  ++proposals_;
  admission_.open_round(std::move(one));
  std::vector<Entry> admitted = admission_.admit(1);
  barren_ = admitted.empty() ? barren_ + 1 : 0;
  if (!admitted.empty()) {
    take(std::move(admitted.front()));
    return true;
  }
  const TrialId earlier = admission_.trial_of(0);
  if (told_.contains(earlier)) {
    ++tellings_;
    searcher_.tell(std::vector{admission_.outcome(earlier, genotype)});
  } else {
    duplicates_[earlier].push_back(genotype);
  }
  return !over();
}

void Flow::take(Entry admitted) {
  const TrialId id = admitted.trial.id;
  const Genotype genotype = admitted.trial.genotype;
  const bool known = admitted.trial.state != TrialState::running;
  if (known) {
    stages_.replayed(admitted);
    admission_.ended(admitted.trial);
    ledger_.count(admitted.trial, admitted.replayed);
    if (scheduled_.contains(id))
      ended_.emplace(id, genotype);
    else
      tell(id, genotype);
    return;
  }
  auto entry = std::make_unique<Entry>(std::move(admitted));
  stages_.replayed(*entry);
  const auto ended = [&](const Trial& trial) {
    admission_.ended(trial);
    ledger_.count(trial, false);
    tell(trial.id, genotype);
  };
  for (std::size_t stage = stages_.next_stage(entry->trial); stage < last(); ++stage) {
    const bool whole = stages_.run_stage(
        stage, {entry.get(), 1}, ended, [] {}, ledger_.halt());
    if (!whole || entry->trial.state != TrialState::running) return;
  }
  waiting_.push_back(id);
  running_.emplace(id, std::move(entry));
}

void Flow::land(Entry& entry, Evaluation evaluation) {
  const TrialId id = entry.trial.id;
  const Genotype genotype = entry.trial.genotype;
  stages_.land(entry, last(), std::move(evaluation), proposals_);
  stages_.flush([&](const Trial& trial) {
    admission_.ended(trial);
    ledger_.count(trial, false);
  });
  const Trial trial = entry.trial;
  running_.erase(id);  // the entry is gone
  tell(id, genotype);
  const auto followers = followers_.find(id);
  if (followers == followers_.end()) return;
  const std::vector<TrialId> ids = std::move(followers->second);
  followers_.erase(followers);
  for (const TrialId follower : ids) land(*running_.at(follower), stages_.result_of(trial, last()));
}

void Flow::tell(TrialId trial, const Genotype& genotype) {
  told_.insert(trial);
  std::vector<Outcome> outcomes{admission_.outcome(trial, genotype)};
  if (const auto more = duplicates_.find(trial); more != duplicates_.end()) {
    for (const Genotype& other : more->second) outcomes.push_back(admission_.outcome(trial, other));
    duplicates_.erase(more);
  }
  tellings_ += static_cast<std::int64_t>(outcomes.size());
  searcher_.tell(outcomes);
  if (ledger_.fails({outcomes.data(), 1}) && !replaying_) failing_ = true;
}

}  // namespace

Stopped run_asynchronously(Searcher& searcher, const Plan& plan, Study& study, Admission& admission,
                           Stages& stages, Ledger& ledger) {
  assert(!has_rungs(plan));
  Flow flow(searcher, plan, study, admission, stages, ledger);
  flow.replay();
  plan.back().evaluator->evaluate_stream(flow, ledger.halt());
  return flow.why();
}

}  // namespace hwnas
