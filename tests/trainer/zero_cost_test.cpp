#include "trainer/zero_cost.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <functional>

#include "space/network_builder.h"
#include "space/operators.h"
#include "space/rng.h"
#include "space/search_space.h"
#include "trainer/az_nas.h"
#include "trainer/module.h"
#include "trainer/trainer.h"

namespace hwnas::testing {
namespace {

using at::Tensor;
constexpr int kImages = 8;

Tensor noise(std::vector<std::int64_t> sizes, std::uint64_t seed) {
  Tensor x = torch::empty(sizes);
  Rng rng(seed);
  for (std::int64_t i = 0; i < x.numel(); ++i)
    x.data_ptr<float>()[i] = static_cast<float>(rng.normal());
  return x;
}
Tensor labels(int classes) {
  return torch::arange(kImages, at::kLong).remainder(classes);
}

double score(const Network& network, const std::string& name, const Tensor& images,
             std::uint64_t seed = 3) {
  const std::vector<std::string> names{name};
  const int classes = network.output().channels;
  return zero_cost_scores(network, images, labels(classes), seed, names).at(0).value;
}

Network build(Shape input, const std::function<int(NetworkBuilder&)>& layers) {
  NetworkBuilder b("net", input);
  layers(b);
  return std::move(b).build();
}

// Everything linear, one weight a path: conv 1x1, mean, linear.
Network linear_net(int channels = 3, int classes = 4) {
  return build({1, 6, 6}, [=](NetworkBuilder& b) {
    return b.linear(b.global_avg_pool(b.conv(0, {.channels = channels})), classes);
  });
}

TEST(ZeroCost, CountsParametersAndMacs) {
  const Tensor x = noise({kImages, 1, 6, 6}, 1);
  EXPECT_EQ(score(linear_net(), "parameters", x), 3 + 3 * 4 + 4);
  EXPECT_EQ(score(linear_net(), "macs", x), 36 * 3 + 3 * 4);
}

// Codes compared pair by pair, the determinant by LibTorch.
TEST(ZeroCost, NwotIsTheDeterminantOfHowManyUnitsAgree) {
  const Network net = build({2, 5, 5}, [](NetworkBuilder& b) {
    const int x = b.activation(b.conv(0, {.channels = 3, .kernel = 3}), Activation::relu);
    const int y = b.activation(b.conv(x, {.channels = 2}), Activation::relu6);
    const int gate = b.activation(y, Activation::sigmoid);  // no rectifier: does not count
    return b.linear(b.global_avg_pool(gate), 4);
  });
  const Tensor x = noise({kImages, 2, 5, 5}, 1);
  const Module module(net, 3);
  const Tensor first = torch::conv2d(x, module.values()[1][0], {}, 1, 1);
  const Tensor second = torch::conv2d(first.relu(), module.values()[3][0]);
  const Tensor units = torch::cat({first.flatten(1), second.flatten(1)}, 1);
  Tensor kernel = torch::zeros({kImages, kImages}, at::kDouble);
  for (int i = 0; i < kImages; ++i) {
    for (int j = 0; j < kImages; ++j) {
      int agree = 0;
      for (int u = 0; u < units.size(1); ++u)
        agree += (units[i][u].item<float>() > 0) == (units[j][u].item<float>() > 0);
      kernel[i][j] = agree;
    }
  }
  EXPECT_NEAR(score(net, "nwot", x), kernel.det().log().item<double>(), 1e-6);
}

TEST(ZeroCost, NwotNeedsARectifierAndDifferentImages) {
  EXPECT_TRUE(std::isnan(score(linear_net(), "nwot", noise({kImages, 1, 6, 6}, 1))));
  const Network net = build({1, 6, 6}, [](NetworkBuilder& b) {
    return b.linear(
        b.unary(b.activation(b.conv(0, {.channels = 2}), Activation::relu), Op::flatten), 4);
  });
  EXPECT_TRUE(std::isnan(score(net, "nwot", torch::ones({kImages, 1, 6, 6}))));
}

// All images have the gradient of a linear network: one eigenvalue is their number, the others 0.
TEST(ZeroCost, JacovOfALinearNetworkIsTheLowest) {
  const Network net =
      build({1, 6, 6}, [](NetworkBuilder& b) { return b.linear(b.unary(0, Op::flatten), 4); });
  const double k = 1e-5;
  const double expected =
      -(std::log(kImages + k) + 1 / (kImages + k)) - (kImages - 1) * (std::log(k) + 1 / k);
  EXPECT_NEAR(score(net, "jacov", noise({kImages, 1, 6, 6}, 1)) / expected, 1, 1e-6);
}

TEST(ZeroCost, JacovIsHigherWhereARectifierTellsImagesApart) {
  const auto net = [](Activation activation) {
    return build({1, 6, 6}, [=](NetworkBuilder& b) {
      const int x = b.activation(b.conv(0, {.channels = 16, .kernel = 3}), activation);
      return b.linear(b.unary(x, Op::flatten), 4);
    });
  };
  const Tensor x = noise({kImages, 1, 6, 6}, 1);
  EXPECT_GT(score(net(Activation::relu), "jacov", x), score(net(Activation::none), "jacov", x) / 2);
}

// Each of two layers without bias hands the whole output through: sum w dL/dw = R, twice. For ones
// as input R = sum over classes k and channels c of |b_kc| |a_c|. The norm does not count.
TEST(ZeroCost, SynflowOfALinearNetworkIsItsOutputOnceALayer) {
  const Network net = build({1, 6, 6}, [](NetworkBuilder& b) {
    const int x = b.batch_norm(b.conv(0, {.channels = 3}));
    return b.linear(b.global_avg_pool(x), 4);
  });
  const Module module(net, 3);
  const Tensor a = module.values()[1][0].abs().flatten().to(at::kDouble);
  const Tensor w = module.values()[4][0].abs().to(at::kDouble);
  const double output = w.matmul(a).sum().item<double>();
  EXPECT_NEAR(score(net, "synflow", noise({kImages, 1, 6, 6}, 1)), std::log(2 * output), 1e-9);
}

TEST(ZeroCost, SynflowOfADeepNetworkDoesNotOverflow) {
  const Network net = build({8, 4, 4}, [](NetworkBuilder& b) {
    int x = 0;
    for (int i = 0; i < 40; ++i) x = b.conv(x, {.channels = 32, .kernel = 3});
    return b.linear(b.global_avg_pool(x), 4);
  });
  const double flow = score(net, "synflow", noise({kImages, 8, 4, 4}, 1));
  EXPECT_GT(flow, std::log(3.4e38));  // what a float holds
  EXPECT_TRUE(std::isfinite(flow));
}

// dL/dW of softmax regression: mean over images of (softmax - one hot) x', here from plain loops.
TEST(ZeroCost, SnipAndGradNormOfSoftmaxRegression) {
  constexpr int kClasses = 3;
  const Network net =
      build({2, 1, 1}, [](NetworkBuilder& b) { return b.linear(0, kClasses, /*bias=*/false); });
  const Tensor x = noise({kImages, 2, 1, 1}, 1);
  const Module module(net, 3);
  const Tensor& w = module.values()[1][0];
  double gradient[kClasses][2] = {};
  for (int n = 0; n < kImages; ++n) {
    double share[kClasses], sum = 0;
    for (int k = 0; k < kClasses; ++k) {
      double logit = 0;
      for (int c = 0; c < 2; ++c) logit += w[k][c].item<float>() * x[n][c][0][0].item<float>();
      sum += share[k] = std::exp(logit);
    }
    for (int k = 0; k < kClasses; ++k) {
      const double error = share[k] / sum - (n % kClasses == k ? 1 : 0);
      for (int c = 0; c < 2; ++c) gradient[k][c] += error * x[n][c][0][0].item<float>() / kImages;
    }
  }
  double snip = 0, squares = 0;
  for (int k = 0; k < kClasses; ++k) {
    for (int c = 0; c < 2; ++c) {
      snip += std::fabs(w[k][c].item<float>() * gradient[k][c]);
      squares += gradient[k][c] * gradient[k][c];
    }
  }
  EXPECT_NEAR(score(net, "snip", x), snip, 1e-6);
  EXPECT_NEAR(score(net, "grad_norm", x), std::sqrt(squares), 1e-6);
}

TEST(ZeroCost, GradNormIsASumOverLayers) {
  const Network net = linear_net();
  const Tensor x = noise({kImages, 1, 6, 6}, 1);
  const Module module(net, 3);
  const Tensor &a = module.values()[1][0], &w = module.values()[3][0];
  const Tensor logits = torch::conv2d(x, a).mean({2, 3}).matmul(w.t());
  torch::nn::functional::cross_entropy(logits, labels(4)).backward();
  EXPECT_NEAR(score(net, "grad_norm", x),
              a.grad().norm().item<double>() + w.grad().norm().item<double>(), 1e-6);
}

TEST(BlockEnds, AreWhatEveryPathPassesBeforeTheNextLayer) {
  const Network chain = build({1, 8, 8}, [](NetworkBuilder& b) {
    int x = b.activation(b.batch_norm(b.conv(0, {.channels = 4})), Activation::relu);  // 1 2 3
    x = b.activation(b.conv(x, {.channels = 4}), Activation::relu);                    // 4 5
    return b.linear(b.global_avg_pool(x), 4);
  });
  EXPECT_THAT(block_ends(chain), ::testing::ElementsAre(3, 5));
  const Network residual = build({1, 8, 8}, [](NetworkBuilder& b) {
    const int x = b.conv(0, {.channels = 4});  // 1
    const int y =
        b.conv(b.activation(b.conv(x, {.channels = 4}), Activation::relu), {.channels = 4});
    const int sum = b.activation(b.add({x, y}), Activation::relu);  // 5 6
    return b.linear(b.global_avg_pool(sum), 4);
  });
  EXPECT_THAT(block_ends(residual), ::testing::ElementsAre(1, 6));
}

// One channel has one principal component, whose share is 1: entropy 0. Between blocks of one
// channel, y = w x: the estimate is the mean of (w v) v = w.
TEST(AzNas, OfOneChannel) {
  const Network net = build({1, 6, 6}, [](NetworkBuilder& b) {
    return b.linear(b.global_avg_pool(b.conv(b.conv(0, {.channels = 1}), {.channels = 1})), 4);
  });
  const Tensor x = noise({kImages, 1, 6, 6}, 1);
  const double w = std::fabs(Module(net, 3).values()[2][0].item<float>());
  EXPECT_NEAR(score(net, "expressivity", x), 0, 1e-7);
  EXPECT_NEAR(score(net, "progressivity", x), 0, 1e-7);
  EXPECT_NEAR(score(net, "trainability", x), 2 - w - 1 / w, 1e-5);
}

// With a stride each output stands for k x k inputs of which one is read: w at one, 0 at the
// others.
TEST(AzNas, TrainabilityAcrossAStride) {
  const Network net = build({1, 7, 7}, [](NetworkBuilder& b) {
    return b.linear(
        b.global_avg_pool(b.conv(b.conv(0, {.channels = 1}), {.channels = 1, .stride = 2})), 4);
  });
  const double w = std::fabs(Module(net, 3).values()[2][0].item<float>());
  EXPECT_NEAR(score(net, "trainability", noise({kImages, 1, 7, 7}, 1)), 2 - w - 1 / w, 1e-5);
}

// Independent equal channels share the variance equally: entropy ln(channels).
TEST(AzNas, ExpressivityOfIndependentChannels) {
  const Network net = build({4, 32, 32}, [](NetworkBuilder& b) {
    const int x = b.pool(0, Op::max_pool, 1, 1, 0);  // the identity, as a block
    return b.linear(b.global_avg_pool(b.pool(x, Op::max_pool, 1, 1, 0)), 4);
  });
  const Tensor x = noise({kImages, 4, 32, 32}, 1);
  EXPECT_NEAR(score(net, "expressivity", x), 2 * std::log(4), 1e-3);
  EXPECT_TRUE(std::isnan(score(net, "trainability", x)));  // nothing to train in between
}

// A gated block of another activation, as of MobileNetV3.
Network gated_net() {
  return build({1, 28, 28}, [](NetworkBuilder& b) {
    const int x = b.activation(b.batch_norm(b.conv(0, {.channels = 8, .kernel = 3, .stride = 2})),
                               Activation::hard_swish);
    const int gate = b.activation(b.linear(b.global_avg_pool(x), 8), Activation::hard_sigmoid);
    const int gated = b.join(std::vector<int>{x, gate}, Op::multiply);
    const int y = b.batch_norm(b.conv(gated, {.channels = 8}));
    return b.linear(b.global_avg_pool(b.activation(b.add({x, y}), Activation::swish)), 10);
  });
}

TEST(ZeroCost, EveryScoreIsFiniteAndRepeats) {
  set_threads(1);
  const SearchSpace space = SearchSpace::load(
      std::string(HWNAS_SOURCE_DIR) + "/space/spaces/tiny_image.toml", Task{{1, 28, 28}, 10});
  std::vector<Network> networks{gated_net()};
  Rng rng(5);
  for (int i = 0; i < 2; ++i)
    networks.push_back(space.decode(sample(space.cardinalities(), rng)).network);
  const Tensor x = noise({kImages, 1, 28, 28}, 1);
  for (const Network& net : networks) {
    const auto once = zero_cost_scores(net, x, labels(10), 9, zero_cost_names());
    const auto again = zero_cost_scores(net, x, labels(10), 9, zero_cost_names());
    const auto other = zero_cost_scores(net, x, labels(10), 10, zero_cost_names());
    for (std::size_t s = 0; s < once.size(); ++s) {
      EXPECT_TRUE(std::isfinite(once[s].value)) << once[s].name;
      EXPECT_EQ(once[s].value, again[s].value) << once[s].name;
      EXPECT_GE(once[s].seconds, 0);
      if (s < 2) continue;  // counts depend on no seed
      EXPECT_NE(once[s].value, other[s].value) << once[s].name;
    }
  }
}

TEST(ZeroCost, ImagesAreResizedToTheNetwork) {
  EXPECT_TRUE(std::isfinite(score(linear_net(), "snip", noise({kImages, 1, 9, 9}, 1))));
}

TEST(ZeroCost, RefusesWhatItCannotScore) {
  const auto problem = [](const Network& net, const std::string& name, const Tensor& x) {
    try {
      score(net, name, x);
    } catch (const std::invalid_argument& error) {
      return std::string(error.what());
    }
    return std::string("none");
  };
  EXPECT_EQ(problem(linear_net(), "naswot", noise({kImages, 1, 6, 6}, 1)),
            "there is no zero-cost score 'naswot'");
  EXPECT_EQ(problem(linear_net(), "nwot", noise({kImages, 3, 6, 6}, 1)),
            "the network reads 1 channels, the images have 3");
  const Network dead = build({1, 6, 6}, [](NetworkBuilder& b) {
    return b.linear(b.global_avg_pool(b.unary(0, Op::zero)), 4);
  });
  EXPECT_EQ(problem(dead, "nwot", noise({kImages, 1, 6, 6}, 1)),
            "nothing reaches the output of the network");
}

}  // namespace
}  // namespace hwnas::testing
