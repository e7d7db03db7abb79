#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hw_models/families/fpga_engine.h"
#include "space/input_error.h"
#include "tests/hw_models/fpga_support.h"

namespace hwnas {
namespace {

using testing::candidate;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::replaced;

// 1 MHz; 10 000 LUTs, 100 DSPs, 10 BRAMs; 8 bits: a product in each DSP, 2 bits: in LUTs; a byte in
// and out in each cycle; an engine's pipeline of one cycle; 1 W and 1 nJ for a DSP in a cycle.
std::string small_fpga() {
  const std::string cited = testing::kCited;
  return R"(description = "test"
family = "fpga"
confidence = "D"
[coverage]
ops = ["conv", "linear", "batch_norm", "activation", "add", "global_avg_pool", "flatten"]
fused = ["batch_norm", "activation"]
)" + cited +
         "[[precisions]]\nweight_bits = 8\nactivation_bits = 8\nmacs_per_dsp = 1\n" + cited +
         "[[precisions]]\nweight_bits = 2\nactivation_bits = 2\nmacs_per_dsp = 0\n" + cited +
         "[clock]\nhighest_hz = 1e6\nlowest_share = 0.2\nknee_share = 1.0\n"
         "knee_voltage_share = 1.0\n" +
         cited + "[resources]\nluts = 10000\ndsps = 100\nbram18s = 10\nurams = 0\n" + cited +
         "[folding]\nusable_share = 1.0\nweight_stream_bits = 16\n" + cited +
         "[engine]\nluts_per_engine = 100\nluts_factor = 1.0\nluts_per_lane_bit = 1\n"
         "dsps_per_scale = 2\npipeline_cycles = 1\n" +
         cited + "[interface]\nbits_per_cycle = 8\nstart_s = 0\nenergy_per_byte_j = 0\n" + cited +
         "[power]\nstatic_w = 1\nenergy_per_lut_cycle_j = 0\nenergy_per_dsp_cycle_j = 1e-9\n"
         "energy_per_bram18_cycle_j = 0\nenergy_per_uram_cycle_j = 0\nidle_share = 0.5\n" +
         cited;
}

Device fpga(const std::string& text = small_fpga()) {
  return Device::parse(text, "small.toml");
}
// Layers folded by hand.
std::string folded(const std::string& layers) {
  return replaced(small_fpga(), "[folding]\n", "[folding]\nlayers = {" + layers + "}\n");
}

Network convs(int count, int bits = 8) {
  NetworkBuilder b("convs", {8, 4, 4});
  b.set_precision(bits, bits);
  b.set_input_precision(bits);
  int x = 0;
  for (int i = 0; i < count; ++i) {
    b.set_prefix("c" + std::to_string(i));
    x = b.conv(x, {.channels = 4, .kernel = 3});
  }
  return std::move(b).build();
}

TEST(Fpga, BlocksOfMemory) {
  EXPECT_EQ(bram18s(16385, 1), 2);
  EXPECT_EQ(bram18s(8192, 2), 1);
  EXPECT_EQ(bram18s(4097, 4), 2);
  EXPECT_EQ(bram18s(2048, 9), 1);
  EXPECT_EQ(bram18s(1024, 18), 1);
  EXPECT_EQ(bram18s(513, 36), 2);
  EXPECT_EQ(bram18s(512, 37), 2);
  EXPECT_EQ(urams(4097, 73), 4);
  EXPECT_EQ(lutram_luts(65, 3), 6);
}

TEST(Fpga, AccumulatorBits) {
  // Ternary weights are 2/3 on average: 600 * 2/3 * 1 = 400; 64 * 2/3 * 3 = 128.
  EXPECT_EQ(accumulator_bits(600, 2, 1), 10);
  EXPECT_EQ(accumulator_bits(64, 2, 2), 9);
  EXPECT_EQ(accumulator_bits(64, 1, 1), 8);  // 64, and a sign
}

TEST(Fpga, OneConvGolden) {
  const Cost cost =
      fpga(folded("\"c0.conv\" = { pe = 1, simd = 1 }")).model->estimate(candidate(convs(1))).cost;
  // 4 filters of 72 products at 16 positions: 288 cycles each, 4608.
  EXPECT_EQ(count(cost, "interval_cycles"), 4608);
  EXPECT_DOUBLE_EQ(cost.throughput_per_s, 1e6 / 4608);
  // A position of 8 bytes every 8 cycles, the first at 8; the padded map of 6 x 6 is taken in at
  // the same rate, the first window of 14 more positions at 8 + 14*8 = 120. 16 * 288 later, a cycle
  // in the pipeline, 64 bytes out.
  EXPECT_DOUBLE_EQ(count(cost, "latency_cycles"), 120 + 4608 + 1 + 64);
  EXPECT_DOUBLE_EQ(cost.latency_s, 4793e-6);
  // 1 W, and the DSP 4608 cycles busy and 185 at half.
  EXPECT_NEAR(cost.energy_j, 4793e-6 + (4608 + 185 * 0.5) * 1e-9, 1e-15);
  EXPECT_EQ(count(cost, "dsp"), 1);
  EXPECT_EQ(count(cost, "bram18"), 1);  // 288 words of 8 bits
  // 100; adders 16 bits; accumulator of 72 * 63.75 * 255 = 1.17e6: 22 bits; two lines of 48 bytes.
  EXPECT_EQ(count(cost, "lut"), 100 + 16 + 22 + 2 * 8);
  // Two lines of 6 and three positions of 8 bytes.
  EXPECT_EQ(cost.peak_memory_bytes, 15 * 8);
  EXPECT_EQ(cost.storage_bytes, 288);
}

TEST(Fpga, ASecondConvWaitsForItsWindowAndHasATail) {
  const Device device =
      fpga(folded("\"c0.conv\" = { pe = 1, simd = 1 }, \"c1.conv\" = { pe = 1, simd = 1 }"));
  const Cost cost = device.model->estimate(candidate(convs(2))).cost;
  // The first is done at 4729. The second, 144 cycles for each position, has by then all but those
  // whose windows hold the last position: two of the third row and the fourth. One cycle, 64 out.
  EXPECT_NEAR(count(cost, "latency_cycles"), 4729 + 6 * 144 + 1 + 64, 1e-6);
  EXPECT_EQ(count(cost, "interval_cycles"), 4608);
  // Rows: by how much each moves the end.
  EXPECT_NEAR(cost.layers[0].latency_s, 4729e-6, 1e-12);
  EXPECT_NEAR(cost.layers[1].latency_s, (6 * 144 + 65) * 1e-6, 1e-12);
}

TEST(Fpga, ImagesOfABatchFollowAtTheInterval) {
  const Device device =
      fpga(folded("\"c0.conv\" = { pe = 1, simd = 1 }, \"c1.conv\" = { pe = 1, simd = 1 }"));
  const Cost one = device.model->estimate(candidate(convs(2))).cost;
  const Cost five = device.model->estimate(candidate(convs(2), 5)).cost;
  EXPECT_NEAR(five.latency_s, one.latency_s + 4 * 4608e-6, 1e-12);
  EXPECT_NEAR(five.layers[0].latency_s, one.layers[0].latency_s + 4 * 4608e-6, 1e-12);
  EXPECT_EQ(five.throughput_per_s, one.throughput_per_s);
  EXPECT_EQ(five.layers[0].macs, 5 * one.layers[0].macs);
  const Cost slow = device.model->estimate(candidate(convs(2), 1, 0.5)).cost;
  EXPECT_NEAR(slow.latency_s, 2 * one.latency_s, 1e-12);
}

TEST(Fpga, FoldingOfConvs) {
  const auto run = [](const std::string& folding) {
    return fpga(folded("\"c0.conv\" = { " + folding + " }"))
        .model->estimate(candidate(convs(1)))
        .cost;
  };
  // ceil(8/3) * ceil(4/2) * ceil(9/4) = 18 cycles for each of 16 positions; 2*3*4 multipliers.
  const Cost cost = run("coarse_in = 3, coarse_out = 2, fine = 4");
  EXPECT_EQ(count(cost, "cycles"), 18 * 16);
  EXPECT_EQ(count(cost, "multipliers"), 24);
  EXPECT_EQ(count(cost, "dsp"), 24);
  // All at once: the padded map of 36 positions is still taken in one by one.
  EXPECT_EQ(count(run("pe = 4, simd = 72"), "cycles"), 36);
  // More than there is, is all there is.
  EXPECT_EQ(count(run("pe = 40, simd = 720"), "dsp"), 4 * 72);
}

TEST(Fpga, FoldsAsFarAsItFits) {
  const Estimate estimate = fpga().model->estimate(candidate(convs(2)));
  ASSERT_TRUE(estimate.ok()) << estimate.reason;
  // No faster than the 128 bytes of the input come in. 16 * 288 products in 128 cycles take 36
  // multipliers; 16 * 144 take 18, which four filters of 36 products can only do with 4 * 6.
  EXPECT_EQ(count(estimate.cost, "dsp"), 36 + 24);
  EXPECT_EQ(count(estimate.cost, "interval_cycles"), 128);
  const Device scarce = fpga(replaced(small_fpga(), "dsps = 100", "dsps = 10"));
  const Estimate less = scarce.model->estimate(candidate(convs(2)));
  ASSERT_TRUE(less.ok());
  EXPECT_LE(count(less.cost, "dsp"), 10);
  EXPECT_GT(less.cost.latency_s, estimate.cost.latency_s);
  // A target that fewer engines reach.
  const Device target = fpga(replaced(small_fpga(), "weight_stream_bits = 16",
                                      "weight_stream_bits = 16\nthroughput_per_s = 500"));
  EXPECT_LT(count(target.model->estimate(candidate(convs(2))).cost, "interval_cycles"), 2000);
  EXPECT_LT(count(target.model->estimate(candidate(convs(2))).cost, "dsp"), 10);
}

TEST(Fpga, FewerBitsTakeFewerResources) {
  const Cost eight = fpga().model->estimate(candidate(convs(2))).cost;
  const Cost two = fpga().model->estimate(candidate(convs(2, 2))).cost;
  EXPECT_EQ(count(two, "dsp"), 0);
  EXPECT_LT(two.latency_s, eight.latency_s);
  EXPECT_EQ(two.storage_bytes, eight.storage_bytes / 4);
}

TEST(Fpga, WeightsLeaveFullBlockRam) {
  NetworkBuilder b("wide", {256, 1, 1});
  b.set_precision(8, 8);
  b.set_input_precision(8);
  b.linear(0, 100, false);
  const Network network = std::move(b).build();
  // 25 600 bytes; 10 BRAMs hold 20 480 of them in words of 8 bits. In LUTs: 25 600 * 8 / 64 = 3200.
  const Cost cost = fpga().model->estimate(candidate(network)).cost;
  EXPECT_EQ(count(cost, "bram18"), 0);
  EXPECT_GE(count(cost, "lut"), 3200);
  const Device with_uram = fpga(replaced(small_fpga(), "urams = 0", "urams = 20"));
  EXPECT_GT(count(with_uram.model->estimate(candidate(network)).cost, "uram"), 0);
}

TEST(Fpga, SaysWhatDoesNotFit) {
  NetworkBuilder b("wide", {512, 1, 1});
  b.set_precision(8, 8);
  b.set_input_precision(8);
  b.linear(0, 512, false);
  const Estimate estimate = fpga().model->estimate(candidate(std::move(b).build()));
  EXPECT_FALSE(estimate.fits);
  EXPECT_GT(estimate.cost.latency_s, 0);
  // 2 MiBit in words of 18 bits: 128 BRAMs. LUTs would hold 640 Kibit.
  EXPECT_THAT(estimate.reason, HasSubstr(" BRAM18, small has 10"));
  const Device device = fpga(folded("\"c0.conv\" = { pe = 4, simd = 72 }"));
  EXPECT_THAT(device.model->estimate(candidate(convs(1))).reason,
              HasSubstr("needs 288 DSP, small has 100"));
}

TEST(Fpga, WhatBranchesKeep) {
  NetworkBuilder b("residual", {8, 16, 16});
  b.set_precision(8, 8);
  b.set_input_precision(8);
  const int x = b.conv(b.conv(0, {.channels = 8, .kernel = 3}), {.channels = 8, .kernel = 3});
  b.add({0, x});
  const Cost cost = fpga().model->estimate(candidate(std::move(b).build())).cost;
  // The input waits at the add for two windows: between two and four of its 16 rows of 128 bytes.
  const double kept = static_cast<double>(cost.layers[2].live_bytes);
  EXPECT_GT(kept, 2 * 128);
  EXPECT_LT(kept, 5 * 128);
}

TEST(Fpga, FallbackRunsOnTheHost) {
  const std::string text = small_fpga() +
                           "[fallback]\nops = [\"softmax\"]\nelements_per_s = 1e3\n"
                           "energy_per_element_j = 1e-6\n" +
                           testing::kCited;
  NetworkBuilder b("softmax", {8, 1, 1});
  b.set_precision(8, 8);
  b.set_input_precision(8);
  b.unary(b.linear(0, 4, false), Op::softmax);
  const Cost cost = fpga(text).model->estimate(candidate(std::move(b).build())).cost;
  EXPECT_NEAR(cost.layers[1].latency_s, 4e-3 + 4e-6, 1e-9);  // 4 elements, 4 bytes out
  EXPECT_NEAR(cost.layers[1].energy_j, cost.layers[1].latency_s + 4e-6, 1e-9);
  EXPECT_THAT(cost.extrapolated, ElementsAre(HasSubstr("1 layer (softmax)")));
}

TEST(Fpga, FoldingOfALayerThatIsNotThere) {
  const Cost cost = fpga(folded("\"c0.conv\" = { pe = 2 }, \"other\" = { pe = 2 }"))
                        .model->estimate(candidate(convs(2)))
                        .cost;
  EXPECT_THAT(cost.extrapolated, ElementsAre("folding of 'other': the network has no such layer"));
  EXPECT_EQ(count(cost, "pe", 1), 2);
}

TEST(Fpga, BadDeviceFiles) {
  const auto message = [](const std::string& from, const std::string& to) {
    try {
      fpga(replaced(small_fpga(), from, to));
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(message("dsps = 100", "dps = 100"), HasSubstr("resources.dsps"));
  EXPECT_THAT(message("usable_share = 1.0", "usable_share = 1.5"),
              HasSubstr("folding.usable_share"));
  EXPECT_THAT(message("weight_stream_bits = 16",
                      "weight_stream_bits = 16\nlayers = { c = { pe = 2, fine = 3 } }"),
              HasSubstr("fine"));
  EXPECT_THAT(
      message("weight_stream_bits = 16", "weight_stream_bits = 16\nlayers = { c = { pe = 0 } }"),
      HasSubstr("pe"));
  EXPECT_THAT(message("macs_per_dsp = 1", "macs_per_dsp = -1"), HasSubstr("macs_per_dsp"));
  EXPECT_THAT(message("idle_share = 0.5", "idle_share = 2"), HasSubstr("power.idle_share"));
}

}  // namespace
}  // namespace hwnas
