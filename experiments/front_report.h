// The front of a study for people (a table) and for scripts (JSON).
#pragma once

#include <string>
#include <vector>

#include "search/store/study.h"

namespace hwnas {

struct FrontReport {
  std::string study;
  std::vector<Objective> objectives;
  std::vector<Trial> front;  // best in the first objective first
  // Of each, the probability that no other trial is better in every objective, by the standard
  // errors; empty where no value has one.
  std::vector<double> sure;
  int knee = -1;                         // index into `front`
  std::vector<double> ideal, reference;  // minimised, of each optimised objective
  double hypervolume = 0;                // share of the box between the two
  std::string why_empty;                 // where the front is empty
};

// The stored front, in the box that the run used.
FrontReport report_front(const Study& study);
FrontReport report_front(const StudyInfo& info, const std::vector<Trial>& trials);  // all of it
// The front of other trials, in the box that they span.
FrontReport report_front(std::string study, std::vector<Objective> objectives,
                         const std::vector<Trial>& trials);

// A table with units scaled, standard errors, the knee marked, then the bounds and what each number
// rests on; `marks` (one for each trial on the front, or none) are printed at its end. Says so
// where the front is empty, and why.
std::string to_text(const FrontReport& report, const std::vector<std::string>& marks = {});
// The table alone.
std::string front_table(const FrontReport& report, const std::vector<std::string>& marks = {});
std::string to_json(const FrontReport& report);
// A line for each trial: number, genotype, then of each metric value (SI), standard error and
// source.
std::string to_csv(const FrontReport& report);

// " accuracy 100 % to 0 %, latency@x 1.2 ms to 300 ms": of optimised objectives, both minimised.
std::string box_text(const std::vector<Objective>& axes, const std::vector<double>& ideal,
                     const std::vector<double>& reference);

// "87.4 \u00b1 0.4 %", "20.3 ms": a measured value in its unit.
std::string value_text(const Measurement& measurement);

// How a trial came about, in words: "a parent with one gene changed (neighbour)".
std::string origin_text(const std::string& origin);

// Counts of trials by state.
struct TrialCounts {
  std::int64_t complete = 0, infeasible = 0, failed = 0, stopped = 0, running = 0;
};
TrialCounts count_states(const std::vector<Trial>& trials);

}  // namespace hwnas
