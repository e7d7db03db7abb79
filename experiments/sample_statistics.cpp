#include "experiments/sample_statistics.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

namespace hwnas {
namespace {

// P(|T| <= t).
double student_within(double t, int freedom) {
  const double angle = std::atan(t / std::sqrt(freedom));
  const double cosine = std::cos(angle), sine = std::sin(angle);
  double term = 1, sum = 0;
  if (freedom % 2 == 0) {
    for (int k = 0; k < freedom / 2; ++k) {
      sum += term;
      term *= (2.0 * k + 1) / (2.0 * k + 2) * cosine * cosine;
    }
    return sine * sum;
  }
  term = cosine;
  for (int k = 1; k < (freedom + 1) / 2; ++k) {
    sum += term;
    term *= 2.0 * k / (2.0 * k + 1) * cosine * cosine;
  }
  return 2 / std::numbers::pi * (angle + sine * sum);
}

}  // namespace

double student_quantile(double p, int freedom) {
  double low = 0, high = 1;
  while ((1 + student_within(high, freedom)) / 2 < p) high *= 2;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    ((1 + student_within(middle, freedom)) / 2 < p ? low : high) = middle;
  }
  return high;
}

SampleSummary summarize(std::span<const double> values) {
  assert(!values.empty());
  const auto n = static_cast<double>(values.size());
  SampleSummary summary;
  for (const double v : values) summary.mean += v / n;
  summary.ci95 = std::numeric_limits<double>::infinity();
  if (values.size() < 2) return summary;
  double squares = 0;
  for (const double v : values) squares += (v - summary.mean) * (v - summary.mean);
  summary.sd = std::sqrt(squares / (n - 1));
  summary.ci95 =
      student_quantile(0.975, static_cast<int>(values.size()) - 1) * summary.sd / std::sqrt(n);
  return summary;
}

double median(std::span<const double> values) {
  assert(!values.empty());
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  const std::size_t half = sorted.size() / 2;
  if (sorted.size() % 2 == 1 || std::isinf(sorted[half])) return sorted[half];
  return (sorted[half - 1] + sorted[half]) / 2;
}

Interval wilson_interval(double share, std::int64_t count) {
  constexpr double z = 1.959963984540054;  // of 95 %
  const auto n = static_cast<double>(count);
  const double middle = (share + z * z / (2 * n)) / (1 + z * z / n);
  const double half =
      z / (1 + z * z / n) * std::sqrt(share * (1 - share) / n + z * z / (4 * n * n));
  return {middle - half, middle + half};
}

}  // namespace hwnas
