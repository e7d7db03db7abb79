#include "hw_models/families/gpu.h"

#include <gtest/gtest.h>

#include "hw_models/device.h"
#include "tests/hw_models/support.h"

namespace hwnas {
namespace {

using testing::candidate;
using testing::replaced;
using testing::small_cpu;

Device gpu(const std::string& text) {
  return Device::parse(text, "gpu.toml");
}

TEST(Gpu, TilesAndWaves) {
  const std::string text = replaced(
      replaced(replaced(replaced(small_cpu(), "parallel_share = 1\nrows_in_flight = 1",
                                 "splits_highest = 1\ntiles = [{rows = 8, columns = 8, depth "
                                 "= 8, efficiency_share = 0.5}]"),
                        "lanes_out = 4\nlanes_in = 1\n", ""),
               "bytes_per_s = 1e9", "bytes_per_s = 1e12"),
      "family = \"cpu\"", "family = \"gpu\"");
  // 8 -> 12 at 4x3... a 3x4 image: 12 rows fill 12/16, 12 columns 12/16, 8 products all of a
  // step; 2*2 = 4 tiles are 2 full waves of 2 cores. 8*12*12 = 1152 MACs / (2e9 * 0.5 * 0.5625).
  NetworkBuilder b("one", {8, 3, 4});
  b.conv(0, {.channels = 12});
  const Network network = with_precision(std::move(b).build(), 8, 8);
  EXPECT_NEAR(gpu(text).model->estimate(candidate(network)).cost.latency_s, 1152 / 0.5625e9, 1e-15);
  // One tile leaves a core idle: 8 -> 8 at 2x4, 512 MACs / (2e9 * 0.5 * 0.5); split in two along
  // 16 products it does not: 16 -> 8 at 2x4, 1024 MACs / (2e9 * 0.5).
  NetworkBuilder idle("idle", {8, 2, 4});
  idle.conv(0, {.channels = 8});
  EXPECT_NEAR(gpu(text)
                  .model->estimate(candidate(with_precision(std::move(idle).build(), 8, 8)))
                  .cost.latency_s,
              1024e-9, 1e-15);
  NetworkBuilder split("split", {16, 2, 4});
  split.conv(0, {.channels = 8});
  EXPECT_NEAR(gpu(replaced(text, "splits_highest = 1", "splits_highest = 4"))
                  .model->estimate(candidate(with_precision(std::move(split).build(), 8, 8)))
                  .cost.latency_s,
              1024e-9, 1e-15);
}

}  // namespace
}  // namespace hwnas
