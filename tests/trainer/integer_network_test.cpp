// Integer networks against sums written out by hand in 64-bit integers.
#include "trainer/integer_network.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <map>

#include "space/network_builder.h"
#include "space/rng.h"

namespace hwnas::testing {
namespace {

using at::Tensor;

Tensor noise(std::vector<std::int64_t> sizes, std::uint64_t seed) {
  Rng rng(seed);
  Tensor x = torch::empty(sizes);
  for (std::int64_t i = 0; i < x.numel(); ++i)
    x.data_ptr<float>()[i] = static_cast<float>(rng.normal());
  return x;
}

void stir(Module& module, std::uint64_t seed) {
  const torch::NoGradGuard no_grad;
  for (auto& [name, value] : module.state()) {
    value.add_(0.3 * noise(value.sizes().vec(), ++seed));
    if (name.ends_with(".var")) value.abs_().add_(0.1);
  }
  module.set_training(false);
}

std::map<std::string, Tensor> named(const IntegerNetwork& integers) {
  std::map<std::string, Tensor> all;
  for (const auto& [name, value] : integers.tensors()) all[name] = value;
  return all;
}

// Codes of x by scale and zero point, as QuantizeLinear of ONNX computes them.
std::vector<std::int64_t> codes(const Tensor& x, const Tensor& scale, const Tensor& zero) {
  std::vector<std::int64_t> all;
  const Tensor flat = x.contiguous().flatten();
  for (std::int64_t i = 0; i < flat.numel(); ++i) {
    const float q = std::nearbyint(flat[i].item<float>() / scale.item<float>());
    all.push_back(
        std::clamp<std::int64_t>(static_cast<std::int64_t>(q) + zero.item<std::int64_t>(), 0, 255));
  }
  return all;
}

// linear, norm, relu on a vector: every step in integers by hand.
TEST(IntegerNetwork, EqualsSumsByHand) {
  NetworkBuilder b("t", {5, 1, 1});
  b.activation(b.batch_norm(b.linear(0, 3)), Activation::relu);
  Module module(std::move(b).build(), 7);
  stir(module, 20);
  const Tensor x = noise({8, 5, 1, 1}, 3);
  const IntegerNetwork integers(module, {x});
  ASSERT_EQ(integers.network().size(), 3);  // the norm is folded
  auto t = named(integers);
  const std::vector<std::int64_t> in = codes(x, t["input.scale"], t["input.zero"]);
  const Tensor got = integers.forward(x);
  for (int i = 0; i < 8; ++i) {
    for (int c = 0; c < 3; ++c) {
      std::int64_t sum = t["linear.bias"][c].item<int>();
      for (int k = 0; k < 5; ++k) {
        sum += (in[static_cast<std::size_t>(5 * i + k)] - t["input.zero"].item<std::int64_t>()) *
               t["linear.weight"][c][k].item<std::int64_t>();
      }
      const double real = static_cast<double>(sum) * t["linear.bias_scale"][c].item<double>();
      const Tensor value = torch::tensor(std::max(0.0F, static_cast<float>(real)));
      const std::int64_t code = codes(value, t["relu.scale"], t["relu.zero"])[0];
      const float expected = t["relu.scale"].item<float>() *
                             static_cast<float>(code - t["relu.zero"].item<std::int64_t>());
      EXPECT_EQ(got[i][c].item<float>(), expected) << i << ' ' << c;
    }
  }
}

Network small(int weight_bits, int activation_bits) {
  NetworkBuilder b("t", {3, 12, 12});
  b.set_precision(weight_bits, activation_bits);
  b.set_input_precision(activation_bits);
  int x = b.activation(b.batch_norm(b.conv(0, {.channels = 16, .kernel = 3, .stride = 2})),
                       Activation::relu6);
  x = b.add({x, b.batch_norm(b.conv(x, {.channels = 16, .kernel = 3, .groups = 16}))});
  b.linear(b.global_avg_pool(x), 10);
  return std::move(b).build();
}

// Sums are integers, whatever LibTorch's convolution does on the way.
TEST(IntegerNetwork, ConvolutionsAreExact) {
  Module module(small(8, 8), 7);
  stir(module, 40);
  const Tensor x = noise({4, 3, 12, 12}, 5);
  const IntegerNetwork integers(module, {x});
  auto t = named(integers);
  const auto real = [&](const Tensor& v, const char* layer) {
    const std::string name = layer;
    const Tensor q = (v / t[name + ".scale"]).round() + t[name + ".zero"].to(at::kInt);
    return q.clamp(0, 255) - t[name + ".zero"].to(at::kInt);
  };
  const Tensor in = real(x, "input");
  const Tensor exact = torch::conv2d(in.to(at::kDouble), t["conv.weight"].to(at::kDouble),
                                     t["conv.bias"].to(at::kDouble), 2, 1);
  const Tensor fast = torch::conv2d(in.to(at::kFloat), t["conv.weight"].to(at::kFloat),
                                    t["conv.bias"].to(at::kFloat), 2, 1);
  EXPECT_TRUE(torch::equal(exact, fast.to(at::kDouble)));
  EXPECT_TRUE(torch::equal(exact, exact.round()));
}

TEST(IntegerNetwork, FollowsTheFloatsAndTheBits) {
  const Tensor x = noise({64, 3, 12, 12}, 6);
  double before = 0;
  for (const int bits : {8, 6, 4}) {
    Module module(small(bits, bits), 7);
    stir(module, 60);
    const IntegerNetwork integers(module, {x});
    const torch::NoGradGuard no_grad;
    const double error =
        (integers.forward(x) - module.forward(x).flatten(1)).pow(2).mean().item<double>();
    const double power = module.forward(x).var().item<double>();
    if (bits == 8) {
      EXPECT_LT(error, 0.001 * power);
    }
    EXPECT_GT(error, 4 * before) << bits;  // two bits less: 16 times the squared error, roughly
    before = error;
    auto t = named(integers);
    EXPECT_EQ(t["conv.weight"].abs().max().item<int>(), (1 << (bits - 1)) - 1);
    EXPECT_EQ(integers.network().layer(1).weight_bits, bits);
    EXPECT_EQ(macs(integers.network()), macs(module.network()));
  }
}

}  // namespace
}  // namespace hwnas::testing
