// RatioPlot: mean ratio against evaluations as SVG, a line for each algorithm with a band of the
// 95 % confidence interval of the mean.
#pragma once

#include <string>

#include "experiments/bench/comparison_report.h"

namespace hwnas {

std::string ratio_plot(const ComparisonReport& report);

}  // namespace hwnas
