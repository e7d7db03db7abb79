#include "trainer/inherit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <fstream>

#include "data_files.h"
#include "space/network_builder.h"
#include "trainer/module.h"

namespace hwnas::testing {
namespace {

using at::Tensor;
using ::testing::HasSubstr;

// A sum, a depthwise convolution and a classifier between convolutions.
Network net(int channels, int inner, int kernel = 3) {
  NetworkBuilder b("net", {1, 8, 8});
  const auto conv = [&](const char* name, int from, const ConvSpec& spec) {
    b.set_prefix(name);
    return b.activation(b.batch_norm(b.conv(from, spec)), Activation::relu);
  };
  const int stem = conv("stem", 0, {.channels = channels, .kernel = kernel});
  int x = conv("a", stem, {.channels = inner, .kernel = kernel});
  x = conv("depthwise", x, {.channels = inner, .kernel = kernel, .groups = inner});
  x = conv("b", x, {.channels = channels});
  b.set_prefix("end");
  b.linear(b.unary(b.global_avg_pool(b.add({stem, x})), Op::flatten), 5);
  return std::move(b).build();
}

Tensor images() {
  torch::manual_seed(1);
  return torch::randn({6, 1, 8, 8});
}

Tensor answers(Module& module) {
  const torch::NoGradGuard no_grad;
  module.set_training(false);
  return module.logits(images());
}

Tensor& value(Module& module, const std::string& name) {
  static Tensor found;
  for (const auto& [other, tensor] : module.state()) {
    if (other == name) found = tensor;
  }
  return found;
}

// Statistics and scales as a training leaves them: no two alike.
void disturb(Module& module) {
  const torch::NoGradGuard no_grad;
  torch::manual_seed(2);
  for (auto& [name, tensor] : module.state()) tensor.add_(torch::rand_like(tensor) * 0.3);
}

struct Saved {
  TempDir dir;
  std::filesystem::path path = dir / "parent.pt";
  explicit Saved(const Module& module) { save_weights(module, path); }
};

void expect_same_answers(Module& child, Module& parent) {
  const Tensor got = answers(child), want = answers(parent);
  EXPECT_TRUE(torch::allclose(got, want, 1e-4, 1e-5)) << got << want;
  EXPECT_GT(want.std(0).min().item<float>(), 1e-3);
}

TEST(Inherit, TheSameNetworkIsACopy) {
  Module parent(net(6, 4), 1), child(net(6, 4), 2);
  disturb(parent);
  const Inherited taken = inherit(child, Saved(parent).path);
  EXPECT_EQ(taken.of, 9);  // four convolutions, their norms, the classifier
  EXPECT_EQ(taken.layers, 9);
  for (std::size_t i = 0; i < parent.state().size(); ++i)
    EXPECT_TRUE(child.state()[i].second.equal(parent.state()[i].second)) << i;
}

// Channels that say nothing may go, wherever they are.
TEST(Inherit, FewerChannelsAreThoseThatMatter) {
  Module parent(net(6, 8), 1), child(net(3, 5), 2);
  disturb(parent);
  {
    const torch::NoGradGuard no_grad;
    for (const char* norm : {"stem.bn", "b.bn"}) {
      for (const int silent : {0, 2, 3}) {
        value(parent, std::string(norm) + ".weight")[silent] = 0;
        value(parent, std::string(norm) + ".bias")[silent] = 0;
      }
    }
    for (const char* norm : {"a.bn", "depthwise.bn"}) {
      for (const int silent : {1, 4, 7}) {
        value(parent, std::string(norm) + ".weight")[silent] = 0;
        value(parent, std::string(norm) + ".bias")[silent] = 0;
      }
    }
  }
  EXPECT_EQ(inherit(child, Saved(parent).path).layers, 9);
  expect_same_answers(child, parent);
}

TEST(Inherit, OfTheOthersThoseThatAreReadLeastGo) {
  NetworkBuilder p("net", {1, 1, 1}), c("net", {1, 1, 1});
  p.linear(p.linear(0, 3, false), 1, false);
  c.linear(c.linear(0, 2, false), 1, false);
  Module parent(std::move(p).build(), 1), child(std::move(c).build(), 2);
  {
    const torch::NoGradGuard no_grad;
    parent.state()[0].second.copy_(torch::tensor({1.f, 2.f, 3.f}).view({3, 1}));
    parent.state()[1].second.copy_(torch::tensor({{5.f, 4.f, 1.f}}));  // products 5, 8, 3
  }
  EXPECT_EQ(inherit(child, Saved(parent).path).layers, 2);
  EXPECT_TRUE(child.state()[0].second.flatten().equal(torch::tensor({1.f, 2.f})));
  EXPECT_TRUE(child.state()[1].second.flatten().equal(torch::tensor({5.f, 4.f})));
}

TEST(Inherit, MoreChannelsAndLargerKernelsComputeTheSameAtFirst) {
  Module parent(net(3, 5), 1);
  disturb(parent);
  const Saved saved(parent);
  Module wider(net(6, 8), 2), larger(net(3, 5, 5), 3), smaller(net(3, 5, 1), 4);
  for (Module* child : {&wider, &larger}) {
    EXPECT_EQ(inherit(*child, saved.path).layers, 9);
    expect_same_answers(*child, parent);
  }
  EXPECT_EQ(inherit(smaller, saved.path).layers, 9);
  EXPECT_TRUE(value(smaller, "a.conv.weight")
                  .flatten()
                  .equal(value(parent, "a.conv.weight").select(2, 1).select(2, 1).flatten()));
  // The fresh channels are as drawn: they learn.
  EXPECT_GT(value(wider, "a.conv.weight").slice(0, 5).abs().min().item<float>(), 0);
}

// Behind several pixels in a row, or several layers, places of channels are not known.
TEST(Inherit, OnlyTheSameShapeBehindJoinedChannels) {
  const auto build = [](int left, int right) {
    NetworkBuilder b("net", {1, 4, 4});
    const int x = b.conv(0, {.channels = left}), y = b.conv(0, {.channels = right});
    b.linear(b.unary(b.conv(b.join(std::array{x, y}, Op::concat), {.channels = 2}), Op::flatten),
             3);
    return std::move(b).build();
  };
  Module parent(build(4, 4), 1), same(build(4, 4), 2), other(build(2, 6), 3);
  const Saved saved(parent);
  EXPECT_EQ(inherit(same, saved.path).layers, 4);
  EXPECT_TRUE(answers(same).equal(answers(parent)));
  EXPECT_EQ(inherit(other, saved.path).layers, 1);  // the classifier
}

TEST(Inherit, StrangersAndWhatIsNoFile) {
  NetworkBuilder b("other", {1, 8, 8});
  b.set_prefix("else");
  b.linear(b.unary(b.global_avg_pool(0), Op::flatten), 5);
  Module stranger(std::move(b).build(), 1), child(net(3, 4), 2), before(net(3, 4), 2);
  const Saved saved(stranger);
  EXPECT_EQ(inherit(child, saved.path).layers, 0);
  EXPECT_TRUE(answers(child).equal(answers(before)));
  const auto message = [&](const std::filesystem::path& path) -> std::string {
    try {
      (void)inherit(child, path);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(message(saved.dir / "none.pt"), HasSubstr("none.pt: cannot be opened"));
  std::ofstream(saved.dir / "text.pt") << "hello";
  EXPECT_THAT(message(saved.dir / "text.pt"), HasSubstr("text.pt: is not a file of weights"));
}

}  // namespace
}  // namespace hwnas::testing
