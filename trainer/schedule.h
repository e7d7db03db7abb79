// Learning rates. Pure.
//
// One-cycle: linear up to the peak, linear down towards zero (Smith and Topin 2018,
// arXiv:1708.07120, without its momentum cycle). Trapezoid: up, level, down (Hägele et al. 2024,
// arXiv:2405.18392): what is trained before the cooldown does not depend on how long the training
// is, so that a longer one can go on from there.
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

// The first `up` steps rise to the peak, the last `down` fall by its square root.
inline double trapezoid(std::int64_t step, std::int64_t steps, double peak, std::int64_t up,
                        std::int64_t down) {
  assert(step >= 0 && step < steps);
  const std::int64_t left = steps - step;
  double share = step < up ? static_cast<double>(step + 1) / static_cast<double>(up) : 1;
  if (left <= down) {
    const double spent = static_cast<double>(down - left) / static_cast<double>(down);
    share = std::fmin(share, 1 - std::sqrt(spent));
  }
  return peak * share;
}

}  // namespace hwnas
