#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "hw_models/device.h"
#include "space/input_error.h"
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

// The flash keeps its pace when the core slows down.
TEST(Microcontroller, FlashWaitsTakeTheSameTimeAtAnyClock) {
  const Device device =
      mcu(replaced(small_mcu(), "per_layer = 100", "per_layer = 100\nflash_wait_per_byte = 1.5"));
  EXPECT_NEAR(device.model->estimate(candidate(one_conv(8, 4, 3), 1, 0.5)).cost.latency_s,
              9956e-6 / 0.5 + 288 * 1.5e-6, 1e-12);
}

TEST(Microcontroller, RuntimesKeepBytesOfTheirOwn) {
  const Device device = mcu(replaced(small_mcu(), "fixed_sram_bytes = 1000",
                                     "fixed_sram_bytes = 1000\nsram_bytes_per_layer = 100\n"
                                     "sram_bytes_per_channel = 8\nflash_bytes_per_layer = 50"));
  const Cost cost = device.model->estimate(candidate(one_conv(8, 4, 3))).cost;
  // As in ConvGolden, with one layer of 4 channels.
  EXPECT_EQ(cost.peak_memory_bytes, 128 + 64 + 288 + 1000 + 100 + 4 * 8);
  EXPECT_EQ(cost.storage_bytes, 288 + 16 + 16 + 5000 + 50);
}

TEST(Microcontroller, BuffersOfDepthwiseConvs) {
  const auto peak = [&](const char* keys) {
    const Device device = mcu(replaced(small_mcu(), "fixed_sram_bytes = 1000",
                                       std::string("fixed_sram_bytes = 1000\n") + keys));
    return device.model->estimate(candidate(one_conv(8, 8, 3, 8))).cost.peak_memory_bytes;
  };
  // Tensors 128 + 128; one column of all channels: 3*3*8 values of 2 bytes.
  EXPECT_EQ(peak("depthwise_columns = 1"), 256 + 144 + 1000);
  // One padded channel, 6*6 values of 2 bytes; in place the output is one channel, 16 bytes.
  EXPECT_EQ(peak("depthwise_plane_unfolded = true\nin_place_depthwise = true"),
            128 + 16 + 72 + 1000);
}

TEST(Microcontroller, ASharedBufferLiesBesideTheActivations) {
  // The conv at the peak needs no buffer (1x1: 64 + 1024 bytes); the 3x3 one needs 2*9*4*2 = 144.
  NetworkBuilder b("two", {4, 4, 4});
  b.conv(b.conv(0, {.channels = 4, .kernel = 3}), {.channels = 64});
  const Network network = with_precision(std::move(b).build(), 8, 8);
  EXPECT_EQ(mcu().model->estimate(candidate(network)).cost.peak_memory_bytes, 64 + 1024 + 1000);
  const Device shared = mcu(replaced(small_mcu(), "fixed_sram_bytes = 1000",
                                     "fixed_sram_bytes = 1000\nbuffers_shared = true"));
  EXPECT_EQ(shared.model->estimate(candidate(network)).cost.peak_memory_bytes,
            64 + 1024 + 144 + 1000);
}

TEST(Microcontroller, AttentionGolden) {
  NetworkBuilder b("attention", {8, 4, 1});
  b.attention(0, 0, 0, 2, 4);
  const Network network = with_precision(std::move(b).build(), 8, 8);
  const Device device = mcu(replaced(small_mcu(), "\"linear\"", "\"linear\", \"attention\""));
  const Cost cost = device.model->estimate(candidate(network)).cost;
  // 2 heads of 4 channels, 4 tokens to 8: 2*(4*8*4)*2 = 512 MACs*4; 2*4*8 = 64 scores*5; 100.
  EXPECT_NEAR(cost.latency_s, 2468e-6, 1e-12);
  // Input 32, output 32, keys and values of 4 earlier tokens 2*4*8.
  EXPECT_EQ(cost.peak_memory_bytes, 32 + 32 + 64 + 1000);
}

TEST(Microcontroller, HostRunsOpsThatItLacks) {
  NetworkBuilder b("softmax", {8, 1, 1});
  b.unary(0, Op::softmax);
  const Network network = with_precision(std::move(b).build(), 8, 8);
  const Device device = mcu(small_mcu() +
                            "[fallback]\nops = [\"softmax\"]\nelements_per_s = 1000\n"
                            "energy_per_element_j = 0.5e-3\n" +
                            testing::kCited);
  const Cost cost = device.model->estimate(candidate(network, 1, 0.5)).cost;
  EXPECT_NEAR(cost.latency_s, 8e-3, 1e-12);
  EXPECT_NEAR(cost.energy_j, 4e-3, 1e-12);
  ASSERT_EQ(cost.extrapolated.size(), 1u);
  EXPECT_EQ(cost.extrapolated[0], "1 layer (softmax) run on the host of mcu");
}

// Image 1x8x8, conv to 8x8x8, conv with stride 2 to 2x4x4, pool, linear to 3.
Network patchable() {
  NetworkBuilder b("patchable", {1, 8, 8});
  int x = b.conv(0, {.channels = 8, .kernel = 3, .pad = 1});
  x = b.conv(x, {.channels = 2, .kernel = 3, .stride = 2, .pad = 1});
  b.linear(b.global_avg_pool(x), 3, false);
  return with_precision(std::move(b).build(), 8, 8);
}

TEST(Microcontroller, RunsTheFirstLayersInPatchesWhereTheyDoNotFit) {
  const std::string patched = replaced(small_mcu(), "fixed_sram_bytes = 1000",
                                       "fixed_sram_bytes = 1000\npatches_per_side = 2");
  // Whole: 512 + 32 bytes of tensors, 2*9*8*2 = 288 of im2col, 1000 of the runtime: 1832. It fits.
  const Cost whole = mcu(patched).model->estimate(candidate(patchable())).cost;
  EXPECT_EQ(whole.peak_memory_bytes, 1832);
  EXPECT_EQ(count(whole, "patches"), 0);
  // conv 1 (narrow): 4608 MACs*3 + 512*10 + 100 = 19 044; conv 2: 2304*2 + 32*10 + 100 = 5028;
  // pool 32*5 + 100 = 260; linear 6*4 + 3*10 + 100 = 154.
  EXPECT_NEAR(whole.latency_s, 24486e-6, 1e-12);

  const std::string little = replaced(patched, "sram_bytes = 10240", "sram_bytes = 1700");
  const Estimate estimate = mcu(little).model->estimate(candidate(patchable()));
  EXPECT_TRUE(estimate.fits) << estimate.reason;
  const Cost& cost = estimate.cost;
  // Image 64, largest tile of conv 1 8*5*5 = 200, output of conv 2 32; im2col and runtime.
  EXPECT_EQ(cost.peak_memory_bytes, 64 + 200 + 32 + 288 + 1000);
  EXPECT_EQ(count(cost, "patches"), 4);
  // Rows 0-3 and 3-7 of conv 1 are needed: (4 + 5)^2 / 8^2 = 81/64 of its work. Four times the
  // overhead per layer: 18 944*81/64 + 400, 4928 + 400.
  EXPECT_NEAR(cost.latency_s, (24376 + 5328 + 260 + 154) * 1e-6, 1e-12);
  EXPECT_DOUBLE_EQ(count(cost, "halo_macs"), 4608 * 17.0 / 64);

  const Device never = mcu(replaced(small_mcu(), "sram_bytes = 10240", "sram_bytes = 1700"));
  EXPECT_FALSE(never.model->estimate(candidate(patchable())).fits);
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

TEST(Microcontroller, RulesThatExcludeEachOtherAreErrors) {
  const auto message = [](const char* keys) {
    try {
      mcu(replaced(small_mcu(), "in_place_elementwise = true", keys));
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(message("in_place_depthwise = true\nin_place_depthwise_rows = true"),
              HasSubstr("a depthwise conv is in place one way only"));
  EXPECT_THAT(message("padding_materialised = true\npadded_tensors = true"),
              HasSubstr("padding is around the tensor or copied, not both"));
  EXPECT_THAT(message("patches_per_side = 17"), HasSubstr("patches_per_side"));
}

}  // namespace
}  // namespace hwnas
