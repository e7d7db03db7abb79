#include "hw_models/families/cpu.h"

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
