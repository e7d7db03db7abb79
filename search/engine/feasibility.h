// Feasibility: what a survey's sample says of each bound, in shares and ranges.
//
// Free function, pure, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "search/engine/survey.h"

namespace hwnas {

// Of a metric over the sample, in SI; quartiles interpolated.
struct Range {
  double least = 0, quarter = 0, median = 0, three_quarters = 0, most = 0;
};

struct MetricRange {
  MetricKey key;
  std::optional<Source> source;  // nothing: no cheap stage knows the metric
  Range range;
};

struct BoundShare {
  Objective objective;
  bool known = false;        // else only the later stages tell
  std::int64_t alone = 0;    // of the sample: meet this bound, whatever the others
  std::int64_t without = 0;  // meet all other bounds
  bool binds = false;        // without it more of the sample would do; where nothing was found that
                             // meets all: the candidate that comes closest breaks it
  double nearest = 0;  // tightest value of this bound that some candidate found meets together
                       // with all others; NaN: none. As judged (Objective::judged).
};

struct Feasibility {
  std::int64_t costed = 0;           // of the sample; what the counts are shares of
  std::int64_t within = 0;           // meet all bounds
  std::vector<MetricRange> metrics;  // one for each objective, in their order
  std::vector<BoundShare> bounds;    // one for each that has a bound, in their order
};

Feasibility feasibility(const Survey& survey, std::span<const Objective> objectives);

}  // namespace hwnas
