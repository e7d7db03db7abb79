#include "hw_models/patch_plan.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "hw_models/memory_graph.h"

namespace hwnas {
namespace {

// Whether an output reads only its neighbourhood in the image.
bool is_local(Op op) {
  switch (op) {
    case Op::conv:
    case Op::max_pool:
    case Op::avg_pool:
    case Op::batch_norm:
    case Op::activation:
    case Op::add:
    case Op::concat:
    case Op::channel_shuffle:
    case Op::identity:
      return true;
    default:
      return false;
  }
}

// One side of the image: how many positions the tiles need of each layer's output.
struct Side {
  std::vector<int> largest, sum;  // over the tiles
};

struct Window {
  int kernel, stride, before;
};

Window window(const Layer& layer, bool vertical) {
  const bool slides = layer.op == Op::conv || layer.op == Op::max_pool || layer.op == Op::avg_pool;
  if (!slides) return {1, 1, 0};
  return vertical ? Window{layer.kernel_h, layer.stride_h, layer.pad.top}
                  : Window{layer.kernel_w, layer.stride_w, layer.pad.left};
}

Side side_of(const Network& network, int last, int per_side, bool vertical) {
  const auto length = [&](int i) {
    return vertical ? network.layer(i).out.height : network.layer(i).out.width;
  };
  const auto size = at(last + 1);
  Side side{std::vector<int>(size, 0), std::vector<int>(size, 0)};
  std::vector<int> begin(size), end(size);
  for (int tile = 0; tile < per_side; ++tile) {
    for (int i = 0; i < last; ++i) begin[at(i)] = length(i), end[at(i)] = 0;
    begin[at(last)] = tile * length(last) / per_side;
    end[at(last)] = (tile + 1) * length(last) / per_side;
    for (int i = last; i >= 0; --i) {
      const int extent = std::max(0, end[at(i)] - begin[at(i)]);
      side.largest[at(i)] = std::max(side.largest[at(i)], extent);
      side.sum[at(i)] += extent;
      if (extent == 0) continue;
      const Layer& layer = network.layer(i);
      const Window w = window(layer, vertical);
      for (const int from : network.inputs(layer)) {
        begin[at(from)] =
            std::min(begin[at(from)], std::max(0, begin[at(i)] * w.stride - w.before));
        end[at(from)] = std::max(end[at(from)], std::min(length(from), (end[at(i)] - 1) * w.stride -
                                                                           w.before + w.kernel));
      }
    }
  }
  return side;
}

std::int64_t share_of(std::int64_t bytes, double share) {
  return static_cast<std::int64_t>(std::ceil(static_cast<double>(bytes) * share));
}

PatchPlan patches_until(const Network& network, const MemoryRules& rules, int last, int per_side) {
  PatchPlan plan;
  plan.last = last;
  plan.per_side = per_side;
  plan.work.resize(at(last + 1));
  const Side down = side_of(network, last, per_side, true);
  const Side across = side_of(network, last, per_side, false);
  MemoryGraph graph(network, rules, 1);
  const std::int64_t image = graph.bytes[0], whole = graph.bytes[at(last)];
  std::vector<double> tile(at(last + 1));
  for (int i = 0; i <= last; ++i) {
    const Shape& out = network.layer(i).out;
    const double area = static_cast<double>(out.height) * out.width;
    tile[at(i)] = down.largest[at(i)] * across.largest[at(i)] / area;
    plan.work[at(i)] = down.sum[at(i)] * across.sum[at(i)] / area;
  }
  for (int i = 0; i <= last; ++i) {
    if (i < last) graph.bytes[at(i)] = share_of(graph.bytes[at(i)], tile[at(i)]);
    graph.part[at(i)] = share_of(graph.part[at(i)], tile[at(i)]);
    if (i > 0) graph.padded[at(i)] = share_of(graph.padded[at(i)], tile[at(graph.inputs(i)[0])]);
  }
  graph.bytes[0] = 0;  // read where it lies; kept whole, below
  plan.memory = plan_memory(graph);
  for (int i = 0; i <= last; ++i) plan.memory.live_bytes[at(i)] += image + (i < last ? whole : 0);
  const std::vector<std::int64_t>& live = plan.memory.live_bytes;
  const auto peak = std::max_element(live.begin(), live.end());
  plan.memory.peak_bytes = *peak;
  plan.memory.peak_layer = static_cast<int>(peak - live.begin());
  return plan;
}

}  // namespace

std::optional<PatchPlan> plan_patches(const Network& network, const MemoryRules& rules,
                                      int per_side, std::int64_t enough_bytes) {
  const MemoryGraph graph(network, rules, 1);
  const MemoryPlan whole = plan_memory(graph);
  std::vector<std::int64_t> after(at(network.size() + 1), 0);  // peak of layer i and all later
  for (int i = network.size() - 1; i >= 0; --i)
    after[at(i)] = std::max(after[at(i + 1)], whole.live_bytes[at(i)]);

  // Longer stages pay only where less is alive after them or their output is smaller.
  std::optional<PatchPlan> best;
  std::int64_t rest = after[0], smallest = std::numeric_limits<std::int64_t>::max();
  int reach = graph.last_reader[0];
  for (int i = 1; i + 1 < network.size() && is_local(network.layer(i).op); ++i) {
    const bool joined = reach <= i;  // every path passes layer i
    reach = std::max(reach, graph.last_reader[at(i)]);
    const Shape& out = network.layer(i).out;
    if (!joined || out.height < per_side || out.width < per_side) continue;
    if (after[at(i + 1)] >= rest && graph.bytes[at(i)] >= smallest) continue;
    rest = std::min(rest, after[at(i + 1)]);
    smallest = std::min(smallest, graph.bytes[at(i)]);
    if (best && graph.bytes[0] + graph.bytes[at(i)] >= best->memory.peak_bytes) continue;
    PatchPlan plan = patches_until(network, rules, i, per_side);
    if (!best || plan.memory.peak_bytes < best->memory.peak_bytes) best = std::move(plan);
    if (best->memory.peak_bytes <= enough_bytes) break;
  }
  return best;
}

}  // namespace hwnas
