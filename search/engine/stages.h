// Stages: takes admitted trials through the plan and records every landing.
// Internal to search/engine. Not thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "search/engine/admission.h"
#include "search/engine/run.h"
#include "search/engine/rungs.h"

namespace hwnas {

// What a stage's result makes of a trial: its state and the reason. The evaluation's measurements
// are those of the trial already. `provisional`: values of a fidelity may be replaced by those of a
// higher one, so that bounds on them are not checked yet.
std::pair<TrialState, std::string> judge(const Trial& trial, const Evaluation& evaluation,
                                         std::span<const Objective> objectives, bool last_stage,
                                         bool provisional = false);

class Stages {
 public:
  using Ended = std::function<void(const Trial&)>;  // a trial that is recorded and over
  using Landing = std::function<void()>;            // something landed; may request the stop

  Stages(const Plan& plan, Study& study, const RunSettings& settings)
      : plan_(plan),
        rungs_(has_rungs(plan)),
        elders_(plan.size()),
        study_(study),
        settings_(settings) {}

  // A trial with its candidate, of which the study may hold some stages already: later ones may
  // take their results.
  void replayed(const Entry& entry);

  // Runs what the running ones among `entries` still lack. With rungs, entries are all trials of
  // the round, those that are over too. False where `stop` left some running.
  bool run(std::span<Entry> entries, const Ended& ended, const Landing& landing,
           std::stop_token stop);

  // The parts of run(), for who orders them himself (asynchronous.h). One stage of some trials;
  // who takes the result of which trial; what that result is; results noted and then recorded.
  bool run_stage(std::size_t stage, std::span<Entry> entries, const Ended& ended,
                 const Landing& landing, std::stop_token stop);
  // The first trial of the candidate's key in this stage, which may be itself.
  TrialId first_of(std::size_t stage, const Entry& entry);
  Evaluation result_of(const Trial& trial, std::size_t stage) const;
  // `told`: proposals made before the searcher learns of it, where that is to be kept.
  void land(Entry& entry, std::size_t stage, Evaluation evaluation,
            std::optional<std::int64_t> told = {});
  void flush(const Ended& ended);
  std::size_t next_stage(const Trial& trial) const;

 private:
  // After a rung whose results are all recorded: stops those that do not go on, in one transaction,
  // so that a killed run has either all of a cut or nothing.
  void cut(std::size_t rung, std::span<Entry> entries, const Ended& ended);

  struct Landed {
    Entry* entry = nullptr;
    Evaluation evaluation;
    std::optional<std::int64_t> told;
  };

  const Plan& plan_;
  const bool rungs_;
  std::vector<std::vector<Trial>> elders_;  // of each stage: who went on from it in earlier rounds
  Study& study_;
  const RunSettings& settings_;
  std::vector<Landed> landed_;                        // not yet recorded
  std::unordered_map<std::uint64_t, TrialId> first_;  // looked up only, never iterated
  std::chrono::steady_clock::time_point flushed_ = std::chrono::steady_clock::now();
};

}  // namespace hwnas
