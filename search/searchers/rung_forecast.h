// RungForecast: what a trial that was stopped at a rung would have come to, as those that went on
// from it teach. Immutable, thread-safe.
#pragma once

#include <span>

namespace hwnas {

// A value at the rung and at the end, minimised.
struct RungPair {
  double at_rung = 0, at_end = 0;
};

// A line through the pairs, of a slope from 0 to 1: differences at a rung foretell smaller ones,
// never greater or opposite ones. Fewer than three pairs: the mean shift. No pair: no change.
class RungForecast {
 public:
  explicit RungForecast(std::span<const RungPair> pairs);

  // Never better than the best end seen: what nobody has tried to the end is no record.
  double at_end(double at_rung) const;

 private:
  double slope_ = 1, shift_ = 0, best_;
};

}  // namespace hwnas
