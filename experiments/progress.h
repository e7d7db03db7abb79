// ProgressPrinter: a run's live progress on standard error.
//
// On a terminal: a line for every trial that ends, above one status line that is redrawn. Elsewhere
// (a file, CI): plain lines. Not thread-safe: called from the thread that runs the search.
#pragma once

#include <chrono>
#include <map>
#include <string>

#include "experiments/adapters/trainer_evaluator.h"
#include "search/engine/run.h"

namespace hwnas {

std::string clock_text(double seconds);  // "1:05", "1:02:03"

class ProgressPrinter : public RunListener {
 public:
  ProgressPrinter(const RunConfig& config, bool terminal);
  ~ProgressPrinter() override;

  void trial_ended(const Trial& trial, const Progress& progress) override;
  void epoch(const EpochReport& report);
  void message(const std::string& line);
  void note_best(const Trial& trial);  // a complete trial of an earlier invocation, or of this one

 private:
  void draw();
  void erase();
  std::string status() const;

  std::vector<Objective> objectives_;
  Budget budget_;
  bool terminal_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point second_;  // when the current second of lines began
  int lines_ = 0;                                 // in it
  Progress progress_;
  std::map<TrialId, EpochReport> training_;
  std::string best_;
  double best_value_ = 0;
};

}  // namespace hwnas
