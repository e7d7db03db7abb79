// Sorting by a double, which most of the Pareto functions begin with.
//
// Values are dealt out to as many buckets of equal width as there are values, then each bucket is
// sorted: linear on values that spread, as std::sort where all fall into a few buckets.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace hwnas {

struct Valued {
  double value = 0;
  int i = 0;  // whose it is
};

// 0 to n - 1 in ascending order of value(i), all finite; of equal values by tied(i, j), a strict
// order.
template <typename Value, typename Tied>
std::vector<Valued> order_by_value(std::size_t n, Value value, Tied tied) {
  const auto less = [&](const Valued& a, const Valued& b) {
    return a.value != b.value ? a.value < b.value : tied(a.i, b.i);
  };
  std::vector<Valued> order(n);
  const auto at = [&](std::size_t i) { return Valued{value(i), static_cast<int>(i)}; };
  double low = n > 0 ? value(0) : 0, high = low;
  for (std::size_t i = 1; i < n; ++i) {
    low = std::min(low, value(i));
    high = std::max(high, value(i));
  }
  const double scale = static_cast<double>(n - 1) / (high - low);
  if (n < 64 || !std::isfinite(scale)) {
    for (std::size_t i = 0; i < n; ++i) order[i] = at(i);
    std::sort(order.begin(), order.end(), less);
    return order;
  }
  const auto bucket = [&](double x) { return static_cast<std::size_t>((x - low) * scale); };
  std::vector<std::uint32_t> ends(n + 1);  // first where each bucket begins, then where it ends
  for (std::size_t i = 0; i < n; ++i) ++ends[bucket(value(i)) + 1];
  for (std::size_t b = 0; b < n; ++b) ends[b + 1] += ends[b];
  for (std::size_t i = 0; i < n; ++i) order[ends[bucket(value(i))]++] = at(i);
  auto from = order.begin();
  for (std::size_t b = 0; b < n; ++b) {
    const auto to = order.begin() + static_cast<std::ptrdiff_t>(ends[b]);
    if (to - from > 1) std::sort(from, to, less);
    from = to;
  }
  return order;
}

}  // namespace hwnas
