// What people and scripts see of a comparison. Plain functions.
#pragma once

#include <string>
#include <vector>

#include "experiments/bench/comparison.h"

namespace hwnas {

struct ComparisonReport {
  ComparisonPlan plan;
  std::vector<Objective> objectives;  // of the experiment
  std::vector<Choice> choices;        // of the space
  Truth truth;
  std::vector<std::int64_t> budgets;  // ascending
  std::vector<Contender> contenders;
};

std::string to_text(const ComparisonReport& report);
std::string to_json(const ComparisonReport& report);

// Of several configs: for each algorithm and seed the mean of their curves, in the place of a run.
// Has no truth and no objectives; at least one report, all of one plan but for the config.
ComparisonReport mean_of(const std::vector<ComparisonReport>& reports);
std::string ratio_table(const ComparisonReport& report);
std::string to_json(const std::vector<ComparisonReport>& reports, const ComparisonReport& mean);

// The space, the truth and the references: what is known before anything runs.
std::string describe_truth(const ComparisonReport& report);

}  // namespace hwnas
