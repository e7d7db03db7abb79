#include "search/pareto.h"

#include <algorithm>
#include <cassert>
#include <functional>
#include <limits>

#include "search/value_order.h"

namespace hwnas {
namespace {

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
};

Range range_of(std::span<const double> points, std::size_t m, std::size_t objective) {
  Range range;
  for (std::size_t i = objective; i < points.size(); i += m) {
    range.low = std::min(range.low, points[i]);
    range.high = std::max(range.high, points[i]);
  }
  return range;
}

}  // namespace

bool dominates(std::span<const double> a, std::span<const double> b) {
  assert(a.size() == b.size());
  bool better = false;
  for (std::size_t k = 0; k < a.size(); ++k) {
    if (a[k] > b[k]) return false;
    better |= a[k] < b[k];
  }
  return better;
}

std::vector<double> crowding_distance(std::span<const double> points, int m) {
  const auto width = static_cast<std::size_t>(m);
  assert(m >= 1 && points.size() % width == 0);
  const std::size_t n = points.size() / width;
  std::vector<double> distance(n, 0.0);
  for (std::size_t k = 0; k < width; ++k) {
    const auto value = [&](std::size_t i) { return points[i * width + k]; };
    const std::vector<Valued> order = order_by_value(n, value, std::less<>());
    const double range = n == 0 ? 0 : order.back().value - order.front().value;
    if (!(range > 0)) continue;
    const auto of = [&](std::size_t i) -> double& {
      return distance[static_cast<std::size_t>(order[i].i)];
    };
    of(0) = of(n - 1) = std::numeric_limits<double>::infinity();
    for (std::size_t i = 1; i + 1 < n; ++i)
      of(i) += (order[i + 1].value - order[i - 1].value) / range;
  }
  return distance;
}

int knee(std::span<const double> points, int m) {
  const auto width = static_cast<std::size_t>(m);
  assert(m >= 1 && points.size() % width == 0);
  std::vector<double> sums(points.size() / width, 0.0);
  for (std::size_t k = 0; k < width; ++k) {
    const Range range = range_of(points, width, k);
    if (!(range.low < range.high)) continue;
    for (std::size_t i = 0; i < sums.size(); ++i) {
      sums[i] += (points[i * width + k] - range.low) / (range.high - range.low);
    }
  }
  if (sums.empty()) return -1;
  return static_cast<int>(std::min_element(sums.begin(), sums.end()) - sums.begin());
}

}  // namespace hwnas
