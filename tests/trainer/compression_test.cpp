#include "trainer/compression.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "space/network_builder.h"
#include "trainer/module.h"

namespace hwnas::testing {
namespace {

using at::Tensor;

Layer linear(int bits, double density) {
  Layer layer;
  layer.op = Op::linear;
  layer.weight_bits = static_cast<std::uint8_t>(bits);
  layer.weight_density = density;
  return layer;
}

void expect_equal(const Tensor& got, const Tensor& want) {
  EXPECT_TRUE(torch::allclose(got, want, 1e-5, 1e-6)) << got << '\n' << want;
}

TEST(Compression, WeightsAreRoundedForEachChannel) {
  const Tensor weight = torch::tensor({{0.7f, -0.24f, 0.05f, 0.1f}, {-7.f, 3.4f, 0.6f, 0.4f}});
  // 4 bits: codes -7 to 7, steps of 0.1 and 1.
  expect_equal(compressed_weight(linear(4, 1), weight),
               torch::tensor({{0.7f, -0.2f, 0.f, 0.1f}, {-7.f, 3.f, 1.f, 0.f}}));
  // 2 bits: -1, 0 and 1 times the largest, or times what leaves a smaller squared error: in the
  // second row 0.7 of it, 2.1^2 + 1.5^2 + 0.6^2 + 0.4^2 = 7.2 where the largest leaves 12.1.
  expect_equal(compressed_weight(linear(2, 1), weight),
               torch::tensor({{0.7f, 0.f, 0.f, 0.f}, {-4.9f, 4.9f, 0.f, 0.f}}));
  // 1 bit: the sign times the mean magnitude.
  expect_equal(compressed_weight(linear(1, 1), torch::tensor({{1.f, -3.f}})),
               torch::tensor({{2.f, -2.f}}));
  for (const int bits : {16, 32}) expect_equal(compressed_weight(linear(bits, 1), weight), weight);
}

TEST(Compression, TheSmallestWeightsGoFirst) {
  const Tensor weight = torch::tensor({{4.f, -1.f, 2.f, 0.5f}, {-8.f, 0.1f, 3.f, -0.2f}});
  expect_equal(compressed_weight(linear(32, 0.5), weight),
               torch::tensor({{4.f, 0.f, 2.f, 0.f}, {-8.f, 0.f, 3.f, 0.f}}));
  expect_equal(compressed_weight(linear(32, 0.001), weight),
               torch::tensor({{0.f, 0.f, 0.f, 0.f}, {-8.f, 0.f, 0.f, 0.f}}));
}

TEST(Compression, NOfEachMInputChannelsStay) {
  Layer two_of_four = linear(32, 0.5);
  two_of_four.density_block = 4;
  // The third row has equal magnitudes: the first ones stay, and never more than two.
  expect_equal(
      compressed_weight(two_of_four, torch::tensor({{4.f, -1.f, 2.f, 0.5f, 0.1f, 0.f, -0.3f, 0.2f},
                                                    {-8.f, 0.1f, 3.f, -9.f, 0.f, 0.f, 0.f, 5.f},
                                                    {1.f, -1.f, 1.f, 1.f, 2.f, 2.f, 2.f, -2.f}})),
      torch::tensor({{4.f, 0.f, 2.f, 0.f, 0.f, 0.f, -0.3f, 0.2f},
                     {-8.f, 0.f, 0.f, -9.f, 0.f, 0.f, 0.f, 5.f},
                     {1.f, -1.f, 0.f, 0.f, 2.f, 2.f, 0.f, 0.f}}));
  // Of a convolution at each place of the kernel, whatever the order in memory.
  torch::manual_seed(1);
  const Tensor conv = torch::randn({3, 8, 2, 2});
  for (const auto format : {at::MemoryFormat::Contiguous, at::MemoryFormat::ChannelsLast}) {
    Layer layer = two_of_four;
    layer.op = Op::conv;
    const Tensor got = compressed_weight(layer, conv.contiguous(format));
    EXPECT_TRUE(got.is_contiguous(format));
    const Tensor kept = got.ne(0).view({3, 2, 4, 2, 2}).sum(2);
    EXPECT_TRUE(kept.eq(2).all().item<bool>());
    EXPECT_TRUE(got.eq(0).logical_or(got.eq(conv)).all().item<bool>());
    const Tensor lost = (conv - got).abs().view({3, 2, 4, 2, 2}).amax(2);
    const Tensor least = got.abs().add(got.eq(0) * 9).view({3, 2, 4, 2, 2}).amin(2);
    EXPECT_TRUE(lost.lt(least).all().item<bool>());
  }
}

TEST(Compression, PruningComesFastThenSlowly) {
  EXPECT_EQ(density_on_the_way(0.2, 0), 1);
  EXPECT_NEAR(density_on_the_way(0.2, 0.5), 0.3, 1e-12);
  EXPECT_EQ(density_on_the_way(0.2, 1), 0.2);
  EXPECT_EQ(density_on_the_way(0.2, 3), 0.2);
  EXPECT_EQ(density_on_the_way(1, 0.5), 1);
}

TEST(Compression, AwareTrainingSeesWhatWillRunAndPassesGradients) {
  NetworkBuilder b("net", {1, 4, 4});
  b.linear(b.unary(b.conv(0, {.channels = 4, .kernel = 3}), Op::flatten), 3);
  const Network rounded = with_precision(std::move(b).build(), 4, 32);
  Module aware(rounded, 7), deployed(rounded, 7);
  aware.set_compression_aware(true);
  deployed.set_training(false);
  deployed.set_compressed(true);
  const Tensor x = torch::linspace(-1, 1, 16).view({1, 1, 4, 4});
  const Tensor logits = aware.logits(x);
  expect_equal(logits, deployed.logits(x));
  EXPECT_FALSE(torch::allclose(logits, Module(rounded, 7).logits(x), 1e-3, 1e-3));
  logits.sum().backward();
  for (const auto& [name, value] : aware.parameters())
    EXPECT_GT(value.grad().abs().sum().item<float>(), 0) << name;
}

// However it is quantized: pruned only after training, a network is lost.
TEST(Compression, TrainingPrunesOnTheWay) {
  NetworkBuilder b("net", {1, 4, 4});
  b.set_precision(8, 8);
  b.set_weight_density(0.25);
  b.linear(b.unary(b.conv(0, {.channels = 4, .kernel = 3}), Op::flatten), 3);
  const Network sparse = std::move(b).build();
  Module module(sparse, 7), dense(with_precision(sparse, 32, 32), 7);
  const Tensor x = torch::linspace(-1, 1, 16).view({1, 1, 4, 4});
  expect_equal(module.logits(x), dense.logits(x));
  module.set_pruned(1);
  const Tensor logits = module.logits(x);
  Module deployed(with_precision(sparse, 32, 32), 7);
  deployed.set_training(false);
  deployed.set_compressed(true);
  expect_equal(logits, deployed.logits(x));
  EXPECT_FALSE(torch::allclose(logits, dense.logits(x), 1e-3, 1e-3));
  logits.sum().backward();
  for (const auto& [name, value] : module.parameters())
    EXPECT_GT(value.grad().abs().sum().item<float>(), 0) << name;
  module.set_training(false);
  expect_equal(module.logits(x), dense.logits(x));
}

Network net(int weight_bits, int activation_bits) {
  NetworkBuilder b("n", {1, 6, 6});
  int x = b.activation(b.batch_norm(b.conv(0, {.channels = 4, .kernel = 3})), Activation::relu);
  b.linear(b.global_avg_pool(x), 3);
  return with_precision(std::move(b).build(), weight_bits, activation_bits);
}

TEST(Compression, OnlyWhatIsStoredIsRounded) {
  // input, conv, bn, relu, pool, linear: conv and norm run into the relu; logits stay exact.
  EXPECT_EQ(rounded_outputs(net(8, 8)), (std::vector<bool>{true, false, false, true, true, false}));
  EXPECT_FALSE(is_compressed(net(32, 32)));
  EXPECT_FALSE(is_compressed(net(16, 16)));
  EXPECT_TRUE(is_compressed(net(8, 32)));
  EXPECT_TRUE(is_compressed(net(32, 4)));
}

// The fewer bits, the farther from the exact network; and back to it when switched off.
TEST(Compression, ModulesComputeAsDeployedWhereAsked) {
  torch::manual_seed(3);
  const Tensor images = torch::randn({5, 1, 6, 6});
  double before = 0;
  for (const int bits : {16, 8, 4, 2}) {
    Module module(net(bits, bits), 7);
    module.set_training(false);
    const torch::NoGradGuard no_grad;
    const Tensor exact = module.logits(images);
    module.set_compressed(true);
    const double error = (module.logits(images) - exact).norm().item<double>();
    module.set_compressed(false);
    expect_equal(module.logits(images), exact);
    if (bits == 16) {
      EXPECT_EQ(error, 0);
      continue;
    }
    EXPECT_GT(error, 2 * before) << bits;
    before = error;
  }
}

}  // namespace
}  // namespace hwnas::testing
