// One-cycle learning rate: linear up to the peak, linear down towards zero (Smith and Topin 2018,
// arXiv:1708.07120, without its momentum cycle). Pure.
#pragma once

#include <cassert>
#include <cmath>
#include <cstdint>

namespace hwnas {

// The rate of step `step` in [0, steps). The first `warmup` share of the steps rises to `peak`, the
// last step is peak / (steps - warmup steps).
inline double one_cycle(std::int64_t step, std::int64_t steps, double peak, double warmup) {
  assert(step >= 0 && step < steps);
  const double up = std::floor(warmup * static_cast<double>(steps));
  const auto at = static_cast<double>(step);
  if (at < up) return peak * (at + 1) / up;
  return peak * (static_cast<double>(steps) - at) / (static_cast<double>(steps) - up);
}

}  // namespace hwnas
