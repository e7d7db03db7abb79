// How good predictions are: rank correlations, relative errors, and whether intervals hold what
// they say. Pure functions over equally long lists; thread-safe. Constant lists have no ranks to
// agree: their correlation is 0.
#pragma once

#include <span>
#include <vector>

#include "predictors/predictor.h"

namespace hwnas {

// Pearson's correlation of the ranks, ties given their mean rank (Spearman 1904).
double spearman(std::span<const double> a, std::span<const double> b);

// Kendall's tau-b: (concordant - discordant) pairs over sqrt(pairs untied in a * pairs untied in
// b), in O(n log n) (Knight 1966, doi:10.1080/01621459.1966.10480879).
double kendall(std::span<const double> a, std::span<const double> b);

// Mean of |predicted - truth| / |truth|; truths of 0 are an error of the caller.
double mean_relative_error(std::span<const double> truths, std::span<const double> predicted);

// Share of predictions that are within `tolerance` of the truth, as a share of the truth.
double share_within(std::span<const double> truths, std::span<const double> predicted,
                    double tolerance);

// Share of truths within the central interval that a normal distribution of the predicted mean and
// stddev gives 90 %: mean +- 1.645 stddev.
constexpr double kInterval = 0.90, kIntervalStddevs = 1.6448536269514722;
double coverage(std::span<const double> truths, std::span<const Prediction> predicted);

// What to multiply standard deviations with so that left-out truths, `errors[i]` = (truth - mean) /
// stddev of sample i predicted without it, lie in their 90 % intervals as often as these say: the
// errors' root mean square, widened as Student's t widens an interval whose scale is known from so
// few. 1 for fewer than two errors.
double calibration(std::span<const double> errors);

std::vector<double> means(std::span<const Prediction> predictions);

}  // namespace hwnas
