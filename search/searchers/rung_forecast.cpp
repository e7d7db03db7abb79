#include "search/searchers/rung_forecast.h"

#include <algorithm>
#include <cassert>

namespace hwnas {
namespace {

constexpr std::size_t kEnoughForASlope = 3;
constexpr double kSteepest = 1.5;

}  // namespace

RungForecast rung_forecast(std::span<const double> lower, std::span<const double> upper) {
  assert(lower.size() == upper.size());
  RungForecast line;
  if (lower.empty()) return line;
  const auto n = static_cast<double>(lower.size());
  double low = 0, up = 0;
  for (std::size_t i = 0; i < lower.size(); ++i) {
    low += lower[i] / n;
    up += upper[i] / n;
  }
  double spread = 0, together = 0;
  for (std::size_t i = 0; i < lower.size(); ++i) {
    spread += (lower[i] - low) * (lower[i] - low);
    together += (lower[i] - low) * (upper[i] - up);
  }
  if (lower.size() >= kEnoughForASlope && spread > 0) {
    line.slope = std::clamp(together / spread, 0.0, kSteepest);
  }
  line.shift = up - line.slope * low;
  return line;
}

}  // namespace hwnas
