#include "trainer/module.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <fstream>

#include "data_files.h"
#include "space/network_builder.h"
#include "space/network_file.h"
#include "space/operators.h"
#include "space/search_space.h"
#include "trainer/sgd.h"

namespace hwnas::testing {
namespace {

using at::Tensor;

// conv, norm, relu, squeeze-excite, residual, classifier with softmax.
Network small() {
  NetworkBuilder b("small", {1, 8, 8});
  const int x =
      b.activation(b.batch_norm(b.conv(0, {.channels = 6, .kernel = 3})), Activation::relu);
  const int gate = b.activation(b.conv(b.global_avg_pool(x), {.channels = 6, .bias = true}),
                                Activation::hard_sigmoid);
  const int y = b.add({x, b.join(std::vector<int>{x, gate}, Op::multiply)});
  b.unary(b.linear(b.global_avg_pool(y), 10), Op::softmax);
  return std::move(b).build();
}

std::int64_t trained(const Module& module) {
  std::int64_t sum = 0;
  for (const auto& [name, value] : module.parameters()) sum += value.numel();
  return sum;
}

TEST(Module, HasTheParametersOfTheNetwork) {
  EXPECT_EQ(trained(Module(small(), 1)), parameters(small()));
  EXPECT_EQ(parameters(small()), 6 * 9 + 12 + (36 + 6) + (60 + 10));
}

TEST(Module, HasTheParametersOfEveryCandidateOfEverySpace) {
  int spaces = 0;
  for (const auto& file : std::filesystem::directory_iterator(HWNAS_SOURCE_DIR "/space/spaces")) {
    const SearchSpace space = SearchSpace::load(file.path());
    Rng rng(11);
    for (int i = 0; i < 1000; ++i) {
      const Network network = space.decode(sample(space.cardinalities(), rng)).network;
      ASSERT_EQ(trained(Module(network, {})), parameters(network))
          << file.path() << " candidate " << i;
    }
    ++spaces;
  }
  EXPECT_GT(spaces, 0);
}

TEST(Module, StartsFromTheSeedAlone) {
  torch::manual_seed(1);
  const Module a(small(), 7);
  torch::manual_seed(2);
  const Module b(small(), 7), c(small(), 8);
  const NamedTensors pa = a.parameters(), pb = b.parameters(), pc = c.parameters();
  for (std::size_t i = 0; i < pa.size(); ++i) EXPECT_TRUE(torch::equal(pa[i].second, pb[i].second));
  EXPECT_FALSE(torch::equal(pa[0].second, pc[0].second));
}

TEST(Module, StartsWithHesDeviation) {
  NetworkBuilder b("wide", {16, 4, 4});
  b.conv(0, {.channels = 64, .kernel = 3});
  const Module module(std::move(b).build(), 3);
  const Tensor weight = module.parameters()[0].second.detach();  // 9216 draws: 1 % standard error
  EXPECT_NEAR(weight.std().item<double>(), std::sqrt(2.0 / (16 * 9)), 0.03 * std::sqrt(2.0 / 144));
  EXPECT_NEAR(weight.mean().item<double>(), 0, 0.004);
}

TEST(Module, LogitsStopBeforeAFinalSoftmax) {
  Module module(small(), 1);
  const Tensor x = torch::ones({3, 1, 8, 8});
  module.set_training(false);
  EXPECT_TRUE(torch::allclose(torch::softmax(module.logits(x), 1), module.forward(x)));
  EXPECT_FALSE(torch::allclose(module.logits(x), module.forward(x)));
}

TEST(Module, ResizesBilinearly) {
  NetworkBuilder b("pass", {1, 2, 2});
  b.unary(0, Op::identity);
  Module module(std::move(b).build(), 1);
  // 4x4 ramp 0..15 halved: each output is the mean of its 2x2 pixels.
  const Tensor y = module.forward(torch::arange(16, at::kFloat).view({1, 1, 4, 4}));
  EXPECT_TRUE(torch::allclose(y.flatten(), torch::tensor({2.5f, 4.5f, 10.5f, 12.5f})));
}

TEST(Module, RefusesOtherChannels) {
  Module module(small(), 1);
  try {
    module.forward(torch::zeros({1, 3, 8, 8}));
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "the network reads 1 channels, the images have 3");
  }
}

TEST(Module, DeadBranchesHaveParametersButNoGradient) {
  NetworkBuilder b("dead", {1, 4, 4});
  b.conv(0, {.channels = 4, .kernel = 3});  // nobody reads it
  b.linear(b.global_avg_pool(0), 10);
  Module module(std::move(b).build(), 1);
  module.logits(torch::ones({2, 1, 4, 4})).sum().backward();
  const NamedTensors p = module.parameters();
  ASSERT_EQ(p.size(), 3u);
  EXPECT_FALSE(p[0].second.grad().defined());
  EXPECT_TRUE(p[1].second.grad().defined());
}

// In-place and fused activations must not change gradients: compare with finite differences.
TEST(Module, GradientsAgreeWithDifferences) {
  Module module(small(), 4);
  module.use_channels_last();
  const Tensor x = torch::linspace(-1, 1, 4 * 64).sin().view({4, 1, 8, 8}) * 3;
  const auto loss = [&] {
    return (module.logits(x).flatten(1) * torch::linspace(0, 1, 10)).square().sum();
  };
  loss().backward();
  for (const auto& [name, value] : module.parameters()) {
    const Tensor slope = value.grad().clone();
    const torch::NoGradGuard no_grad;
    float* first = value.data_ptr<float>();
    const float kept = *first, step = 1e-2f;
    *first = kept + step;
    const double up = loss().item<double>();
    *first = kept - step;
    const double down = loss().item<double>();
    *first = kept;
    const double expected = (up - down) / (2 * step);
    EXPECT_NEAR(slope.flatten()[0].item<double>(), expected, 0.02 * std::abs(expected) + 2e-3)
        << name;
  }
}

TEST(Sgd, EqualsLibTorchs) {
  Module ours(small(), 4), theirs(small(), 4);
  ours.use_channels_last();
  std::vector<Tensor> decayed, plain;
  for (const auto& [name, value] : theirs.parameters())
    (value.dim() > 1 ? decayed : plain).push_back(value);
  const auto options = [](double decay) {
    return torch::optim::SGDOptions(0.1).momentum(0.9).nesterov(true).weight_decay(decay);
  };
  torch::optim::SGD peer({torch::optim::OptimizerParamGroup(
                              decayed, std::make_unique<torch::optim::SGDOptions>(options(0.01))),
                          torch::optim::OptimizerParamGroup(
                              plain, std::make_unique<torch::optim::SGDOptions>(options(0)))},
                         options(0));
  Sgd sgd(ours, 0.9, 0.01);
  const Tensor x = torch::linspace(-1, 1, 4 * 64).sin().view({4, 1, 8, 8});
  for (int step = 0; step < 5; ++step) {
    sgd.zero_grad();
    peer.zero_grad();
    ours.logits(x.contiguous(at::MemoryFormat::ChannelsLast)).square().sum().backward();
    theirs.logits(x).square().sum().backward();
    sgd.step(0.01 * (step + 1));
    for (auto& group : peer.param_groups()) {
      static_cast<torch::optim::SGDOptions&>(group.options()).lr(0.01 * (step + 1));
    }
    peer.step();
  }
  const NamedTensors a = ours.parameters(), b = theirs.parameters();
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_TRUE(torch::allclose(a[i].second, b[i].second, 1e-3, 1e-5)) << a[i].first;
  }
}

TEST(Weights, ComeBackAsTheyWere) {
  TempDir dir;
  const Module saved(small(), 1);
  save_weights(saved, dir / "w.pt");
  Module loaded(small(), 2);
  load_weights(loaded, dir / "w.pt");
  const NamedTensors a = saved.state(), b = loaded.state();
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(torch::equal(a[i].second, b[i].second));
  int files = 0;  // and no temporary file stays
  for ([[maybe_unused]] const auto& file : std::filesystem::directory_iterator(dir.path())) ++files;
  EXPECT_EQ(files, 1);
}

TEST(Weights, SayWhatDoesNotFit) {
  TempDir dir;
  const auto problem = [](const auto& work) -> std::string {
    try {
      work();
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  };
  const std::filesystem::path path = dir / "w.pt";
  NetworkBuilder b("other", {1, 8, 8});
  b.linear(b.global_avg_pool(0), 3);
  Module other(std::move(b).build(), 1);
  save_weights(Module(small(), 1), path);
  EXPECT_EQ(problem([&] { load_weights(other, path); }),
            path.string() + ": holds 9 values, the network 2");
  NetworkBuilder c("wider", {1, 8, 8});
  c.linear(c.global_avg_pool(0), 4);
  Module wider(std::move(c).build(), 1);
  save_weights(other, path);
  EXPECT_EQ(problem([&] { load_weights(wider, path); }),
            path.string() + ": value 'linear.weight' has another shape");
  write_file(path, {1, 2, 3});
  EXPECT_EQ(problem([&] { load_weights(other, path); }),
            path.string() + ": is not a file of weights");
  EXPECT_EQ(problem([&] { load_weights(other, dir / "none"); }),
            (dir / "none").string() + ": cannot be opened");
  EXPECT_THAT(problem([&] { save_weights(other, dir / "no" / "w.pt"); }),
              ::testing::HasSubstr("cannot be written"));
}

}  // namespace
}  // namespace hwnas::testing
