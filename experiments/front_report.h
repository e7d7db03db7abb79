// The front of a study for people (a table) and for scripts (JSON).
#pragma once

#include <string>
#include <vector>

#include "search/store/study.h"

namespace hwnas {

struct FrontReport {
  std::vector<Objective> objectives;
  std::vector<Trial> front;  // best in the first objective first
  int knee = -1;             // index into `front`
  double hypervolume = 0;    // share of the box between ideal and reference
};

FrontReport report_front(const Study& study);

// A table with units scaled, standard errors, the knee marked, then the bounds and what each number
// rests on. Says so where the front is empty, and why.
std::string to_text(const FrontReport& report, const Study& study);
std::string to_json(const FrontReport& report, const Study& study);

// "87.4 \u00b1 0.4 %", "20.3 ms": a measured value in its unit.
std::string value_text(const Measurement& measurement);

// Counts of trials by state.
struct TrialCounts {
  std::int64_t complete = 0, infeasible = 0, failed = 0, running = 0;
};
TrialCounts count_states(const std::vector<Trial>& trials);

}  // namespace hwnas
