#include "hw_models/kernel.h"

#include <gtest/gtest.h>

#include "hw_models/device.h"
#include "tests/hw_models/support.h"

namespace hwnas {
namespace {

constexpr Fusion kNone{};
constexpr Fusion kFolding{true, true, false};
constexpr Fusion kAll{true, true, true};

Network residual() {
  NetworkBuilder b("residual", {4, 2, 2});
  const int c = b.conv(0, {.channels = 4, .kernel = 3});
  const int n = b.batch_norm(c);
  const int s = b.add({n, 0});
  b.activation(s, Activation::relu);
  return with_precision(std::move(b).build(), 8, 8);
}

TEST(Kernels, WithoutFusionEveryLayerIsOne) {
  EXPECT_EQ(kernels_of(residual(), kNone).size(), 4u);
}

TEST(Kernels, NormFoldsAndActivationJoinsTheSum) {
  const auto kernels = kernels_of(residual(), kFolding);
  ASSERT_EQ(kernels.size(), 2u);
  EXPECT_TRUE(kernels[0].folded_norm);
  EXPECT_EQ(kernels[0].last, 2);
  EXPECT_EQ(kernels[0].macs, 4 * 4 * 9 * 4);
  EXPECT_DOUBLE_EQ(kernels[0].weight_bytes, 144);
  EXPECT_DOUBLE_EQ(kernels[0].constant_bytes, 16);  // a bias for each of 4 channels
  EXPECT_DOUBLE_EQ(kernels[0].input_bytes, 16);
  EXPECT_EQ(kernels[1].layer, 3);
  EXPECT_EQ(kernels[1].last, 4);
  EXPECT_EQ(kernels[1].element_ops, 32);  // two terms of 16
  EXPECT_DOUBLE_EQ(kernels[1].input_bytes, 32);
}

TEST(Kernels, SumJoinsTheConvAndReadsItsOtherTerm) {
  const auto kernels = kernels_of(residual(), kAll);
  ASSERT_EQ(kernels.size(), 1u);
  EXPECT_DOUBLE_EQ(kernels[0].input_bytes, 32);
  EXPECT_DOUBLE_EQ(kernels[0].output_bytes, 16);
}

TEST(Kernels, NormThatCannotFoldIsItsOwn) {
  NetworkBuilder b("pre", {4, 2, 2});
  b.activation(b.batch_norm(b.activation(0, Activation::relu)), Activation::relu);
  const auto kernels = kernels_of(std::move(b).build(), kFolding);
  ASSERT_EQ(kernels.size(), 2u);
  EXPECT_EQ(kernels[1].layer, 2);  // the norm, with the activation after it
  EXPECT_EQ(kernels[1].last, 3);
  EXPECT_DOUBLE_EQ(kernels[1].input_bytes + kernels[1].output_bytes, 2 * 16 * 4);
  EXPECT_DOUBLE_EQ(kernels[1].constant_bytes, 32);  // scale and shift of 4 channels
}

TEST(Kernels, NormOfASharedConvStaysOut) {
  NetworkBuilder b("shared", {4, 2, 2});
  const int c = b.conv(0, {.channels = 4});
  b.add({b.batch_norm(c), c});
  EXPECT_EQ(kernels_of(std::move(b).build(), kAll).size(), 3u);
}

TEST(Kernels, ViewsCostNothing) {
  NetworkBuilder b("view", {4, 2, 2});
  b.activation(b.linear(b.unary(0, Op::flatten), 3), Activation::relu);
  EXPECT_EQ(kernels_of(std::move(b).build(), kAll).size(), 1u);
}

TEST(Kernels, Resnet50RunsIn56) {
  // 53 convs with their norms, activations and sums; max pool, global pool, linear.
  EXPECT_EQ(kernels_of(testing::zoo("resnet50", 8, 8), kAll).size(), 56u);
}

}  // namespace
}  // namespace hwnas
