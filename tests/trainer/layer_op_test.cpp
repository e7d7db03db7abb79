// Every Op against LibTorch's functions written out by hand, or against values worked out by hand.
#include "trainer/layer_op.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "space/network_builder.h"
#include "space/rng.h"
#include "trainer/module.h"
#include "trainer/norm.h"

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

Tensor values(std::vector<std::int64_t> sizes, std::vector<float> numbers) {
  return torch::tensor(numbers).view(sizes);
}

// The module of input -> one layer appended by `add`, run on x.
template <typename Add>
Tensor run(const Tensor& x, Add add, std::vector<Tensor>* parameters = nullptr) {
  NetworkBuilder builder(
      "t", {static_cast<int>(x.size(1)), static_cast<int>(x.size(2)), static_cast<int>(x.size(3))});
  add(builder);
  Module module(std::move(builder).build(), 5);
  if (parameters != nullptr) {
    for (auto& [name, value] : module.parameters()) parameters->push_back(value);
  }
  const Tensor plain = module.forward(x);
  const Tensor last = module.forward(x.contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_TRUE(torch::allclose(plain, last, 1e-4, 1e-5)) << "differs between memory formats";
  return plain;
}

void expect_close(const Tensor& a, const Tensor& b) {
  ASSERT_EQ(a.sizes(), b.sizes());
  EXPECT_TRUE(torch::allclose(a, b, 1e-4, 1e-5)) << (a - b).abs().max().item<float>();
}

TEST(LayerOp, Conv) {
  const Tensor x = noise({2, 4, 9, 8}, 1);
  for (const int groups : {1, 2, 4}) {
    std::vector<Tensor> p;
    const Tensor y = run(
        x,
        [&](NetworkBuilder& b) {
          b.conv(0, {.channels = 8, .kernel = 3, .stride = 2, .groups = groups, .bias = true});
        },
        &p);
    ASSERT_EQ(p.size(), 2u);
    expect_close(y, torch::conv2d(x, p[0], p[1], {2, 2}, {1, 1}, {1, 1}, groups));
  }
}

Layer padded(Op op) {
  Layer layer;
  layer.op = op;
  layer.kernel_h = 2;
  layer.kernel_w = 3;
  layer.stride_h = 2;
  layer.pad = {.top = 0, .left = 1, .bottom = 1, .right = 2};
  return layer;
}

TEST(LayerOp, ConvWithUnequalPadding) {
  const Tensor x = noise({2, 3, 5, 6}, 2);
  const int from = 0;
  std::vector<Tensor> p;
  const Tensor y = run(
      x,
      [&](NetworkBuilder& b) {
        b.append(padded(Op::conv), {&from, 1}, 4);
      },
      &p);
  const Tensor wide = torch::constant_pad_nd(x, {1, 2, 0, 1}, 0);
  expect_close(y, torch::conv2d(wide, p[0], {}, {2, 1}));
}

TEST(LayerOp, Linear) {
  const Tensor vector = noise({3, 6, 1, 1}, 3), map = noise({3, 6, 4, 2}, 4);
  for (const Tensor& x : {vector, map}) {
    std::vector<Tensor> p;
    const Tensor y = run(
        x, [](NetworkBuilder& b) { b.linear(0, 5); }, &p);
    expect_close(y, torch::linear(x.permute({0, 2, 3, 1}), p[0], p[1]).permute({0, 3, 1, 2}));
  }
}

TEST(LayerOp, MaxPool) {
  const Tensor x = values({1, 1, 3, 3}, {1, 2, 3, 4, -5, 6, 7, 8, 9});
  expect_close(run(x, [](NetworkBuilder& b) { b.pool(0, Op::max_pool, 3, 2, 1); }),
               values({1, 1, 2, 2}, {4, 6, 8, 9}));
  // Pads 0,1,1,2 on negative numbers: a border of zeros would win.
  const int from = 0;
  const Tensor negative = -x.abs() - 1;
  const Tensor y = run(negative, [&](NetworkBuilder& b) {
    b.append(padded(Op::max_pool), {&from, 1});
  });
  expect_close(y, values({1, 1, 2, 4}, {-2, -2, -3, -4, -8, -8, -9, -10}));
}

TEST(LayerOp, AvgPoolDoesNotCountPadding) {
  const Tensor x = values({1, 1, 3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9});
  // Corner windows hold 4 values: (1+2+4+5)/4 = 3, ...
  expect_close(run(x, [](NetworkBuilder& b) { b.pool(0, Op::avg_pool, 3, 2, 1); }),
               values({1, 1, 2, 2}, {3, 4, 6, 7}));
  // 2x3 windows at rows {0,1} and {2,pad}; columns {pad,0,1} {0,1,2} {1,2,pad} {2,pad,pad}.
  const int from = 0;
  const Tensor y = run(x, [&](NetworkBuilder& b) { b.append(padded(Op::avg_pool), {&from, 1}); });
  expect_close(y, values({1, 1, 2, 4}, {3, 3.5, 4, 4.5, 7.5, 8, 8.5, 9}));
}

TEST(LayerOp, GlobalAvgPool) {
  const Tensor x = values({1, 2, 1, 2}, {1, 3, 10, 20});
  expect_close(run(x, [](NetworkBuilder& b) { b.global_avg_pool(0); }),
               values({1, 2, 1, 1}, {2, 15}));
}

TEST(LayerOp, Activations) {
  const std::vector<float> in{-4, -1, 0.5f, 7};
  const std::vector<std::pair<Activation, std::vector<float>>> expected{
      {Activation::relu, {0, 0, 0.5f, 7}},
      {Activation::relu6, {0, 0, 0.5f, 6}},
      {Activation::hard_sigmoid, {0, 1.0f / 3, 3.5f / 6, 1}},        // clamp(x + 3, 0, 6) / 6
      {Activation::hard_swish, {0, -1.0f / 3, 0.5f * 3.5f / 6, 7}},  // x times that
      {Activation::sigmoid, {0.0179862f, 0.2689414f, 0.6224593f, 0.9990889f}},
      {Activation::swish, {-0.0719448f, -0.2689414f, 0.3112297f, 6.9936223f}},
      {Activation::tanh, {-0.9993293f, -0.7615942f, 0.4621172f, 0.9999983f}},
      {Activation::gelu, {-0.0001267f, -0.1586553f, 0.3457312f, 7}},
  };
  for (const auto& [kind, out] : expected) {
    const Tensor x = values({1, 1, 2, 2}, in);
    expect_close(run(x, [k = kind](NetworkBuilder& b) { b.activation(0, k); }),
                 values({1, 1, 2, 2}, out));
    expect_close(x, values({1, 1, 2, 2}, in));  // not written over: it is the caller's
  }
}

TEST(LayerOp, Softmax) {
  const Tensor x = noise({2, 5, 3, 1}, 6);
  const Tensor e = x.exp();
  expect_close(run(x, [](NetworkBuilder& b) { b.unary(0, Op::softmax); }), e / e.sum(1, true));
}

TEST(LayerOp, Joins) {
  const Tensor x = noise({2, 3, 4, 4}, 7);
  expect_close(run(x,
                   [](NetworkBuilder& b) {
                     b.add({0, b.activation(0, Activation::relu), 0});
                   }),
               2 * x + x.relu());
  expect_close(run(x,
                   [](NetworkBuilder& b) {
                     b.join(std::vector<int>{0, b.activation(0, Activation::tanh)}, Op::multiply);
                   }),
               x * x.tanh());
  expect_close(run(x,
                   [](NetworkBuilder& b) {
                     b.join(std::vector<int>{0, b.global_avg_pool(0)}, Op::multiply);
                   }),
               x * x.mean({2, 3}, true));
  expect_close(run(x,
                   [](NetworkBuilder& b) {
                     b.join(std::vector<int>{0, b.activation(0, Activation::relu)}, Op::concat);
                   }),
               torch::cat({x, x.relu()}, 1));
}

TEST(LayerOp, Rearrangements) {
  const Tensor x = noise({2, 6, 2, 3}, 8);
  // 2 groups of 3: 0 1 2 | 3 4 5 -> 0 3 1 4 2 5
  expect_close(run(x, [](NetworkBuilder& b) { b.unary(0, Op::channel_shuffle, 2); }),
               x.index_select(1, torch::tensor({0, 3, 1, 4, 2, 5})));
  expect_close(run(x, [](NetworkBuilder& b) { b.unary(0, Op::flatten); }),
               x.reshape({2, 36, 1, 1}));
  expect_close(run(x, [](NetworkBuilder& b) { b.unary(0, Op::identity); }), x);
  expect_close(run(x, [](NetworkBuilder& b) { b.unary(0, Op::zero); }), torch::zeros_like(x));
}

// Output, running statistics and all three gradients against LibTorch's own.
TEST(Norm, EqualsLibTorchs) {
  for (const int channels : {1, 3, 16, 300}) {
    for (const Activation kind : {Activation::none, Activation::relu, Activation::relu6}) {
      // Far from zero, where sums of squares would cancel.
      const Tensor start = 100 + 3 * noise({4, channels, 5, 7}, 9);
      const Tensor weight = 2 + noise({channels}, 10), bias = noise({channels}, 11),
                   upstream = noise({4, channels, 5, 7}, 12);
      std::vector<std::vector<Tensor>> results;
      for (const bool fused : {true, false}) {
        const Tensor x = start.clone().contiguous(at::MemoryFormat::ChannelsLast).requires_grad_();
        const Tensor w = weight.clone().requires_grad_(), b = bias.clone().requires_grad_();
        const Tensor mean = torch::zeros({channels}), var = torch::ones({channels});
        Tensor y;
        if (fused) {
          y = norm_activation(x, {w, b, mean, var}, kind, true);
        } else {
          y = torch::batch_norm(x, w, b, mean, var, true, 0.1, 1e-5, false);
          if (kind == Activation::relu) y = y.relu();
          if (kind == Activation::relu6) y = y.clamp(0, 6);
        }
        (y * upstream).sum().backward();
        const torch::NoGradGuard no_grad;
        const Tensor later = norm_activation(x.detach(), {w, b, mean, var}, kind, false);
        results.push_back({y.detach(), mean, var, x.grad(), w.grad(), b.grad(), later});
      }
      for (std::size_t i = 0; i < results[0].size(); ++i) {
        const float scale = results[1][i].abs().max().item<float>();
        EXPECT_LT((results[0][i] - results[1][i]).abs().max().item<float>(),
                  2e-4 * std::max(scale, 1.0f))
            << "channels " << channels << ", activation " << to_string(kind) << ", value " << i;
      }
    }
  }
}

TEST(Norm, EvaluationUsesRunningStatistics) {
  const Tensor x = values({1, 2, 1, 2}, {1, 3, -2, 6});
  const std::vector<Tensor> v{values({2}, {2, 1}), values({2}, {0, 1}), values({2}, {1, 2}),
                              values({2}, {4, 16})};
  // 2 (1-1)/2, 2 (3-1)/2; (-2-2)/4 + 1, (6-2)/4 + 1
  const torch::NoGradGuard no_grad;
  expect_close(norm_activation(x, v, Activation::none, false), values({1, 2, 1, 2}, {0, 2, 0, 2}));
}

TEST(Norm, KeepsNaN) {
  const Tensor x = torch::full({1, 1, 2, 2}, std::numeric_limits<float>::quiet_NaN());
  const std::vector<Tensor> v{torch::ones({1}), torch::zeros({1}), torch::zeros({1}),
                              torch::ones({1})};
  EXPECT_TRUE(norm_activation(x, v, Activation::relu, true).isnan().all().item<bool>());
}

}  // namespace
}  // namespace hwnas::testing
