#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "hw_models/device.h"
#include "tests/hw_models/support.h"

namespace hwnas {
namespace {

using testing::candidate;
using ::testing::HasSubstr;
using testing::replaced;
using testing::small_mcu;

Device mcu(const std::string& text = small_mcu()) {
  return Device::parse(text, "mcu.toml");
}

Network one_conv(int in, int out, int kernel, int groups = 1) {
  NetworkBuilder b("one", {in, 4, 4});
  b.conv(0, {.channels = out, .kernel = kernel, .groups = groups, .bias = true});
  return with_precision(std::move(b).build(), 8, 8);
}

TEST(Microcontroller, ConvGolden) {
  const Cost cost = mcu().model->estimate(candidate(one_conv(8, 4, 3))).cost;
  // MACs 4*8*9*16 = 4608; cycles 4608*2 + 64 outputs*10 + 100 = 9956; at 1 MHz 9.956 ms.
  EXPECT_DOUBLE_EQ(cost.latency_s, 9956e-6);
  // 3 W: 29.868 mJ.
  EXPECT_DOUBLE_EQ(cost.energy_j, 9956e-6 * 3);
  EXPECT_DOUBLE_EQ(cost.throughput_per_s, 1e6 / 9956);
  // Tensors 128 + 64, im2col 2*3*3*8*2 = 288, runtime 1000.
  EXPECT_EQ(cost.peak_memory_bytes, 128 + 64 + 288 + 1000);
  // Weights 288, biases 4*4, scales 4*4, code 5000.
  EXPECT_EQ(cost.storage_bytes, 288 + 16 + 16 + 5000);
  EXPECT_TRUE(std::isnan(cost.usd_per_million));
}

TEST(Microcontroller, EachOpClassHasItsCycles) {
  const Device device = mcu();
  const auto cycles = [&](const Network& n) {
    return device.model->estimate(candidate(n)).cost.latency_s * 1e6;
  };
  // Narrow: 2*4*16 = 128 MACs*3 + 64*10 + 100.
  EXPECT_NEAR(cycles(one_conv(2, 4, 1)), 1124, 1e-6);
  // Depthwise: 8*9*16 = 1152 MACs*8 + 128*10 + 100.
  EXPECT_NEAR(cycles(one_conv(8, 8, 3, 8)), 10596, 1e-6);
  // Linear: 32*5 = 160 MACs*4 + 5*10 + 100.
  NetworkBuilder b("linear", {32, 1, 1});
  b.linear(0, 5);
  EXPECT_NEAR(cycles(with_precision(std::move(b).build(), 8, 8)), 790, 1e-6);
  // Global pool: 32*4 = 128 elements*5 + 100.
  NetworkBuilder p("pool", {32, 2, 2});
  p.global_avg_pool(0);
  EXPECT_NEAR(cycles(with_precision(std::move(p).build(), 8, 8)), 740, 1e-6);
}

TEST(Microcontroller, FlashWaitStates) {
  const Device device =
      mcu(replaced(small_mcu(), "per_layer = 100", "per_layer = 100\nflash_wait_per_byte = 1.5"));
  // 9956 cycles and 288 weight bytes * 1.5.
  EXPECT_NEAR(device.model->estimate(candidate(one_conv(8, 4, 3))).cost.latency_s, 10388e-6, 1e-12);
}

TEST(Microcontroller, HalfTheClock) {
  const Cost cost = mcu().model->estimate(candidate(one_conv(8, 4, 3), 1, 0.75)).cost;
  EXPECT_NEAR(cost.latency_s, 9956e-6 / 0.75, 1e-12);
  // V = 0.6 + 0.4*(0.75-0.5)/0.5 = 0.8; P = 1*0.8 + 2*0.75*0.64 = 1.76 W.
  EXPECT_NEAR(cost.energy_j, 9956e-6 / 0.75 * 1.76, 1e-12);
  EXPECT_TRUE(cost.extrapolated.empty());
  const Cost low = mcu().model->estimate(candidate(one_conv(8, 4, 3), 1, 0.1)).cost;
  ASSERT_EQ(low.extrapolated.size(), 1u);
  EXPECT_EQ(low.extrapolated[0], "clock_share 0.1: mcu is described from 0.2");
}

TEST(Microcontroller, SaysWhatDoesNotFit) {
  // Tensors 8*16 + 1024*16 = 16 512 bytes, and 1000 of the runtime: 17.1 KiB. Flash: 8192 weights,
  // 4096 biases, 4096 scales, 5000 code = 21 384 bytes.
  const Estimate estimate = mcu().model->estimate(candidate(one_conv(8, 1024, 1)));
  EXPECT_TRUE(estimate.covered);
  EXPECT_FALSE(estimate.fits);
  EXPECT_FALSE(estimate.ok());
  EXPECT_EQ(estimate.reason,
            "needs 17.1 KiB of SRAM, mcu has 10.0 KiB; needs 20.9 KiB of flash, mcu has 20.0 KiB");
  EXPECT_GT(estimate.cost.latency_s, 0);
}

TEST(Microcontroller, SaysWhatIsNotCovered) {
  const Device device = mcu();
  const auto reason = [&](const Candidate& c) {
    const Estimate estimate = device.model->estimate(c);
    EXPECT_FALSE(estimate.covered);
    EXPECT_TRUE(std::isnan(estimate.cost.latency_s));
    EXPECT_TRUE(estimate.cost.layers.empty());
    return estimate.reason;
  };
  NetworkBuilder b("float", {8, 4, 4});
  b.set_prefix("stem");
  b.conv(0, {.channels = 4});
  EXPECT_EQ(reason(candidate(std::move(b).build())),
            "mcu runs 8-bit weights and activations; layer 'stem.conv' (conv) has 32/32");
  NetworkBuilder f("float", {8, 4, 4});
  f.activation(0, Activation::relu);
  EXPECT_EQ(reason(candidate(std::move(f).build())),
            "mcu runs 8-bit weights and activations; layer 'relu' (activation) gives 32-bit "
            "activations");
  NetworkBuilder s("softmax", {8, 1, 1});
  s.unary(0, Op::softmax);
  EXPECT_THAT(reason(candidate(with_precision(std::move(s).build(), 8, 8))),
              HasSubstr("mcu does not cover op 'softmax' of layer 'softmax'; it covers conv"));
  EXPECT_EQ(reason(candidate(one_conv(8, 4, 3), 2)),
            "mcu runs one input at a time; the batch is 2");
  EXPECT_EQ(reason(candidate(one_conv(8, 4, 3), 1, 1.5)), "clock_share 1.5 is not in (0, 1]");
  EXPECT_EQ(reason(candidate(one_conv(8, 4, 3), 0)), "batch 0 is not at least 1");
  EXPECT_EQ(reason(candidate({})), "the network has no layers");
  NetworkBuilder v("view", {8, 1, 1});
  v.unary(0, Op::flatten);
  EXPECT_EQ(reason(candidate(with_precision(std::move(v).build(), 8, 8))),
            "the network does no work");
}

TEST(Microcontroller, PrunedWeightsCountOnlyWhereTheDeviceSkipsThem) {
  NetworkBuilder b("pruned", {8, 4, 4});
  b.set_precision(8, 8);
  b.set_input_precision(8);
  b.set_weight_density(0.25);
  b.conv(0, {.channels = 4, .kernel = 3, .bias = true});
  const Network network = std::move(b).build();
  EXPECT_DOUBLE_EQ(mcu().model->estimate(candidate(network)).cost.latency_s, 9956e-6);
  const std::string sparse =
      small_mcu() + "[sparsity]\nhighest_density = 0.5\nindex_bits = 8\n" + testing::kCited;
  const Cost cost = mcu(sparse).model->estimate(candidate(network)).cost;
  // A quarter of 4608 MACs: 1152*2 + 640 + 100; a quarter of 288 weights at 8 + 8 bits: 144 bytes.
  EXPECT_NEAR(cost.latency_s, 3044e-6, 1e-12);
  EXPECT_EQ(cost.storage_bytes, 144 + 16 + 16 + 5000);
}

}  // namespace
}  // namespace hwnas
