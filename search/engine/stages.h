// Stages: takes admitted trials through the plan and records every landing.
// Internal to search/engine. Not thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "search/engine/admission.h"
#include "search/engine/run.h"

namespace hwnas {

// What a stage's result makes of a trial: its state and the reason. The evaluation's measurements
// are those of the trial already.
std::pair<TrialState, std::string> judge(const Trial& trial, const Evaluation& evaluation,
                                         std::span<const Objective> objectives, bool last_stage);

class Stages {
 public:
  using Ended = std::function<void(const Trial&)>;  // a trial that is recorded and over
  using Landing = std::function<void()>;            // something landed; may request the stop

  Stages(const Plan& plan, Study& study, const RunSettings& settings)
      : plan_(plan), study_(study), settings_(settings) {}

  // A trial that the study held already, with its candidate: later ones may take its result.
  void replayed(const Entry& entry);

  // Runs what the running ones among `entries` still lack. False where `stop` left some running.
  bool run(std::span<Entry> entries, const Ended& ended, const Landing& landing,
           std::stop_token stop);

 private:
  bool run_stage(std::size_t stage, std::span<Entry> entries, const Ended& ended,
                 const Landing& landing, std::stop_token stop);
  // The first trial of the candidate's key in this stage, which may be itself.
  TrialId first_of(std::size_t stage, const Entry& entry);
  Evaluation result_of(const Trial& trial, std::size_t stage) const;
  void land(Entry& entry, std::size_t stage, Evaluation evaluation);
  void flush(const Ended& ended);
  std::size_t next_stage(const Trial& trial) const;

  const Plan& plan_;
  Study& study_;
  const RunSettings& settings_;
  std::vector<std::pair<Entry*, Evaluation>> landed_;  // not yet recorded
  std::unordered_map<std::uint64_t, TrialId> first_;   // looked up only, never iterated
  std::chrono::steady_clock::time_point flushed_ = std::chrono::steady_clock::now();
};

}  // namespace hwnas
