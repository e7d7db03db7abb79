#include "hw_models/patch_plan.h"

#include <gtest/gtest.h>

#include <limits>

#include "space/network_builder.h"
#include "tests/hw_models/mcunet.h"
#include "tests/hw_models/support.h"

namespace hwnas {
namespace {

constexpr std::int64_t kAnything = std::numeric_limits<std::int64_t>::max();

// The formula of the header, for a tile with neighbours on all sides: two 3x3 convs, the last one's
// output in 4 x 4 tiles of 3 x 3.
TEST(PatchPlan, HaloOfConvs) {
  NetworkBuilder b("halo", {4, 12, 12});
  int x = b.conv(0, {.channels = 8, .kernel = 3, .pad = 1});
  x = b.conv(x, {.channels = 1, .kernel = 3, .pad = 1});
  b.global_avg_pool(x);
  const auto plan = plan_patches(with_precision(std::move(b).build(), 8, 8), {}, 4, 0);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->last, 2);
  EXPECT_EQ(plan->count(), 16);
  // Rows of conv 1: 4, 5, 5, 4 (tile 3, one more on each inner side): 18 for 12. Without borders
  // 5/3 each way, (3 + 2)^2/9 - 1 = 178 % more; with them (18/12)^2 - 1 = 125 %.
  EXPECT_DOUBLE_EQ(plan->work[1], 18.0 * 18 / 144);
  EXPECT_DOUBLE_EQ(plan->work[2], 1);
  // Image 4*144, tile 8*5*5, output 144.
  EXPECT_EQ(plan->memory.peak_bytes, 576 + 200 + 144);
}

TEST(PatchPlan, ResidualsNeedTheLargerTile) {
  NetworkBuilder b("residual", {1, 8, 8});
  const int x = b.conv(0, {.channels = 4});
  const int y = b.conv(x, {.channels = 4, .kernel = 3, .pad = 1});
  b.global_avg_pool(b.conv(b.add({x, y}), {.channels = 1, .stride = 2}));
  const auto plan = plan_patches(with_precision(std::move(b).build(), 8, 8), {}, 2, 0);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->last, 4);
  // The strided 1x1 conv reads rows 0-2 and 4-6; the 3x3 conv reads 0-3 and 3-7 for them.
  EXPECT_DOUBLE_EQ(plan->work[2], 6.0 * 6 / 64);
  EXPECT_DOUBLE_EQ(plan->work[1], 9.0 * 9 / 64);
}

TEST(PatchPlan, StopsWhereItIsEnough) {
  const auto nets = testing::mcunets();
  const Network network = testing::network_of(nets[2]);  // vww2, 144 x 144
  const MemoryRules rules{.in_place_depthwise = true};
  const std::int64_t whole = plan_memory(network, rules).peak_bytes;
  const auto least = plan_patches(network, rules, 3, 0);
  const auto some = plan_patches(network, rules, 3, whole - 1);
  ASSERT_TRUE(least && some);
  EXPECT_LT(least->memory.peak_bytes, whole);
  EXPECT_LE(some->last, least->last);
  EXPECT_LT(some->memory.peak_bytes, whole);
  EXPECT_GE(some->memory.peak_bytes, least->memory.peak_bytes);
  for (std::size_t i = 1; i < least->work.size(); ++i) EXPECT_GE(least->work[i], 1);
}

TEST(PatchPlan, NothingToCut) {
  NetworkBuilder b("linear", {8, 1, 1});
  b.linear(b.linear(0, 4), 2);
  EXPECT_FALSE(plan_patches(with_precision(std::move(b).build(), 8, 8), {}, 2, kAnything));
  NetworkBuilder pool("pool", {8, 8, 8});
  pool.linear(pool.global_avg_pool(0), 2);
  EXPECT_FALSE(plan_patches(with_precision(std::move(pool).build(), 8, 8), {}, 2, kAnything));
}

}  // namespace
}  // namespace hwnas
