#include "search/front_probability.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "search/normal.h"
#include "search/pareto.h"

namespace hwnas {
namespace {

constexpr std::size_t kDraws = 256;
constexpr double kNegligible = 1e-6;  // of a probability

// normal_share() to 5e-7, interpolated: it is asked for millions of times.
double quick_normal_share(double z) {
  constexpr int kSteps = 256, kFar = 6;
  static const auto kTable = [] {
    std::array<double, 2 * kFar * kSteps + 2> table{};
    for (std::size_t i = 0; i < table.size(); ++i)
      table[i] = normal_share(static_cast<double>(i) / kSteps - kFar);
    return table;
  }();
  if (z <= -kFar) return 0;
  if (z >= kFar) return 1;
  const double place = (z + kFar) * kSteps;
  const auto low = static_cast<std::size_t>(place);
  return kTable[low] + (place - static_cast<double>(low)) * (kTable[low + 1] - kTable[low]);
}

// P(b <= x).
double no_worse(double b, double error, double x) {
  if (error <= 0) return b <= x ? 1 : 0;
  return quick_normal_share((x - b) / error);
}

// Evenly spread draws of m independent standard normals, row-major: the additive recurrence of
// powers of 1 / g, g the root of g^(m+1) = g + 1 (Roberts 2018, "The unreasonable effectiveness of
// quasirandom sequences").
std::vector<double> normal_draws(std::size_t m) {
  double g = 2;
  for (int i = 0; i < 64; ++i) g = std::pow(1 + g, 1 / (static_cast<double>(m) + 1));
  std::vector<double> draws;
  for (std::size_t i = 0; i < kDraws; ++i) {
    double step = 1;
    for (std::size_t k = 0; k < m; ++k) {
      step /= g;
      const double place = 0.5 + static_cast<double>(i + 1) * step;
      const double share = place - std::floor(place);
      draws.push_back(normal_quantile(std::clamp(share, kNegligible, 1 - kNegligible)));
    }
  }
  return draws;
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
  std::vector<std::pair<double, std::size_t>> rivals;  // how likely each dominates, and who
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
    if (!exact && likely > kNegligible) rivals.emplace_back(likely, i);  // equal almost never
  }
  if (rivals.empty()) return 1;
  std::sort(rivals.rbegin(), rivals.rend());
  const std::vector<double> draws = normal_draws(width);
  double sum = 0;
  for (std::size_t draw = 0; draw < kDraws; ++draw) {
    double undominated = 1;
    for (const auto& [likely, i] : rivals) {
      double dominated = 1;
      for (std::size_t k = 0; k < width && dominated > 0; ++k) {
        const double x = own[k] + own_error[k] * draws[draw * width + k];
        dominated *= no_worse(row(points, i)[k], row(stddevs, i)[k], x);
      }
      undominated *= 1 - dominated;
      if (undominated < kNegligible) break;
    }
    sum += undominated;
  }
  return sum / static_cast<double>(kDraws);
}

}  // namespace hwnas
