// The order of least peak memory within one segment of a network. Internal to memory_plan.cpp.
//
// Exact where the search ends within kSearchStates sets of executed layers and the segment has at
// most 64 nodes (layers that write over their only input are merged into it); else the better of
// the given order and a greedy one. Free functions, thread-safe.
#pragma once

#include <cstdint>
#include <vector>

#include "hw_models/memory_graph.h"

namespace hwnas {

constexpr int kSearchStates = 4096;

struct SegmentOrder {
  int first = 0, last = 0;
  std::int64_t peak = 0;
  std::vector<int> order;  // indices relative to `first`; empty: as given
};

// Orders the layers (first, last]. `peak`: of the order of the indices; `floor`: a peak that cannot
// be or need not be beaten. `known` holds segments already searched, and receives this one.
const SegmentOrder& best_order(const MemoryGraph& graph, int first, int last, std::int64_t peak,
                               std::int64_t floor, std::vector<SegmentOrder>& known);

}  // namespace hwnas
