#include <gtest/gtest.h>

#include <cmath>

#include "tests/hw_models/fpga_support.h"
#include "tests/shared_data.h"

namespace hwnas {
namespace {

using testing::candidate;

// cybsec-MLP of FINN: 600-64-64-64-1, weights and activations of 2 bits, binary input.
Network cybsec_mlp() {
  NetworkBuilder b("cybsec", {600, 1, 1});
  b.set_input_precision(1);
  b.set_precision(2, 2);
  int x = 0;
  for (int i = 0; i < 3; ++i)
    x = b.activation(b.batch_norm(b.linear(x, 64, false)), Activation::relu);
  b.linear(x, 1, false);
  return std::move(b).build();
}

TEST(FpgaValidation, FinnCybsecMlp) {
  const Device device = testing::fpga_variant("pynq_z2", "[folding]\nthroughput_per_s = 1e6\n");
  const Estimate estimate = device.model->estimate(candidate(cybsec_mlp()));
  ASSERT_TRUE(estimate.ok()) << estimate.reason;
  const Cost& cost = estimate.cost;
  ASSERT_EQ(cost.layers.size(), 4u);
  const double pe[] = {32, 4, 4, 1}, simd[] = {15, 16, 16, 1}, cycles[] = {80, 64, 64, 64};
  const double bram18[] = {27, 4, 4, 1};
  for (std::size_t i = 0; i < 4; ++i) {
    const int layer = cost.layers[i].layer;
    EXPECT_EQ(count(cost, "pe", layer), pe[i]);
    EXPECT_EQ(count(cost, "simd", layer), simd[i]);
    EXPECT_EQ(count(cost, "cycles", layer), cycles[i]);
    EXPECT_EQ(count(cost, "bram18", layer), bram18[i]);
  }
  EXPECT_EQ(count(cost, "bram18"), 36);
  EXPECT_EQ(count(cost, "dsp"), 0);
  // Golden 7899, which knows the weights. The accumulators are a bit wider here.
  EXPECT_NEAR(count(cost, "lut") / 7899, 1.006, 0.001);
  EXPECT_DOUBLE_EQ(cost.throughput_per_s, 100e6 / 80);
}

struct Measured {
  const char *design, *board;
  double latency_s, error;  // of the model, when written
  double multipliers, dsps, dsp_error;
};

// MLPerf Tiny v1.1, fpgaConvNet. Fill, tail and padding come from the shapes. The 10 us of a
// driver and 10 cycles of an engine's pipeline are estimates made with these rows in view, not
// fitted: without them the errors are -4.7, -14.9, -15.2 and +13.4 %.
TEST(FpgaValidation, FpgaConvNetDesigns) {
  const Measured measured[] = {
      {"zc706-resnet", "zc706", 147e-6, 0.032, 1061, 525, 0.053},
      {"zedboard-resnet", "zedboard", 411e-6, -0.118, 387, 211, 0.024},
      {"zedboard-dscnn", "zedboard", 324e-6, -0.095, 229, 188, 0.165},
      {"zybo-dscnn", "zybo", 2151e-6, 0.143, 37, 60, -0.083},
  };
  for (const Measured& m : measured) {
    SCOPED_TRACE(m.design);
    const std::string file = "fpgaconvnet/" + std::string(m.design) + ".json";
    HWNAS_NEEDS_SHARED(file);
    const auto design = testing::read_fpgaconvnet(testing::shared_path(file));
    const Device device =
        testing::fpga_variant(m.board, "[coverage]\nfused = []\n" + design.folding);
    const Estimate estimate = device.model->estimate(candidate(design.network));
    EXPECT_TRUE(estimate.ok()) << estimate.reason;
    const Cost& cost = estimate.cost;
    EXPECT_TRUE(cost.extrapolated.empty());
    EXPECT_EQ(count(cost, "multipliers"), m.multipliers);
    EXPECT_NEAR(cost.latency_s / m.latency_s - 1, m.error, 0.005);
    EXPECT_LT(std::abs(cost.latency_s / m.latency_s - 1), 0.2);
    EXPECT_NEAR(count(cost, "dsp") / m.dsps - 1, m.dsp_error, 0.005);
    EXPECT_GT(cost.throughput_per_s * cost.latency_s, 1);  // the slowest layer alone is faster
  }
}

// LUT and BRAM of the same designs as the submission's README gives them. A known miss: the LUT
// formula is FINN's, and these engines (24-bit accumulators, scales, wires between streams of
// other widths) take 2.6 to 3.1 times as many.
TEST(FpgaValidation, FpgaConvNetLutsAreAMiss) {
  const struct {
    const char *design, *board;
    double luts, bram18s, lut_share, bram_share;
  } published[] = {
      {"zc706-resnet", "zc706", 108e3, 0, 0.39, 0},
      {"zedboard-resnet", "zedboard", 47e3, 93, 0.38, 1.09},
      {"zedboard-dscnn", "zedboard", 37e3, 97, 0.32, 0.64},
  };
  for (const auto& p : published) {
    SCOPED_TRACE(p.design);
    const std::string file = "fpgaconvnet/" + std::string(p.design) + ".json";
    HWNAS_NEEDS_SHARED(file);
    const auto design = testing::read_fpgaconvnet(testing::shared_path(file));
    const Device device =
        testing::fpga_variant(p.board, "[coverage]\nfused = []\n" + design.folding);
    const Cost cost = device.model->estimate(candidate(design.network)).cost;
    EXPECT_NEAR(count(cost, "lut") / p.luts, p.lut_share, 0.01);
    if (p.bram18s > 0) {
      EXPECT_NEAR(count(cost, "bram18") / p.bram18s, p.bram_share, 0.01);
    }
  }
}

// CNV-W1A1 of FINN on CIFAR-10, with the folding of its Pynq example (recalled): MLPerf Tiny v0.7.
TEST(FpgaValidation, FinnCnvOnPynq) {
  HWNAS_NEEDS_SHARED("mlperf_tiny.csv");
  NetworkBuilder b("cnv", {3, 32, 32});
  b.set_input_precision(8);
  b.set_precision(1, 1);
  int x = 0, layer = 0;
  std::string folding = "[folding.layers]\n";
  const auto fold = [&](int pe, int simd) {
    const std::string name = "l" + std::to_string(layer++);
    folding += '"' + name + (layer > 6 ? ".linear" : ".conv") +
               "\" = { pe = " + std::to_string(pe) + ", simd = " + std::to_string(simd) + " }\n";
    b.set_prefix(name);
  };
  const auto sign = [&] { x = b.activation(b.batch_norm(x), Activation::relu); };
  const int channels[] = {64, 64, 128, 128, 256, 256};
  const int pe[] = {16, 32, 16, 16, 4, 1, 1, 1, 5}, simd[] = {3, 32, 32, 32, 32, 32, 4, 8, 1};
  for (int i = 0; i < 6; ++i) {
    fold(pe[i], simd[i]);
    x = b.conv(x, {.channels = channels[i], .kernel = 3, .pad = 0});
    sign();
    if (i == 1 || i == 3) x = b.pool(x, Op::max_pool, 2, 2, 0);
  }
  x = b.unary(x, Op::flatten);
  for (int i = 6; i < 9; ++i) {
    fold(pe[i], simd[i]);
    x = b.linear(x, i == 8 ? 10 : 512, false);
    if (i < 8) sign();
  }
  const Network network = std::move(b).build();
  const Device device = testing::fpga_variant("pynq_z2", folding);
  const Estimate estimate = device.model->estimate(candidate(network));
  EXPECT_TRUE(estimate.fits) << estimate.reason;
  // 512 * 512 / 8 cycles of the second linear layer.
  EXPECT_EQ(count(estimate.cost, "interval_cycles"), 32768);
  int rows = 0;
  for (const auto& row : testing::read_csv(testing::shared_path("mlperf_tiny.csv"))) {
    if (row.at("system") != "pynq-z2/CNV-W1A1") continue;
    EXPECT_NEAR(estimate.cost.latency_s / (std::stod(row.at("latency_ms")) * 1e-3) - 1, -0.102,
                0.005);
    ++rows;
  }
  EXPECT_EQ(rows, 1);
}

}  // namespace
}  // namespace hwnas
