#include "hw_models/memory_plan.h"

#include <algorithm>
#include <cassert>
#include <numeric>

#include "hw_models/memory_graph.h"
#include "hw_models/memory_search.h"

namespace hwnas {
namespace {

// Layers (first, last] between two layers that every path passes. Nothing but the output of `first`
// is alive when the first of them starts, so each segment is ordered on its own.
struct Segment {
  int first, last;
  std::int64_t peak;  // in the order found so far
};

// Runs `order` and writes the bytes alive at each layer.
void simulate(const MemoryGraph& graph, const std::vector<int>& order,
              std::vector<std::int64_t>& live_bytes) {
  std::vector<int> waiting(graph.readers);
  std::int64_t live = 0;
  for (const int i : order) {
    std::int64_t dying = 0, largest_dying = 0;
    graph.each_input(i, [&](int store) {
      if (--waiting[at(store)] > 0) return;
      dying += graph.bytes[at(store)];
      largest_dying = std::max(largest_dying, graph.bytes[at(store)]);
    });
    live_bytes[at(i)] = graph.running(i, live, dying, largest_dying);
    const bool kept = graph.store[at(i)] == i && waiting[at(i)] > 0;
    live += (kept ? graph.bytes[at(i)] : 0) - dying;
  }
}

// Segments in which more than one order exists, each with its peak in the order of the indices.
// `floor`: what no order can go below.
std::vector<Segment> free_segments(const MemoryGraph& graph,
                                   const std::vector<std::int64_t>& live_bytes,
                                   std::int64_t& floor) {
  std::vector<Segment> found;
  int first = 0, reach = 0;
  bool forced = true;
  std::int64_t peak = live_bytes[0];
  floor = peak;
  std::int64_t bound = 0;
  for (int i = 1; i < graph.size(); ++i) {
    // Each layer of a forced segment reads the one before it.
    bool reads_previous = false;
    for (const int from : graph.inputs(i)) reads_previous |= from == i - 1;
    forced &= reads_previous;
    peak = i == first + 1 ? live_bytes[at(i)] : std::max(peak, live_bytes[at(i)]);
    bound = std::max(i == first + 1 ? 0 : bound, graph.least_running(i));
    reach = std::max(reach, graph.last_reader[at(i - 1)]);
    if (reach > i) continue;
    floor = std::max(floor, forced ? peak : bound);
    if (!forced) found.push_back({first, i, peak});
    first = i;
    forced = true;
  }
  // Highest first: once one is settled, lower ones need no search.
  std::stable_sort(found.begin(), found.end(),
                   [](const Segment& a, const Segment& b) { return a.peak > b.peak; });
  return found;
}

}  // namespace

MemoryPlan plan_memory(const Network& network, const MemoryRules& rules, int batch) {
  assert(!network.empty() && batch > 0);
  return plan_memory(MemoryGraph(network, rules, batch));
}

MemoryPlan plan_memory(const MemoryGraph& graph) {
  MemoryPlan plan;
  plan.order.resize(at(graph.size()));
  std::iota(plan.order.begin(), plan.order.end(), 0);
  plan.live_bytes.resize(at(graph.size()));
  simulate(graph, plan.order, plan.live_bytes);

  std::int64_t floor = 0;
  std::vector<SegmentOrder> searched;  // cells repeat: each kind is searched once
  bool reordered = false;
  for (const Segment& segment : free_segments(graph, plan.live_bytes, floor)) {
    if (segment.peak <= floor) break;
    const SegmentOrder& best =
        best_order(graph, segment.first, segment.last, segment.peak, floor, searched);
    floor = std::max(floor, best.peak);
    if (best.order.empty()) continue;
    for (std::size_t i = 0; i < best.order.size(); ++i)
      plan.order[at(segment.first + 1) + i] = segment.first + best.order[i];
    reordered = true;
  }
  if (reordered) simulate(graph, plan.order, plan.live_bytes);
  const std::int64_t cached = graph.cached_bytes();
  for (std::int64_t& live : plan.live_bytes) live += cached;
  const auto peak = std::max_element(plan.live_bytes.begin(), plan.live_bytes.end());
  plan.peak_bytes = *peak;
  plan.peak_layer = static_cast<int>(peak - plan.live_bytes.begin());
  return plan;
}

}  // namespace hwnas
