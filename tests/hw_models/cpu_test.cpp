#include "hw_models/families/cpu.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "hw_models/device.h"
#include "tests/hw_models/support.h"

namespace hwnas {
namespace {

using testing::candidate;
using testing::replaced;
using testing::small_cpu;

Device cpu(const std::string& text = small_cpu()) {
  return Device::parse(text, "cpu.toml");
}

Network pointwise(int in, int out, int size) {
  NetworkBuilder b("one", {in, size, size});
  b.conv(0, {.channels = out});
  return with_precision(std::move(b).build(), 8, 8);
}

TEST(Cpu, ComputeBoundGolden) {
  // 8 -> 8 at 4x4: 1024 MACs at 2e9 MAC/s = 512 ns. Everything (64 weights, 128 in, 128 out: 320
  // bytes) sits in the cache: 320 ns at 1e9 B/s.
  const Cost cost = cpu().model->estimate(candidate(pointwise(8, 8, 4))).cost;
  EXPECT_NEAR(cost.latency_s, 512e-9, 1e-18);
  EXPECT_EQ(cost.bound, Bound::compute);
  // 1 W * 512 ns + 1024 * 1 nJ + 320 * 1 nJ.
  EXPECT_NEAR(cost.energy_j, 512e-9 + 1024e-9 + 320e-9, 1e-15);
  EXPECT_EQ(cost.storage_bytes, 64);
  EXPECT_EQ(cost.peak_memory_bytes, 256);
}

TEST(Cpu, MemoryBoundGolden) {
  // 1 -> 4 at 16x16: 1024 MACs = 512 ns; 256 in + 1024 out + 4 weights = 1284 bytes from DRAM at
  // 1e8 B/s = 12.84 us.
  const Cost cost = cpu().model->estimate(candidate(pointwise(1, 4, 16))).cost;
  EXPECT_NEAR(cost.latency_s, 12.84e-6, 1e-15);
  EXPECT_EQ(cost.bound, Bound::memory);
  EXPECT_NEAR(cost.energy_j, 12.84e-6 + 1024e-9 + 1284e-8, 1e-15);
}

TEST(Cpu, LanesRegistersAndCores) {
  const std::string text =
      replaced(replaced(small_cpu(), "parallel_share = 1", "parallel_share = 0.5"),
               "rows_in_flight = 1", "rows_in_flight = 32");
  // 5 of 8 lanes, 16 of 32 rows; Amdahl: 1 / (0.5 + 0.5/2) = 4/3 cores.
  // 8*5*16 = 640 MACs / (1e9 * 4/3 * 0.625 * 0.5) = 1.536 us.
  EXPECT_NEAR(cpu(text).model->estimate(candidate(pointwise(8, 5, 4))).cost.latency_s, 1.536e-6,
              1e-15);
}

TEST(Cpu, OverheadIsPerKernel) {
  const std::string text =
      replaced(small_cpu(), "overhead_per_kernel_s = 0", "overhead_per_kernel_s = 1e-6");
  const Cost cost = cpu(text).model->estimate(candidate(pointwise(8, 8, 4))).cost;
  EXPECT_NEAR(cost.latency_s, 1.512e-6, 1e-15);
  EXPECT_EQ(cost.bound, Bound::overhead);
}

TEST(Cpu, ClockSlowsArithmeticNotMemory) {
  const Device device = cpu();
  // Half the clock: 1.024 us; V = 0.6: 0.6 W * 1.024 us + 1024 nJ * 0.36 + 320 nJ.
  const Cost half = device.model->estimate(candidate(pointwise(8, 8, 4), 1, 0.5)).cost;
  EXPECT_NEAR(half.latency_s, 1024e-9, 1e-15);
  EXPECT_NEAR(half.energy_j, 0.6 * 1024e-9 + 1024e-9 * 0.36 + 320e-9, 1e-15);
  EXPECT_NEAR(device.model->estimate(candidate(pointwise(1, 4, 16), 1, 0.5)).cost.latency_s,
              12.84e-6, 1e-15);
}

TEST(Cpu, BatchReadsWeightsOnce) {
  // Two images of 4 -> 4 at 1x1: 32 MACs = 16 ns; 16 weights + 2 * (4 + 4) bytes = 32 ns.
  const Cost cost = cpu().model->estimate(candidate(pointwise(4, 4, 1), 2)).cost;
  EXPECT_NEAR(cost.latency_s, 32e-9, 1e-18);
  EXPECT_NEAR(cost.throughput_per_s, 2 / 32e-9, 1e-3);
  EXPECT_EQ(cost.layers[0].macs, 32);
  EXPECT_NEAR(cost.energy_j, (32e-9 + 32e-9 + 32e-9) / 2, 1e-18);
}

TEST(Cpu, SaysWhatItExtrapolatesAndWhatDoesNotFit) {
  const Estimate large = cpu().model->estimate(candidate(pointwise(8, 8, 4), 5));
  ASSERT_EQ(large.cost.extrapolated.size(), 1u);
  EXPECT_EQ(large.cost.extrapolated[0], "batch 5: cpu is described up to 4");
  EXPECT_TRUE(large.ok());
  // 1 + 8 channels of 400x400 are 1 440 000 bytes.
  const Estimate estimate = cpu().model->estimate(candidate(pointwise(1, 8, 400)));
  EXPECT_FALSE(estimate.fits);
  EXPECT_EQ(estimate.reason, "needs 1.37 MiB of DRAM, cpu has 977 KiB");
}

// One kernel at full efficiency on the device with `extra` keys in its sections.
double latency_s(const std::string& text, const Network& network, int batch = 1) {
  return cpu(text).model->estimate(candidate(network, batch)).cost.latency_s;
}
std::string with(const std::string& after, const std::string& extra,
                 const std::string& text = small_cpu()) {
  return replaced(text, after, after + '\n' + extra);
}
Network conv3x3(int channels, int size, int groups = 1) {
  NetworkBuilder b("one", {channels, size, size});
  b.conv(0, {.channels = channels, .kernel = 3, .groups = groups});
  return with_precision(std::move(b).build(), 8, 8);
}
const char* const kRates = "lanes_in = 1";
const char* const kCores = "cores = 2";
const char* const kRuntime = "in_place_elementwise = true";

TEST(Cpu, OutputsAndDepthwiseCostTheirOwnCycles) {
  // 1024 MACs in 512 ns; 128 outputs * 2 cycles / 2e9 = 128 ns more.
  EXPECT_NEAR(latency_s(with(kRates, "cycles_per_output = 2"), pointwise(8, 8, 4)), 640e-9, 1e-18);
  // 9 * 8 * 16 = 1152 MACs at a quarter MAC per cycle.
  EXPECT_NEAR(latency_s(with(kRates, "depthwise_macs_per_cycle = 0.25"), conv3x3(8, 4, 8)),
              1152 / 0.5e9, 1e-15);
}

TEST(Cpu, LittleCoresHelpOrHinder) {
  const std::string text = with(kCores, "little_cores = 2\nlittle_rate_share = 0.25");
  // 2 + 2 * 0.25 = 2.5 cores; in equal parts 4 * 0.25 = 1 core, no more than one thread does.
  EXPECT_NEAR(latency_s(text, pointwise(8, 8, 4)), 1024 / 2.5e9, 1e-18);
  EXPECT_NEAR(latency_s(with(kRuntime, "equal_split = true", text), pointwise(8, 8, 4)), 1024e-9,
              1e-18);
  // Three threads in equal parts: 3 * 0.25 < 1. Two: both fast.
  EXPECT_NEAR(latency_s(with(kRates, "threads = 2", text), pointwise(8, 8, 4)), 512e-9, 1e-18);
}

TEST(Cpu, ForksWhereItPays) {
  // 512 ns on two threads and 1 us to fork; 1024 ns alone.
  const std::string text = with(kRuntime, "fork_join_s = 1e-6");
  EXPECT_NEAR(latency_s(text, pointwise(8, 8, 4)), 1024e-9, 1e-18);
  EXPECT_NEAR(latency_s(with(kRuntime, "threads_sleep = true", text), pointwise(8, 8, 4)), 1512e-9,
              1e-18);
  // It reads 128 values.
  EXPECT_NEAR(latency_s(with(kRuntime, "one_thread_values = 128"), pointwise(8, 8, 4)), 1024e-9,
              1e-18);
  EXPECT_NEAR(latency_s(with(kRuntime, "one_thread_values = 127"), pointwise(8, 8, 4)), 512e-9,
              1e-18);
}

TEST(Cpu, TrafficBeyondTheFirstCache) {
  // 64 weights, in tiles of 4 of 16 rows: three times more, 320 + 192 bytes = 512 ns, not below the
  // arithmetic. Where nothing overlaps they add up.
  const std::string tiles =
      replaced(with(kCores, "first_cache_bytes = 63"), "rows_in_flight = 1", "rows_in_flight = 4");
  EXPECT_NEAR(latency_s(tiles, pointwise(8, 8, 4)), 512e-9, 1e-18);
  EXPECT_NEAR(latency_s(with(kCores, "overlap_share = 0", tiles), pointwise(8, 8, 4)), 1024e-9,
              1e-18);
  EXPECT_NEAR(latency_s(with(kCores, "overlap_share = 0"), pointwise(8, 8, 4)), 832e-9, 1e-18);
  // Two cores at 0.1 bytes a cycle: 320 bytes at 2e8 B/s.
  EXPECT_NEAR(latency_s(with(kCores, "stream_bytes_per_cycle_per_core = 0.1"), pointwise(8, 8, 4)),
              1600e-9, 1e-18);
}

TEST(Cpu, CopiesOfRows) {
  // 16 rows of 8 values are packed: 128 bytes written and read at 1e9 B/s.
  EXPECT_NEAR(latency_s(with(kRuntime, "pack_copies = 1"), pointwise(8, 8, 4)), 768e-9, 1e-18);
  // 3x3 on 4 channels: 4 * 9 * 4 * 16 = 2304 MACs in 1152 ns; 16 rows of 36 values: 576 bytes.
  const std::string unfold = with(kRuntime, "unfold_copies = 1");
  EXPECT_NEAR(latency_s(unfold, conv3x3(4, 4)), 1152e-9 + 1152e-9, 1e-18);
  EXPECT_NEAR(latency_s(unfold, conv3x3(4, 4, 4)), 288e-9, 1e-18);  // depthwise is not unfolded
}

TEST(Cpu, WinogradSavesMultiplications) {
  const std::string text =
      small_cpu() + "[winograd]\ngain = 2.25\nshare = 0.6\nchannels_least = 4\n" + testing::kCited;
  EXPECT_NEAR(latency_s(text, conv3x3(4, 4)), 1152e-9 / 1.35, 1e-18);
  EXPECT_NEAR(latency_s(replaced(text, "channels_least = 4", "channels_least = 5"), conv3x3(4, 4)),
              1152e-9, 1e-18);
}

TEST(Cpu, ActivationsThatAreNotFused) {
  NetworkBuilder b("two", {8, 4, 4});
  b.activation(b.conv(0, {.channels = 8}), Activation::hard_swish);
  const Network network = with_precision(std::move(b).build(), 8, 8);
  EXPECT_NEAR(latency_s(small_cpu(), network), 512e-9, 1e-18);
  // 128 elements: 64 ns of arithmetic, 256 bytes = 256 ns.
  const Cost cost =
      cpu(with(kRuntime, "fuses_relu_only = true")).model->estimate(candidate(network)).cost;
  EXPECT_NEAR(cost.latency_s, 768e-9, 1e-18);
  EXPECT_EQ(cost.layers.size(), 1u);
}

TEST(Cpu, ScoresOfAttention) {
  NetworkBuilder b("attention", {4, 8, 1});
  b.attention(0, 0, 0, 2);
  const Network network = with_precision(std::move(b).build(), 8, 8);
  const std::string text = replaced(small_cpu(), "\"conv\"", "\"conv\", \"attention\"");
  // Two heads of 8 x 8 scores: 2 * 8 * 8 * 2 * 2 = 512 MACs and 128 elements at 2e9 = 320 ns; q, k
  // and v are the same 32 bytes here. Four passes over 128 bytes of scores: 512 + 64 bytes.
  EXPECT_NEAR(latency_s(text, network), 320e-9, 1e-18);
  EXPECT_NEAR(latency_s(with(kRuntime, "score_passes = 4", text), network), 576e-9, 1e-18);
}

TEST(Cpu, BusyCoresTakePower) {
  const std::string text = with("static_w = 1", "core_w = 2");
  // (1 W + 2 cores * 2 W) * 512 ns + 1024 nJ + 320 nJ.
  const Cost cost = cpu(text).model->estimate(candidate(pointwise(8, 8, 4))).cost;
  EXPECT_NEAR(cost.energy_j, 5 * 512e-9 + 1344e-9, 1e-15);
  EXPECT_NEAR(count(cost, "core_cycles"), 1024, 1e-9);
}

TEST(Cpu, RefusesBadDescriptions) {
  const auto message = [](const std::string& text) -> std::string {
    try {
      cpu(text);
    } catch (const InputError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(message(with(kRates, "threads = 3")), ::testing::HasSubstr("threads"));
  EXPECT_THAT(message(with(kCores, "overlap_share = 2")), ::testing::HasSubstr("overlap_share"));
  EXPECT_THAT(message(with(kRuntime, "fork_join_ms = 2")),
              ::testing::HasSubstr("unknown key; did you mean"));
}

TEST(Cpu, PriceRentedAndOwned) {
  const Network network = pointwise(8, 8, 4);  // 512 ns, 1.856 uJ
  const std::string rented =
      small_cpu() + "[price]\nusd_per_hour = 3.6\nutilisation_share = 0.5\n" + testing::kCited;
  // 3.6/3600 USD/s * 512 ns / 0.5 * 1e6.
  EXPECT_NEAR(cpu(rented).model->estimate(candidate(network)).cost.usd_per_million, 1.024e-3,
              1e-12);
  const std::string owned = small_cpu() +
                            "[price]\nusd = 315.576\nlife_years = 1\nusd_per_kwh = 0.36\n"
                            "power_usage_effectiveness = 1.5\nutilisation_share = 0.5\n" +
                            testing::kCited;
  // 315.576 USD / (31 557 600 s * 0.5) = 2e-5 USD/s * 512 ns, and 1.856 uJ * 1.5 * 0.36 / 3.6e6.
  EXPECT_NEAR(cpu(owned).model->estimate(candidate(network)).cost.usd_per_million,
              (2e-5 * 512e-9 + 1.856e-6 * 1.5e-7) * 1e6, 1e-12);
}

}  // namespace
}  // namespace hwnas
