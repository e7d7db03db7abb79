// The keys of a stage: what values each takes, which block reads which. Internal to space/.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "space/space_plan.h"

namespace hwnas {

// What values a key takes. Names are stored as their index.
struct KeyRule {
  const char* key;
  double low, high, fallback;
  bool whole;
  std::span<const std::string> names;  // not empty: the value is one of these
};

const KeyRule& rule(StageKey key);

// The keys that a block reads, beyond those of every stage. A missing value without a fallback is
// an error only for these.
std::vector<StageKey> keys_of(Block block);

// What is customary where nothing is given; NaN where the block needs to be told.
double fallback_of(StageKey key, Block block);

}  // namespace hwnas
