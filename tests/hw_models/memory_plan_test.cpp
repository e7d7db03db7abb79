#include "hw_models/memory_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <set>

#include "space/network_builder.h"
#include "space/rng.h"

namespace hwnas {
namespace {

Network int8(NetworkBuilder builder) {
  return with_precision(std::move(builder).build(), 8, 8);
}

// The definition, spelled out: the alive tensors are found afresh at each step.
std::int64_t peak_of(const Network& network, const MemoryRules& rules,
                     const std::vector<int>& order) {
  const auto bytes = [&](int i) { return network.layer(i).out.elements(); };
  std::vector<int> done;
  const auto needed = [&](int tensor) {
    if (tensor == network.size() - 1) return true;
    for (int i = 0; i < network.size(); ++i) {
      if (std::find(done.begin(), done.end(), i) != done.end()) continue;
      for (const int from : network.inputs(network.layer(i)))
        if (from == tensor) return true;
    }
    return false;
  };
  std::int64_t peak = 0;
  for (const int i : order) {
    std::int64_t alive = 0;
    for (const int t : done) alive += needed(t) ? bytes(t) : 0;
    done.push_back(i);
    const Layer& layer = network.layer(i);
    std::int64_t out = bytes(i);
    const bool elementwise = layer.op == Op::activation || layer.op == Op::batch_norm ||
                             layer.op == Op::add || layer.op == Op::multiply;
    for (const int from : network.inputs(layer)) {
      if (needed(from) || bytes(from) < bytes(i)) continue;
      if (elementwise && rules.in_place_elementwise) out = 0;
      if (is_depthwise(layer) && rules.in_place_depthwise)
        out = std::int64_t{layer.out.height} * layer.out.width;
    }
    peak = std::max(peak, alive + out);
  }
  return peak;
}

std::int64_t brute_force(const Network& network, const MemoryRules& rules) {
  std::int64_t best = std::numeric_limits<std::int64_t>::max();
  std::vector<int> order{0};
  std::set<int> left;
  for (int i = 1; i < network.size(); ++i) left.insert(i);
  const std::function<void()> extend = [&] {
    if (left.empty()) best = std::min(best, peak_of(network, rules, order));
    for (const int i : std::vector<int>(left.begin(), left.end())) {
      const auto from = network.inputs(network.layer(i));
      if (std::any_of(from.begin(), from.end(), [&](int f) { return left.contains(f); })) continue;
      left.erase(i);
      order.push_back(i);
      extend();
      order.pop_back();
      left.insert(i);
    }
  };
  extend();
  return best;
}

// Small enough for all orders: layers read random earlier ones; loose ends shrink to one channel
// and are joined. Wide layers between narrow ones make the order matter.
Network random_graph(Rng& rng, int layers) {
  NetworkBuilder b("random", {static_cast<int>(1 + rng.below(8)), 4, 4});
  std::vector<bool> read(1, false);
  const auto pick = [&] {
    const int from = static_cast<int>(rng.below(static_cast<std::uint32_t>(b.size())));
    read[static_cast<std::size_t>(from)] = true;
    return from;
  };
  while (b.size() < layers) {
    const int from = pick();
    const int channels = b.shape(from).channels;
    switch (rng.below(4)) {
      case 0:
        b.activation(from, Activation::relu);
        break;
      case 1:
        b.conv(from, {.channels = channels, .kernel = 3, .groups = channels});
        break;
      default:
        b.conv(from, {.channels = static_cast<int>(1 + rng.below(40))});
    }
    read.push_back(false);
  }
  std::vector<int> loose;
  for (int i = 0; i < b.size(); ++i)
    if (!read[static_cast<std::size_t>(i)]) loose.push_back(i);
  for (int& end : loose) end = b.conv(end, {.channels = 1});
  b.join(loose, Op::concat);
  return int8(std::move(b));
}

TEST(MemoryPlan, EqualsBruteForceOverAllOrders) {
  Rng rng(7);
  int better_than_given = 0;
  for (int trial = 0; trial < 60; ++trial) {
    const Network network = random_graph(rng, 6);
    for (const MemoryRules rules : {MemoryRules{true, false, false}, MemoryRules{true, true, false},
                                    MemoryRules{false, false, false}}) {
      const MemoryPlan plan = plan_memory(network, rules);
      ASSERT_EQ(plan.peak_bytes, brute_force(network, rules)) << "trial " << trial;
      ASSERT_EQ(plan.peak_bytes, peak_of(network, rules, plan.order)) << "trial " << trial;
      std::vector<int> given(plan.order.size());
      for (std::size_t i = 0; i < given.size(); ++i) given[i] = static_cast<int>(i);
      better_than_given += plan.peak_bytes < peak_of(network, rules, given);
    }
  }
  EXPECT_GT(better_than_given, 50) << "the graphs leave nothing to search";
}

// The stage of mcunet-vww1 at its peak (hardware notes: model zoo says SRAM 162 kB, TinyEngine
// needs 89 600 bytes and measures 92 kB): 8x40x40 -> 1x1 conv to 48 -> 3x3 depthwise.
Network mcunet_stage() {
  NetworkBuilder b("stage", {8, 40, 40});
  const int wide = b.conv(0, {.channels = 48});
  b.conv(wide, {.channels = 48, .kernel = 3, .stride = 2, .groups = 48});
  return int8(std::move(b));
}

TEST(MemoryPlan, McunetStageWithPaddedCopies) {
  // 48*40*40 + 48*42*42 = 76 800 + 84 672
  const MemoryPlan plan = plan_memory(mcunet_stage(), {true, false, true});
  EXPECT_EQ(plan.peak_bytes, 161472);
  EXPECT_EQ(plan.peak_layer, 2);
}

TEST(MemoryPlan, McunetStageInPlace) {
  // The 1x1 conv: 8*40*40 + 48*40*40 = 12 800 + 76 800; the depthwise: 76 800 + one 20x20 plane.
  const MemoryPlan plan = plan_memory(mcunet_stage(), {true, true, false});
  EXPECT_EQ(plan.peak_bytes, 89600);
  EXPECT_EQ(plan.live_bytes[2], 76800 + 400);
}

TEST(MemoryPlan, ResidualKeepsItsShortcut) {
  NetworkBuilder b("residual", {4, 10, 10});
  const int a = b.activation(b.batch_norm(b.conv(0, {.channels = 16})), Activation::relu);
  b.add({b.conv(a, {.channels = 4}), 0});
  // conv to 16: 400 + 1600; conv back: 400 (shortcut) + 1600 + 400; add in place.
  EXPECT_EQ(plan_memory(int8(std::move(b)), {true, false, false}).peak_bytes, 2400);
}

TEST(MemoryPlan, BitsAndBatch) {
  NetworkBuilder b("bits", {3, 3, 3});  // 27 values: 14 bytes at 4 bits
  b.conv(0, {.channels = 1});           // 9 values: 5 bytes
  const Network network = with_precision(std::move(b).build(), 4, 4);
  EXPECT_EQ(plan_memory(network, {}, 1).peak_bytes, 19);
  EXPECT_EQ(plan_memory(network, {}, 3).peak_bytes, 57);
}

TEST(MemoryPlan, ManyBranchesFallBackToAnOrderThatIsNoWorse) {
  // 70 branches exceed the exact search (64 nodes): the plan is still a topological order.
  NetworkBuilder b("wide", {4, 4, 4});
  std::vector<int> ends;
  for (int i = 0; i < 70; ++i) ends.push_back(b.conv(b.conv(0, {.channels = 32}), {.channels = 1}));
  b.join(ends, Op::concat);
  const Network network = int8(std::move(b));
  const MemoryPlan plan = plan_memory(network, {});
  std::set<int> done;
  for (const int i : plan.order) {
    for (const int from : network.inputs(network.layer(i))) EXPECT_TRUE(done.contains(from));
    done.insert(i);
  }
  EXPECT_EQ(static_cast<int>(done.size()), network.size());
  // Last step: 70 branches of 16 bytes and their concatenation of 1120 bytes.
  EXPECT_EQ(plan.peak_bytes, 70 * 16 + 1120);
}

TEST(MemoryPlan, DepthwiseRowByRow) {
  const auto peak = [](int stride) {
    NetworkBuilder b("rows", {4, 6, 6});
    b.conv(0, {.channels = 4, .kernel = 3, .stride = stride, .pad = 1, .groups = 4});
    return plan_memory(int8(std::move(b)), {.in_place_depthwise_rows = true}).peak_bytes;
  };
  EXPECT_EQ(peak(1), 144 + 3 * 8 * 4);  // input and three padded rows
  EXPECT_EQ(peak(2), 144 + 36);         // not in place: input and output
}

TEST(MemoryPlan, TensorsWrittenWithTheirPadding) {
  NetworkBuilder b("padded", {4, 6, 6});
  int x = b.activation(b.batch_norm(b.conv(0, {.channels = 4})), Activation::relu);
  b.conv(x, {.channels = 4, .kernel = 3, .pad = 1, .groups = 4});
  const MemoryPlan plan =
      plan_memory(int8(std::move(b)), {.in_place_depthwise_rows = true, .padded_tensors = true});
  EXPECT_EQ(plan.live_bytes[1], 144 + 256);        // 1x1 conv writes 4 x 8 x 8
  EXPECT_EQ(plan.live_bytes[3], 256);              // norm and activation in place
  EXPECT_EQ(plan.live_bytes[4], 256 + 3 * 8 * 4);  // depthwise in place, three padded rows
  EXPECT_EQ(plan.peak_bytes, 400);
}

}  // namespace
}  // namespace hwnas
