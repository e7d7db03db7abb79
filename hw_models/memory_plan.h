// Peak activation memory of a network by liveness, at the best topological order found.
#pragma once

#include <cstdint>
#include <vector>

#include "space/network.h"

namespace hwnas {

// How a runtime lays out its tensors.
struct MemoryRules {
  bool in_place_elementwise = true;   // activation, norm, add and multiply write over their input
  bool in_place_depthwise = false;    // a depthwise conv needs its input and one more channel plane
  bool padding_materialised = false;  // a padded copy of a padded conv's input exists while it runs
  // Channels last, a depthwise conv writes over its input row by row: stride 1 only, with as many
  // more rows of its padded input as the kernel is high.
  bool in_place_depthwise_rows = false;
  bool padded_tensors = false;  // what only a padded conv reads is written with its padding around

  friend bool operator==(const MemoryRules&, const MemoryRules&) = default;
};

struct MemoryPlan {
  std::int64_t peak_bytes = 0;
  int peak_layer = 0;                    // index of the layer at which the peak occurs
  std::vector<int> order;                // layer indices, a topological order
  std::vector<std::int64_t> live_bytes;  // for each layer index, bytes alive while it runs
};

// Bytes at each layer's activation_bits, times `batch`; what attention layers keep of earlier
// tokens (the KV cache) is alive throughout. Chains are exact; graphs with branches are searched
// exactly while small and greedily beyond (says so in memory_plan.cpp).
MemoryPlan plan_memory(const Network& network, const MemoryRules& rules, int batch = 1);

}  // namespace hwnas
