#include "hw_models/families/gpu.h"

#include <gtest/gtest.h>

#include "hw_models/device.h"
#include "space/input_error.h"
#include "tests/hw_models/support.h"

namespace hwnas {
namespace {

using testing::candidate;
using testing::kCited;
using testing::replaced;

// 1 GHz, 2 cores of 64 MACs and 4 lanes per cycle, all of them reached; no tile law, no overhead; a
// 1000 byte cache and 1e6 bytes of DRAM, both at 1e15 B/s; 1 W static; V = 0.6 at half the clock.
std::string small_gpu() {
  const std::string cited = kCited;
  return R"(description = "test"
family = "gpu"
confidence = "D"
[coverage]
ops = ["conv", "linear", "batch_norm", "activation", "add", "global_avg_pool", "flatten", "attention"]
fused = ["batch_norm", "activation"]
)" + cited +
         "[[precisions]]\nweight_bits = 8\nactivation_bits = 8\nmacs_per_cycle_per_core = 64\n"
         "energy_per_mac_j = 1e-9\n" +
         cited +
         "[clock]\nhighest_hz = 1e9\nlowest_share = 0.2\nknee_share = 0.5\n"
         "knee_voltage_share = 0.6\n" +
         cited +
         "[compute]\ncores = 2\nlanes_per_core = 4\nenergy_per_lane_op_j = 2e-9\n"
         "matrix_share = 1\nlane_share = 1\n" +
         cited +
         "[[memory]]\nname = \"cache\"\nbytes = 1000\nbytes_per_s = 1e15\n"
         "energy_per_byte_j = 0\n" +
         cited +
         "[[memory]]\nname = \"DRAM\"\nbytes = 1000000\nbytes_per_s = 1e15\n"
         "energy_per_byte_j = 0\n" +
         cited +
         "[runtime]\nlaunch_s = 0\nfill_cycles = 0\nhost_s = 0\nstart_s = 0\nbatch_highest = 4\n"
         "reserved_bytes = 0\nin_place_elementwise = true\n" +
         cited + "[power]\nstatic_w = 1\n" + cited;
}

// Tiles of 8 x 8; 8 bytes and 20 cycles for a step, 16 bytes/cycle, 1 lane operation per output,
// two blocks side by side.
std::string tiled_gpu() {
  return small_gpu() +
         "[utilisation]\nstep_bytes = 8\ncycles_per_step = 20\ncycles_per_far_step = 20\n"
         "operand_bytes_per_cycle_per_core = 16\nepilogue_ops = 1\nsplits_highest = 1\n"
         "tiles = [{rows = 8, columns = 8, blocks = 2}]\n" +
         kCited;
}

Network pointwise(int in, int out, int height, int width, double density = 1, int block = 4) {
  NetworkBuilder b("one", {in, height, width});
  b.set_weight_density(density, density < 1 ? block : 0);
  b.conv(0, {.channels = out});
  return with_precision(std::move(b).build(), 8, 8);
}

Cost cost(const std::string& text, Network network, int batch = 1, double clock_share = 1) {
  return Device::parse(text, "gpu.toml")
      .model->estimate(candidate(std::move(network), batch, clock_share))
      .cost;
}

TEST(Gpu, WithoutTilesEveryProductRunsAtThePeak) {
  // 8*12*12 = 1152 MACs / (2 * 64) = 9 cycles.
  const Cost c = cost(small_gpu(), pointwise(8, 12, 3, 4));
  EXPECT_NEAR(c.latency_s, 9e-9, 1e-18);
  // 1 W * 9 ns + 1152 * 1 nJ.
  EXPECT_NEAR(c.energy_j, 9e-9 + 1152e-9, 1e-15);
  EXPECT_EQ(c.bound, Bound::compute);
}

TEST(Gpu, TilesWavesAndChains) {
  // 12 rows and 12 columns: 2 x 2 tiles, 2 waves of 2 cores. 16 products, 2 steps: busy
  // 16 * max(64/64, 16 bytes / 16) + 64/4 of epilogue = 32 cycles for each wave, 64. A chain is
  // 2 * 20 + 16 = 56 cycles, and both tiles of a core run side by side. 64 it is.
  EXPECT_NEAR(cost(tiled_gpu(), pointwise(16, 12, 3, 4)).latency_s, 64e-9, 1e-18);
  // One tile: the chain, 56 cycles, though its products would take 32.
  EXPECT_NEAR(cost(tiled_gpu(), pointwise(16, 8, 2, 4)).latency_s, 56e-9, 1e-18);
  // 4 bytes/cycle: 16 * 16/4 + 16 = 80 cycles.
  EXPECT_NEAR(cost(replaced(tiled_gpu(), "per_cycle_per_core = 16", "per_cycle_per_core = 4"),
                   pointwise(16, 8, 2, 4))
                  .latency_s,
              80e-9, 1e-18);
}

TEST(Gpu, StepsWaitForWeightsThatNoCacheHolds) {
  // 256 -> 8 at 2x1: 512 inputs, 16 outputs and 2048 weights, 2576 bytes; the cache holds 1000. One
  // tile of 32 steps of 20 + (1 - 1000/2576) * 30 cycles, and 16 of epilogue.
  const std::string text = replaced(tiled_gpu(), "far_step = 20", "far_step = 50");
  EXPECT_NEAR(cost(text, pointwise(256, 8, 2, 1)).latency_s,
              (32 * (20 + 1576.0 / 2576 * 30) + 16) * 1e-9, 1e-15);
}

TEST(Gpu, OnlyLinearLayersAreSplit) {
  const std::string text = replaced(tiled_gpu(), "splits_highest = 1", "splits_highest = 16");
  EXPECT_NEAR(cost(text, pointwise(16, 8, 2, 4)).latency_s, 56e-9, 1e-18);
  NetworkBuilder b("linear", {64, 8, 1});
  b.linear(0, 8, false);
  // 8 steps in 2 * 2 parts of 2: 2 waves of 16 * 1 + 16 = 32 cycles, or one chain of 56.
  EXPECT_NEAR(cost(text, with_precision(std::move(b).build(), 8, 8)).latency_s, 64e-9, 1e-18);
}

TEST(Gpu, CacheServesItsShareOfTheWorkingSet) {
  // 1 -> 3 at 20x25: 500 + 1500 activations, 3 weights; of 2003 bytes the cache holds 1000. The
  // 3 weights compete with the 2000 alive: 1000/2003 too. At 1e9 B/s from DRAM and nothing from the
  // cache 1003 ns; 4 nJ/B on DRAM.
  const std::string text =
      replaced(small_gpu(), "bytes = 1000000\nbytes_per_s = 1e15\nenergy_per_byte_j = 0",
               "bytes = 1000000\nbytes_per_s = 1e9\nenergy_per_byte_j = 4e-9");
  const Cost c = cost(text, pointwise(1, 3, 20, 25));
  EXPECT_NEAR(c.latency_s, 1003e-9, 2e-12);
  EXPECT_NEAR(c.energy_j, 1 * 1003e-9 + 1500 * 1e-9 + 1003 * 4e-9, 1e-11);
  EXPECT_EQ(c.bound, Bound::memory);
  // Weights in DRAM, activations in the cache, whatever their size: 3 ns; 1500 MACs take 11.7.
  const Cost placed =
      cost(text + "[placement]\nweights = \"DRAM\"\nactivations = \"cache\"\n" + kCited,
           pointwise(1, 3, 20, 25));
  EXPECT_NEAR(placed.latency_s, 1500e-9 / 128, 1e-15);
  EXPECT_NEAR(placed.energy_j, placed.latency_s + 1500e-9 + 3 * 4e-9, 1e-15);
}

TEST(Gpu, LaunchFillHostAndStart) {
  const Network network = pointwise(8, 12, 3, 4);  // 9 cycles
  const std::string filled = replaced(replaced(small_gpu(), "launch_s = 0", "launch_s = 5e-9"),
                                      "fill_cycles = 0", "fill_cycles = 4");
  EXPECT_NEAR(cost(filled, network).latency_s, 18e-9, 1e-18);
  EXPECT_NEAR(cost(filled, network, 1, 0.5).latency_s, 31e-9, 1e-18);  // 2 * 13 + 5
  const std::string slow =
      replaced(replaced(filled, "host_s = 0", "host_s = 20e-9"), "start_s = 0", "start_s = 100e-9");
  const Cost c = cost(slow, network);
  EXPECT_NEAR(c.latency_s, 120e-9, 1e-18);
  EXPECT_NEAR(c.layers[0].latency_s, 120e-9, 1e-18);
  EXPECT_EQ(c.bound, Bound::overhead);
}

TEST(Gpu, DepthwiseConvsAndSumsRunOnTheLanes) {
  NetworkBuilder b("depthwise", {4, 4, 4});
  const int x = b.conv(0, {.channels = 4, .kernel = 3, .groups = 4});
  b.add({x, 0});
  const Cost c = cost(tiled_gpu(), with_precision(std::move(b).build(), 8, 8));
  ASSERT_EQ(c.layers.size(), 2u);
  EXPECT_NEAR(c.layers[0].latency_s, 576e-9 / 8, 1e-18);  // 9 * 64 MACs on 8 lanes
  EXPECT_NEAR(c.layers[1].latency_s, 128e-9 / 8, 1e-18);  // two inputs of 64
  EXPECT_NEAR(c.layers[1].energy_j, 16e-9 + 128 * 2e-9, 1e-18);
}

TEST(Gpu, PatternOfTwoInFour) {
  const std::string text = small_gpu() + "[sparsity]\nkept = 2\nof = 4\nindex_bits = 2\n" + kCited;
  const Cost dense = cost(text, pointwise(32, 8, 4, 4));
  const Cost pruned = cost(text, pointwise(32, 8, 4, 4, 0.5));
  EXPECT_NEAR(dense.latency_s, 32e-9, 1e-18);  // 4096 MACs / 128
  EXPECT_NEAR(pruned.latency_s, 16e-9, 1e-18);
  EXPECT_NEAR(pruned.energy_j, 16e-9 + 2048e-9, 1e-15);
  EXPECT_EQ(pruned.storage_bytes, 160);  // 256 * (0.5 + 1/8)
  // Denser, anywhere, in other blocks, or on a device without the pattern, pruning gains nothing;
  // sparser no more than 2:4. One of two is a pattern of two of four.
  EXPECT_EQ(cost(text, pointwise(32, 8, 4, 4, 0.75)).latency_s, dense.latency_s);
  EXPECT_EQ(cost(text, pointwise(32, 8, 4, 4, 0.5, 0)).latency_s, dense.latency_s);
  EXPECT_EQ(cost(text, pointwise(32, 8, 4, 4, 0.5, 8)).latency_s, dense.latency_s);
  EXPECT_EQ(cost(text, pointwise(32, 8, 4, 4, 0.25)).latency_s, pruned.latency_s);
  EXPECT_EQ(cost(text, pointwise(32, 8, 4, 4, 0.5, 2)).latency_s, pruned.latency_s);
  EXPECT_EQ(cost(small_gpu(), pointwise(32, 8, 4, 4, 0.5)).storage_bytes, 256);
}

TEST(Gpu, AttentionIsTwoProductsAndItsScoresOnTheLanes) {
  NetworkBuilder b("attention", {8, 4, 1});
  b.attention(0, 0, 0, 2, 12);
  // Two heads of 4 channels, 4 tokens attend to 16: 2 * 2*4*16*4 = 1024 MACs / 128 = 8 cycles, and
  // 2*4*16 = 128 scores / 8 lanes = 16.
  const Network network = with_precision(std::move(b).build(), 8, 8);
  const Cost c = cost(small_gpu(), network);
  EXPECT_NEAR(c.latency_s, 24e-9, 1e-18);
  // 32 in, 32 out, 2 * 12 * 8 of the cache; no scores.
  EXPECT_NEAR(c.layers[0].traffic_bytes, 32 + 32 + 192, 1e-9);
  // Scores that are stored, and read for the softmax and for the values, move three times.
  const std::string stored = replaced(small_gpu(), "host_s = 0", "host_s = 0\nscore_passes = 3");
  EXPECT_NEAR(cost(stored, network).layers[0].traffic_bytes, 256 + 3 * 128, 1e-9);
  // With tiles: scores, 4 x 16 of depth 4 for each head, are 2 tiles of 1 step each; 4 on 2 cores
  // are 2 waves of 8 * 1 + 16 = 24 cycles. Values, 4 x 4 of depth 16, are 2 tiles of 2 steps: one
  // chain of 2 * 20 + 16 = 56. 48 + 56 + 16.
  EXPECT_NEAR(cost(tiled_gpu(), network).latency_s, 120e-9, 1e-18);
}

TEST(Gpu, KeepsItsPowerLimit) {
  // 64 -> 64 at 8x8 with 1 nJ/MAC: 262144 MACs, 2048 ns, 262 uJ: 129 W, of which 1 W static.
  const Network network = pointwise(64, 64, 8, 8);
  const Cost free = cost(small_gpu(), network);
  EXPECT_NEAR(count(free, "power_w"), 129, 1e-6);
  EXPECT_NEAR(count(free, "sustained_clock_hz"), 1e9, 1);
  // At half the clock V = 0.6: 0.6 W + 128 W / 2 * 0.36 = 23.64 W, the limit.
  const std::string capped = replaced(small_gpu(), "static_w = 1", "static_w = 1\nlimit_w = 23.64");
  const Cost c = cost(capped, network);
  EXPECT_NEAR(count(c, "sustained_clock_hz"), 0.5e9, 1e6);
  EXPECT_NEAR(c.latency_s, 2 * free.latency_s, 5e-9);
  EXPECT_LE(count(c, "power_w"), 23.64);
  // A lower clock that was asked for stays.
  EXPECT_NEAR(count(cost(capped, network, 1, 0.3), "sustained_clock_hz"), 0.3e9, 1);
}

void expect_error(const std::string& text, const std::string& part) {
  try {
    Device::parse(text, "gpu.toml");
    ADD_FAILURE() << "no error with '" << part << "'";
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

TEST(Gpu, BadDeviceFiles) {
  expect_error(replaced(tiled_gpu(), "tiles = [{rows = 8, columns = 8, blocks = 2}]\n", ""),
               "utilisation.tiles: is missing");
  expect_error(small_gpu() + "[placement]\nweights = \"DARM\"\n" + kCited, "DRAM");
  expect_error(small_gpu() + "[sparsity]\nkept = 4\nof = 4\nindex_bits = 2\n" + kCited,
               "fewer than");
  expect_error(replaced(small_gpu(), "static_w = 1", "static_w = 9\nlimit_w = 5"), "power.limit_w");
  expect_error(replaced(small_gpu(), "launch_s", "lunch_s"), "lunch_s");
  expect_error(replaced(small_gpu(), "lanes_per_core = 4", "lanes_per_core = 0"),
               "compute.lanes_per_core");
}

}  // namespace
}  // namespace hwnas
