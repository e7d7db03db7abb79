#include "search/engine/admission.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <utility>

#include "search/engine/rungs.h"
#include "search/engine/scheduler.h"
#include "search/store/front.h"
#include "space/input_error.h"
#include "space/rng.h"

namespace hwnas {
namespace {

std::size_t optimised(const RunSettings& settings) {
  const auto is_optimised = [](const Objective& objective) { return objective.optimised; };
  return static_cast<std::size_t>(
      std::count_if(settings.objectives.begin(), settings.objectives.end(), is_optimised));
}

}  // namespace

Admission::Admission(const SearchSpace& space, const Plan& plan, Study& study,
                     const RunSettings& settings, bool decode_all)
    : space_(space),
      plan_(plan),
      study_(study),
      settings_(settings),
      decode_all_(decode_all),
      stored_(study.trial_count()) {}

void Admission::open_round(std::vector<Proposal> proposals) {
  proposals_ = std::move(proposals);
  decoded_.assign(proposals_.size(), std::nullopt);
  trial_of_.assign(proposals_.size(), -1);
  next_proposal_ = 0;
  if (next_id_ < stored_) return;  // a replay needs few of them decoded
  const int threads = settings_.threads > 0 ? settings_.threads : machine_threads();
  parallel_for(static_cast<int>(proposals_.size()), threads, [this](int i) {
    const auto at = static_cast<std::size_t>(i);
    decoded_[at] = decode(proposals_[at].genotype);
  });
}

Admission::Decoded Admission::decode(const Genotype& genotype) const {
  Decoded result;
  result.fingerprint = settings_.identity ? settings_.identity(genotype) : hash(genotype);
  try {
    result.candidate = space_.decode(genotype);
  } catch (const std::exception& error) {
    result.failure = error.what();
    return result;
  }
  if (!settings_.identity) result.fingerprint = fingerprint(result.candidate);
  if (std::optional<Network> network = live(std::move(result.candidate.network))) {
    result.candidate.network = std::move(*network);
  } else {
    result.failure = "no path from input to output";
  }
  return result;
}

const Admission::Decoded& Admission::decoded(std::size_t proposal) {
  if (!decoded_[proposal]) decoded_[proposal] = decode(proposals_[proposal].genotype);
  return *decoded_[proposal];
}

std::vector<Entry> Admission::admit(std::int64_t room) {
  std::vector<Entry> entries;
  std::vector<Trial> added;
  for (; next_proposal_ < proposals_.size(); ++next_proposal_) {
    if (static_cast<std::int64_t>(entries.size()) >= room) break;
    const std::size_t i = next_proposal_;
    std::optional<Trial> stored;
    if (next_id_ < stored_) stored = study_.trial(next_id_);
    if (!stored || stored->genotype != proposals_[i].genotype) {
      const auto earlier = by_fingerprint_.find(decoded(i).fingerprint);
      if (earlier != by_fingerprint_.end()) {
        trial_of_[i] = earlier->second;
        continue;
      }
    }
    entries.push_back(stored ? known(i, std::move(*stored)) : fresh(i));
    const Trial& trial = entries.back().trial;
    if (!stored) added.push_back(trial);
    by_fingerprint_.emplace(trial.fingerprint, trial.id);
    trial_of_[i] = trial.id;
    told_.emplace_back();
    ++next_id_;
  }
  if (!added.empty()) study_.admit(added);
  return entries;
}

Entry Admission::known(std::size_t proposal, Trial trial) {
  const Genotype& asked = proposals_[proposal].genotype;
  if (trial.genotype != asked) {
    throw InputError("", 0, "trial " + std::to_string(trial.id), "",
                     "the study diverges from this run: it holds genotype " +
                         to_text(trial.genotype) + ", the search now asks for " + to_text(asked) +
                         " (was it made by another version, or edited?)");
  }
  Entry entry{std::move(trial), {}, true};
  entry.replayed = entry.trial.state != TrialState::running;
  if (!entry.replayed || decode_all_) entry.candidate = decoded(proposal).candidate;
  return entry;
}

Entry Admission::fresh(std::size_t proposal) {
  Proposal& asked = proposals_[proposal];
  decoded(proposal);
  Decoded& made = *decoded_[proposal];
  Entry entry;
  entry.trial.id = next_id_;
  entry.trial.genotype = asked.genotype;
  entry.trial.fingerprint = made.fingerprint;
  entry.trial.seed = hash_combine(settings_.seed, static_cast<std::uint64_t>(next_id_));
  entry.trial.parents = std::move(asked.parents);
  entry.trial.origin = std::move(asked.origin);
  entry.trial.state = made.failure.empty() ? TrialState::running : TrialState::failed;
  entry.trial.reason = std::move(made.failure);
  entry.candidate = std::move(made.candidate);
  return entry;
}

void Admission::ended(const Trial& trial) {
  Told& told = told_[static_cast<std::size_t>(trial.id)];
  told.state = trial.state;
  for (const Objective& objective : settings_.objectives) {
    const Measurement* m = find(trial, objective.key);
    told.values.push_back(m ? objective.minimised(m->value) : std::nan(""));
    if (!m) continue;
    told.violation += objective.violation(*m);
    const bool counts = trial.state == TrialState::complete || trial.state == TrialState::stopped;
    if (objective.optimised && counts) told.objectives.push_back(told.values.back());
  }
  if (trial.state == TrialState::stopped && told.objectives.size() < optimised(settings_))
    told.objectives.clear();
  for (const Stage& stage : plan_) {
    if (trial.stage.empty()) break;
    const bool last = stage.evaluator->name() == trial.stage;
    const bool over = trial.state == TrialState::failed || trial.state == TrialState::infeasible;
    if (stage.is_rung() && !(last && over))
      told.rungs.push_back(values_at_rung(trial, settings_.objectives, stage.fidelity));
    if (last) break;
  }
}

Outcome Admission::outcome(TrialId trial, const Genotype& genotype) const {
  const Told& told = told_[static_cast<std::size_t>(trial)];
  return {trial, genotype, told.state, told.objectives, told.violation, told.values, told.rungs};
}

std::vector<Outcome> Admission::outcomes() const {
  std::vector<Outcome> outcomes;
  outcomes.reserve(proposals_.size());
  for (std::size_t i = 0; i < proposals_.size(); ++i)
    outcomes.push_back(outcome(trial_of_[i], proposals_[i].genotype));
  std::stable_sort(outcomes.begin(), outcomes.end(),
                   [](const Outcome& a, const Outcome& b) { return a.id < b.id; });
  return outcomes;
}

}  // namespace hwnas
