#include "search/front_probability.h"

#include <cmath>
#include <cstddef>
#include <vector>

#include "search/normal.h"
#include "search/pareto.h"
#include "space/rng.h"

namespace hwnas {
namespace {

constexpr int kDraws = 1024;
constexpr double kNegligible = 1e-6;  // of a rival's probability to dominate

// P(b <= x).
double no_worse(double b, double error, double x) {
  if (error <= 0) return b <= x ? 1 : 0;
  return normal_share((x - b) / error);
}

}  // namespace

double front_probability(std::span<const double> points, std::span<const double> stddevs, int m,
                         int member) {
  const auto width = static_cast<std::size_t>(m);
  const auto row = [width](std::span<const double> matrix, std::size_t i) {
    return matrix.subspan(i * width, width);
  };
  const auto own = row(points, static_cast<std::size_t>(member));
  const auto own_error = row(stddevs, static_cast<std::size_t>(member));
  std::vector<std::size_t> rivals;
  for (std::size_t i = 0; i < points.size() / width; ++i) {
    if (i == static_cast<std::size_t>(member)) continue;
    double likely = 1;
    bool exact = true;
    for (std::size_t k = 0; k < width; ++k) {
      const double error = std::hypot(own_error[k], row(stddevs, i)[k]);
      likely *= no_worse(row(points, i)[k], error, own[k]);
      exact = exact && error <= 0;
    }
    if (exact && dominates(row(points, i), own)) return 0;
    if (!exact && likely > kNegligible) rivals.push_back(i);  // then they differ almost surely
  }
  if (rivals.empty()) return 1;
  Rng rng(1);
  double sum = 0;
  std::vector<double> x(width), error(width);
  for (int draw = 0; draw < kDraws; ++draw) {
    for (std::size_t k = 0; k < width; ++k) {
      error[k] = draw % 2 == 0 ? rng.normal() : -error[k];  // in antithetic pairs
      x[k] = own[k] + own_error[k] * error[k];
    }
    double undominated = 1;
    for (const std::size_t i : rivals) {
      double dominated = 1;
      for (std::size_t k = 0; k < width && dominated > 0; ++k)
        dominated *= no_worse(row(points, i)[k], row(stddevs, i)[k], x[k]);
      undominated *= 1 - dominated;
    }
    sum += undominated;
  }
  return sum / kDraws;
}

}  // namespace hwnas
