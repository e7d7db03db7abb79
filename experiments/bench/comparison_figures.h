// The figures of a comparison: what its report, its JSON and its plot are made of.
#pragma once

#include <array>
#include <functional>
#include <vector>

#include "experiments/bench/comparison_report.h"

namespace hwnas {

inline constexpr std::array kShares{0.95, 0.98, 0.99};  // of the true hypervolume

// One value for each run.
std::vector<double> of_all(const Contender& contender,
                           const std::function<double(const Trace&)>& value);
std::vector<double> ratios(const Contender& contender, std::int64_t budget);
std::vector<double> regrets(const Contender& contender, const Truth& truth, std::int64_t budget);
// Infinite where a run did not get there.
std::vector<double> evaluations_to(const Contender& contender, double share);
std::vector<double> evaluations_to_optimum(const Contender& contender, const Truth& truth);

// Of evaluations some of which are censored (infinite): that many were made without success.
struct Reach {
  double median = 0;      // infinite where half of the runs did not get there
  double least_mean = 0;  // with what was made in the place of what it would have taken
  int reached = 0;
};
Reach reach(const Contender& contender, const std::vector<double>& needed);

}  // namespace hwnas
