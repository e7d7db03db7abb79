// rung_forecast: how values at a rung go together with those at the next one, or at the end.
// Pure, thread-safe.
#pragma once

#include <span>

namespace hwnas {

struct RungForecast {
  double slope = 1, shift = 0;

  double operator()(double at_rung) const { return shift + slope * at_rung; }
};

// The line through the points (lower[i], upper[i]) by least squares, its slope kept within 0 and
// 1.5: a rung may say less than it seems to, but never the opposite. Fewer than three points: the
// mean shift. No point: no change.
RungForecast rung_forecast(std::span<const double> lower, std::span<const double> upper);

}  // namespace hwnas
