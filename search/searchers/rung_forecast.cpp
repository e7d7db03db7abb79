#include "search/searchers/rung_forecast.h"

#include <algorithm>
#include <limits>

namespace hwnas {
namespace {

constexpr std::size_t kEnoughForASlope = 3;

}  // namespace

RungForecast::RungForecast(std::span<const RungPair> pairs)
    : best_(-std::numeric_limits<double>::infinity()) {
  if (pairs.empty()) return;
  const auto n = static_cast<double>(pairs.size());
  double rung = 0, end = 0;
  best_ = pairs.front().at_end;
  for (const RungPair& pair : pairs) {
    rung += pair.at_rung / n;
    end += pair.at_end / n;
    best_ = std::min(best_, pair.at_end);
  }
  double spread = 0, together = 0;
  for (const RungPair& pair : pairs) {
    spread += (pair.at_rung - rung) * (pair.at_rung - rung);
    together += (pair.at_rung - rung) * (pair.at_end - end);
  }
  if (pairs.size() >= kEnoughForASlope && spread > 0) {
    slope_ = std::clamp(together / spread, 0.0, 1.0);
  }
  shift_ = end - slope_ * rung;
}

double RungForecast::at_end(double at_rung) const {
  return std::max(best_, shift_ + slope_ * at_rung);
}

}  // namespace hwnas
