#include "predictors/accuracy.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstdint>
#include <numeric>

namespace hwnas {
namespace {

std::vector<std::size_t> order(std::span<const double> values) {
  std::vector<std::size_t> by(values.size());
  std::iota(by.begin(), by.end(), std::size_t{0});
  std::stable_sort(by.begin(), by.end(),
                   [&](std::size_t i, std::size_t j) { return values[i] < values[j]; });
  return by;
}

std::vector<double> ranks(std::span<const double> values) {
  const std::vector<std::size_t> by = order(values);
  std::vector<double> rank(values.size());
  for (std::size_t begin = 0, end = 0; begin < by.size(); begin = end) {
    while (end < by.size() && values[by[end]] == values[by[begin]]) ++end;
    for (std::size_t i = begin; i < end; ++i)
      rank[by[i]] = (static_cast<double>(begin) + static_cast<double>(end) - 1) / 2;
  }
  return rank;
}

using Pairs = std::int64_t;
Pairs pairs(std::size_t n) {
  return static_cast<Pairs>(n) * (static_cast<Pairs>(n) - 1) / 2;
}

// Pairs of equal values in a sorted list.
template <typename Same>
Pairs tied_pairs(std::size_t n, const Same& same) {
  Pairs sum = 0;
  for (std::size_t begin = 0, end = 0; begin < n; begin = end) {
    while (end < n && same(begin, end)) ++end;
    sum += pairs(end - begin);
  }
  return sum;
}

// Sorts, and counts the pairs that were in the wrong order.
Pairs merge_sort(std::span<double> values, std::vector<double>& space) {
  if (values.size() < 2) return 0;
  const std::size_t half = values.size() / 2;
  const std::span<double> low = values.first(half), high = values.subspan(half);
  Pairs exchanges = merge_sort(low, space) + merge_sort(high, space);
  space.assign(low.begin(), low.end());
  std::size_t i = 0, j = 0;
  for (double& value : values) {
    if (j < high.size() && (i == half || high[j] < space[i])) {
      exchanges += static_cast<Pairs>(half - i);
      value = high[j++];
    } else {
      value = space[i++];
    }
  }
  return exchanges;
}

// 95 % quantile of Student's t (Abramowitz and Stegun 26.7.5).
double student_quantile(double freedom) {
  const double z = kIntervalStddevs, z3 = z * z * z, z5 = z3 * z * z, z7 = z5 * z * z;
  return z + (z3 + z) / (4 * freedom) + (5 * z5 + 16 * z3 + 3 * z) / (96 * freedom * freedom) +
         (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * freedom * freedom * freedom);
}

}  // namespace

double spearman(std::span<const double> a, std::span<const double> b) {
  assert(a.size() == b.size());
  const std::vector<double> x = ranks(a), y = ranks(b);
  const double mean = (static_cast<double>(a.size()) - 1) / 2;
  double xx = 0, yy = 0, xy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - mean) * (x[i] - mean);
    yy += (y[i] - mean) * (y[i] - mean);
    xy += (x[i] - mean) * (y[i] - mean);
  }
  return xx > 0 && yy > 0 ? xy / std::sqrt(xx * yy) : 0;
}

double kendall(std::span<const double> a, std::span<const double> b) {
  assert(a.size() == b.size());
  const std::size_t n = a.size();
  std::vector<std::size_t> by(n);
  std::iota(by.begin(), by.end(), std::size_t{0});
  std::sort(by.begin(), by.end(),
            [&](std::size_t i, std::size_t j) { return a[i] != a[j] ? a[i] < a[j] : b[i] < b[j]; });
  const Pairs tied_a =
      tied_pairs(n, [&](std::size_t i, std::size_t j) { return a[by[i]] == a[by[j]]; });
  const Pairs tied_both = tied_pairs(n, [&](std::size_t i, std::size_t j) {
    return a[by[i]] == a[by[j]] && b[by[i]] == b[by[j]];
  });
  std::vector<double> sorted(n), space;
  for (std::size_t i = 0; i < n; ++i) sorted[i] = b[by[i]];
  const Pairs discordant = merge_sort(sorted, space);
  const Pairs tied_b =
      tied_pairs(n, [&](std::size_t i, std::size_t j) { return sorted[i] == sorted[j]; });
  const Pairs all = pairs(n);
  if (all == tied_a || all == tied_b) return 0;
  const auto score = static_cast<double>(all - tied_a - tied_b + tied_both - 2 * discordant);
  return score / std::sqrt(static_cast<double>(all - tied_a)) /
         std::sqrt(static_cast<double>(all - tied_b));
}

double mean_relative_error(std::span<const double> truths, std::span<const double> predicted) {
  double sum = 0;
  for (std::size_t i = 0; i < truths.size(); ++i)
    sum += std::fabs(predicted[i] - truths[i]) / std::fabs(truths[i]);
  return sum / static_cast<double>(truths.size());
}

double share_within(std::span<const double> truths, std::span<const double> predicted,
                    double tolerance) {
  std::size_t within = 0;
  for (std::size_t i = 0; i < truths.size(); ++i)
    within += std::fabs(predicted[i] - truths[i]) <= tolerance * std::fabs(truths[i]);
  return static_cast<double>(within) / static_cast<double>(truths.size());
}

double coverage(std::span<const double> truths, std::span<const Prediction> predicted) {
  std::size_t within = 0;
  for (std::size_t i = 0; i < truths.size(); ++i)
    within += std::fabs(truths[i] - predicted[i].mean) <= kIntervalStddevs * predicted[i].stddev;
  return static_cast<double>(within) / static_cast<double>(truths.size());
}

double calibration(std::span<const double> errors) {
  if (errors.size() < 2) return 1;
  double squares = 0;
  for (const double e : errors) squares += e * e;
  const auto n = static_cast<double>(errors.size());
  return std::sqrt(squares / n) * student_quantile(n - 1) / kIntervalStddevs;
}

std::vector<double> means(std::span<const Prediction> predictions) {
  std::vector<double> values;
  values.reserve(predictions.size());
  for (const Prediction& p : predictions) values.push_back(p.mean);
  return values;
}

}  // namespace hwnas
