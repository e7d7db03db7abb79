#include "search/engine/run.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cmath>
#include <limits>

#include "search/engine/admission.h"
#include "search/engine/progress.h"
#include "search/engine/rungs.h"
#include "search/engine/stages.h"
#include "search/store/front.h"

namespace hwnas {
namespace {

constexpr int kBarrenRounds = 100;  // in a row without a new trial: nothing is left to find
constexpr int kMostFailures = 50;   // in a row, in the order of the trials
constexpr std::int64_t kProposalsPerTrial = 1000;

// Failed trials at the end of `outcomes`, after `before` at the end of those before.
int failures_in_a_row(std::span<const Outcome> outcomes, int before) {
  for (const Outcome& outcome : outcomes) {
    if (outcome.state == TrialState::failed) ++before;
    if (outcome.state == TrialState::complete) before = 0;
  }
  return before;
}

// How far the run is, and when it is over.
class Ledger {
 public:
  Ledger(const Plan& plan, const RunSettings& settings, RunListener& listener, std::stop_token stop)
      : plan_(plan),
        settings_(settings),
        listener_(listener),
        charged_(plan.size(), 0),
        front_(settings.ideal, settings.reference),
        asked_to_stop_(stop, [this] { halt_.request_stop(); }) {}

  std::stop_token halt() const { return halt_.get_token(); }

  // Of the `asked` proposals that a round still has, how many may be admitted: never more than the
  // budget lacks, so that a run with a small budget is the beginning of the same run with a larger
  // one. With rungs all or none, since who goes on depends on all of them.
  std::int64_t room(std::int64_t admitted, std::size_t asked) {
    const std::int64_t lacks =
        std::min(settings_.budget.trials - progress_.complete, most_proposals() - admitted);
    if (lacks <= 0) return 0;
    if (!has_rungs(plan_)) {
      const std::int64_t paid_for = affordable(highest_cost(plan_, 1));
      out_of_money_ = paid_for == 0;
      return std::min(lacks, paid_for);
    }
    out_of_money_ = affordable(highest_cost(plan_, asked)) == 0;
    return out_of_money_ ? 0 : static_cast<std::int64_t>(asked);
  }

  // Requests the halt where time is up.
  void look_at_the_clock() {
    const double limit = settings_.budget.seconds;
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start_;
    if (limit > 0 && spent.count() >= limit && !halt_.stop_requested()) {
      out_of_time_ = true;
      halt_.request_stop();
    }
  }

  void count(const Trial& trial, bool replayed) {
    progress_.replayed += replayed;
    progress_.complete += trial.state == TrialState::complete;
    progress_.infeasible += trial.state == TrialState::infeasible;
    progress_.failed += trial.state == TrialState::failed;
    progress_.stopped += trial.state == TrialState::stopped;
    charge(trial);
    if (trial.state == TrialState::complete) {
      std::vector<double> point;
      for (const Objective& objective : settings_.objectives) {
        const Measurement* m = objective.optimised ? find(trial, objective.key) : nullptr;
        if (m) point.push_back(objective.minimised(m->value));
      }
      front_.add(point);
    }
    if (replayed) return;
    progress_.front = front_.size();
    progress_.hypervolume = front_.hypervolume();
    listener_.trial_ended(trial, progress_);
  }

  Stopped why(std::int64_t admitted) const {
    if (progress_.complete >= settings_.budget.trials || out_of_money_) return Stopped::budget;
    if (admitted >= most_proposals()) {
      return settings_.budget.proposals > 0 ? Stopped::budget : Stopped::exhausted;
    }
    if (halt_.stop_requested()) return out_of_time_ ? Stopped::time : Stopped::request;
    return Stopped::exhausted;
  }

 private:
  // How often something of this cost can be had for what is left of the budget's.
  std::int64_t affordable(double cost) const {
    if (settings_.budget.cost <= 0 || cost <= 0) return std::numeric_limits<std::int64_t>::max();
    const double times = (settings_.budget.cost - progress_.cost) / cost;
    return std::max<std::int64_t>(0, static_cast<std::int64_t>(std::floor(times + 1e-9)));
  }

  // Every stage up to the trial's last one has charged for it. Counted, not summed, so that the
  // order in which trials end does not show.
  void charge(const Trial& trial) {
    const auto last = std::find_if(plan_.begin(), plan_.end(), [&](const Stage& stage) {
      return stage.evaluator->name() == trial.stage;
    });
    if (last == plan_.end()) return;
    for (auto stage = plan_.begin(); stage <= last; ++stage)
      ++charged_[static_cast<std::size_t>(stage - plan_.begin())];
    progress_.cost = 0;
    for (std::size_t i = 0; i < plan_.size(); ++i)
      progress_.cost += static_cast<double>(charged_[i]) * plan_[i].evaluator->cost();
  }

  std::int64_t most_proposals() const {
    const Budget& budget = settings_.budget;
    return budget.proposals > 0 ? budget.proposals : kProposalsPerTrial * budget.trials;
  }

  const Plan& plan_;
  const RunSettings& settings_;
  RunListener& listener_;
  Progress progress_;
  std::vector<std::int64_t> charged_;  // trials that each stage charged for
  FrontTracker front_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  bool out_of_time_ = false, out_of_money_ = false;
  std::stop_source halt_;
  std::stop_callback<std::function<void()>> asked_to_stop_;
};

}  // namespace

Stopped run(const SearchSpace& space, Searcher& searcher, const Plan& plan, Study& study,
            const RunSettings& settings, RunListener& listener, std::stop_token stop) {
  assert(!plan.empty() && settings.batch > 0);
  const bool shares = std::any_of(plan.begin(), plan.end(), [](const Stage& stage) {
    return stage.evaluator->shared_source().has_value();
  });
  Admission admission(space, plan, study, settings, shares);
  Stages stages(plan, study, settings);
  Ledger ledger(plan, settings, listener, stop);
  const auto ended = [&](const Trial& trial) {
    admission.ended(trial);
    ledger.count(trial, false);
  };
  int failures = 0;
  for (int barren = 0; barren < kBarrenRounds;) {
    std::vector<Proposal> proposals = searcher.ask(settings.batch);
    if (proposals.empty()) break;
    const std::int64_t before = admission.admitted();
    admission.open_round(std::move(proposals));
    while (!admission.round_is_over()) {
      ledger.look_at_the_clock();
      const std::int64_t room = ledger.room(admission.admitted(), admission.left());
      if (room <= 0 || ledger.halt().stop_requested()) return ledger.why(admission.admitted());
      std::vector<Entry> entries = admission.admit(room);
      for (const Entry& entry : entries) {
        if (shares) stages.replayed(entry);
        if (entry.trial.state == TrialState::running) continue;
        admission.ended(entry.trial);
        ledger.count(entry.trial, entry.replayed);
      }
      const bool all = stages.run(
          entries, ended, [&] { ledger.look_at_the_clock(); }, ledger.halt());
      if (!all) return ledger.why(admission.admitted());
    }
    const std::vector<Outcome> outcomes = admission.outcomes();
    searcher.tell(outcomes);
    failures = failures_in_a_row(outcomes, failures);
    if (failures >= kMostFailures) return Stopped::failing;
    barren = admission.admitted() > before ? 0 : barren + 1;
  }
  return ledger.why(admission.admitted());
}

}  // namespace hwnas
