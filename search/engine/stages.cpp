#include "search/engine/stages.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "search/store/front.h"
#include "space/rng.h"

namespace hwnas {
namespace {

// Results are recorded together, but none waits longer than this: a killed run loses no more.
constexpr std::chrono::milliseconds kPatience{100};

// Why these measurements cannot be those of the trial; empty where they can.
std::string unusable(const Trial& trial, const Evaluation& evaluation) {
  const auto same = [](const Measurement& a, const Measurement& b) {
    return a.key == b.key && a.source == b.source && a.fidelity == b.fidelity;
  };
  const std::vector<Measurement>& added = evaluation.measurements;
  for (std::size_t i = 0; i < added.size(); ++i) {
    const Measurement& m = added[i];
    if (std::isnan(m.value)) return to_text(m.key) + " is not a number";
    if (std::isinf(m.value)) return to_text(m.key) + " is infinite";
    const auto is_m = [&](const Measurement& other) { return same(m, other); };
    if (std::any_of(added.begin(), added.begin() + static_cast<std::ptrdiff_t>(i), is_m) ||
        std::any_of(trial.measurements.begin(), trial.measurements.end(), is_m)) {
      return to_text(m.key) + " is given twice";
    }
  }
  return "";
}

std::string broken_bounds(const Trial& trial, std::span<const Objective> objectives,
                          bool provisional) {
  std::string text;
  for (const Objective& objective : objectives) {
    const Measurement* m = objective.bound ? find(trial, objective.key) : nullptr;
    if (!m || objective.violation(*m) <= 0) continue;
    if (provisional && m->fidelity > 0) continue;
    if (!text.empty()) text += "; ";
    const Unit of = unit(objective.key.metric);
    text += to_text(objective.key) + " is ";
    if (objective.probability > 0 && m->stddev) {
      const double margin = objective.judged(*m) - m->value;
      text += format_quantity(m->value, *m->stddev, of) + ": " + objective.bound_text() +
              " needs " + format_quantity(*objective.bound - margin, of);
    } else {
      text += format_quantity(m->value, of) + ", bound " + format_quantity(*objective.bound, of);
    }
  }
  return text;
}

// A bound with a probability, and a value that nobody knows the error of.
std::string undecided_bound(const Trial& trial, std::span<const Objective> objectives,
                            bool provisional) {
  for (const Objective& objective : objectives) {
    const Measurement* m = find(trial, objective.key);
    if (m && provisional && m->fidelity > 0) continue;
    if (m && objective.undecided(*m)) return objective.why_undecided();
  }
  return "";
}

}  // namespace

std::pair<TrialState, std::string> judge(const Trial& trial, const Evaluation& evaluation,
                                         std::span<const Objective> objectives, bool last_stage,
                                         bool provisional) {
  if (!evaluation.failure.empty()) return {TrialState::failed, evaluation.failure};
  if (std::string broken = broken_bounds(trial, objectives, provisional); !broken.empty()) {
    return {TrialState::infeasible, std::move(broken)};
  }
  if (std::string why = undecided_bound(trial, objectives, provisional); !why.empty()) {
    return {TrialState::failed, std::move(why)};
  }
  if (!last_stage) return {TrialState::running, ""};
  for (const Objective& objective : objectives) {
    if (!find(trial, objective.key)) {
      return {TrialState::failed, "no stage gave " + to_text(objective.key)};
    }
  }
  return {TrialState::complete, ""};
}

bool Stages::run(std::span<Entry> entries, const Ended& ended, const Landing& landing,
                 std::stop_token stop) {
  for (std::size_t stage = 0; stage < plan_.size(); ++stage) {
    if (!run_stage(stage, entries, ended, landing, stop)) return false;
    if (plan_[stage].is_rung()) cut(stage, entries, ended);
  }
  for (std::size_t stage = 0; stage < plan_.size(); ++stage) {
    if (!plan_[stage].is_rung()) continue;
    for (const Entry& entry : entries) {
      if (next_stage(entry.trial) > stage + 1) elders_[stage].push_back(entry.trial);
    }
  }
  return true;
}

void Stages::cut(std::size_t rung, std::span<Entry> entries, const Ended& ended) {
  std::vector<Entry*> running;
  for (Entry& entry : entries) {
    const bool here = next_stage(entry.trial) == rung + 1;
    // What comes after the cut tells that it was made.
    if (next_stage(entry.trial) > rung + 1) return;
    if (here && entry.trial.state == TrialState::stopped) return;
    if (here && entry.trial.state == TrialState::running) running.push_back(&entry);
  }
  if (running.empty()) return;
  std::vector<const Trial*> cohort;
  for (const Entry* entry : running) cohort.push_back(&entry->trial);
  std::vector<const Trial*> elders;
  for (const Trial& trial : elders_[rung]) elders.push_back(&trial);
  const double fidelity = plan_[rung].fidelity;
  const std::vector<std::size_t> order =
      rank_at_rung(cohort, elders, settings_.objectives, fidelity);
  const std::size_t on = kept(plan_[rung], order.size());
  for (std::size_t place = on; place < order.size(); ++place) {
    Trial& trial = running[order[place]]->trial;
    trial.state = TrialState::stopped;
    trial.reason = "rung '" + trial.stage + "': place " + std::to_string(place + 1) + " of " +
                   std::to_string(order.size()) + ", " + std::to_string(on) +
                   (on == 1 ? " goes on" : " go on");
  }
  std::vector<Study::Landed> rows;
  for (const Trial* trial : cohort) {
    if (trial->state == TrialState::running) continue;
    rows.push_back({trial->id, trial->stage, nullptr, trial->state, trial->reason, {}});
  }
  if (rows.empty()) return;
  study_.record(rows);
  for (const Trial* trial : cohort) {
    if (trial->state != TrialState::running) ended(*trial);
  }
}

bool Stages::run_stage(std::size_t stage, std::span<Entry> entries, const Ended& ended,
                       const Landing& landing, std::stop_token stop) {
  std::vector<Entry*> waiting;
  std::vector<std::pair<Entry*, TrialId>> followers;  // with whose result they take
  std::vector<Job> jobs;
  for (Entry& entry : entries) {
    if (entry.trial.state != TrialState::running || next_stage(entry.trial) != stage) continue;
    const TrialId first = first_of(stage, entry);
    if (first != entry.trial.id) {
      followers.emplace_back(&entry, first);
      continue;
    }
    waiting.push_back(&entry);
    jobs.push_back({entry.trial.id, entry.trial.seed, &entry.candidate, entry.trial.parents});
  }
  bool all = true;
  if (!jobs.empty()) {
    plan_[stage].evaluator->evaluate(
        jobs,
        [&](std::size_t i, Evaluation evaluation) {
          if (evaluation.interrupted) {
            all = false;
            return;
          }
          land(*waiting[i], stage, std::move(evaluation));
          if (std::chrono::steady_clock::now() - flushed_ > kPatience) flush(ended);
          landing();
        },
        stop);
  }
  flush(ended);
  for (const auto& [entry, first] : followers) {
    const std::optional<Trial> leader = study_.trial(first);
    if (leader && next_stage(*leader) > stage) {
      land(*entry, stage, result_of(*leader, stage));
    } else {
      all = false;  // interrupted
    }
  }
  flush(ended);
  return all;
}

TrialId Stages::first_of(std::size_t stage, const Entry& entry) {
  const Evaluator& evaluator = *plan_[stage].evaluator;
  if (!evaluator.shared_source()) return entry.trial.id;
  const std::uint64_t key = hash_combine(evaluator.key(entry.candidate), stage);
  return first_.try_emplace(key, entry.trial.id).first->second;
}

void Stages::replayed(const Entry& entry) {
  for (std::size_t stage = 0; stage < next_stage(entry.trial); ++stage) first_of(stage, entry);
}

// What `stage` made of a trial.
Evaluation Stages::result_of(const Trial& trial, std::size_t stage) const {
  const Evaluator& evaluator = *plan_[stage].evaluator;
  Evaluation evaluation;
  if (trial.state == TrialState::failed && trial.stage == evaluator.name()) {
    evaluation.failure = trial.reason;
    return evaluation;
  }
  const auto of_stage = [this, stage](const Measurement& m) {
    if (plan_[stage].is_rung()) return m.fidelity == plan_[stage].fidelity;
    return std::none_of(plan_.begin(), plan_.end(), [&m](const Stage& other) {
      return other.is_rung() && m.fidelity == other.fidelity;
    });
  };
  for (const Measurement& m : trial.measurements) {
    if (m.source == *evaluator.shared_source() && of_stage(m)) evaluation.measurements.push_back(m);
  }
  if (!plan_[stage].is_rung()) evaluation.artifacts = study_.artifacts(trial.id);
  return evaluation;
}

void Stages::land(Entry& entry, std::size_t stage, Evaluation evaluation,
                  std::optional<std::int64_t> told) {
  Trial& trial = entry.trial;
  if (evaluation.failure.empty()) evaluation.failure = unusable(trial, evaluation);
  if (!evaluation.failure.empty()) evaluation.measurements.clear();
  trial.measurements.insert(trial.measurements.end(), evaluation.measurements.begin(),
                            evaluation.measurements.end());
  if (plan_[stage].is_rung()) evaluation.artifacts.clear();  // those of the whole truth are kept
  trial.stage = plan_[stage].evaluator->name();
  const bool last = stage + 1 == plan_.size();
  std::tie(trial.state, trial.reason) =
      judge(trial, evaluation, settings_.objectives, last, rungs_ && !last);
  landed_.push_back({&entry, std::move(evaluation), told});
}

void Stages::flush(const Ended& ended) {
  flushed_ = std::chrono::steady_clock::now();
  if (landed_.empty()) return;
  std::vector<Study::Landed> rows;
  rows.reserve(landed_.size());
  for (const Landed& one : landed_) {
    const Trial& trial = one.entry->trial;
    rows.push_back({trial.id, trial.stage, &one.evaluation, trial.state, trial.reason, one.told});
  }
  study_.record(rows);
  for (const Landed& one : std::exchange(landed_, {})) {
    if (one.entry->trial.state != TrialState::running) ended(one.entry->trial);
  }
}

std::size_t Stages::next_stage(const Trial& trial) const {
  for (std::size_t stage = 0; stage < plan_.size(); ++stage) {
    if (plan_[stage].evaluator->name() == trial.stage) return stage + 1;
  }
  return 0;
}

}  // namespace hwnas
