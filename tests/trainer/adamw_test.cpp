// AdamW against LibTorch's.
#include "trainer/adamw.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "space/network_builder.h"
#include "space/rng.h"

namespace hwnas::testing {
namespace {

using at::Tensor;

Network net() {
  NetworkBuilder b("net", {6, 4, 4});
  b.linear(b.global_avg_pool(b.batch_norm(b.conv(0, {.channels = 5, .kernel = 3}))), 3);
  return std::move(b).build();
}

Tensor gradient_like(const Tensor& value, Rng& rng) {
  Tensor g = torch::empty_like(value.detach());
  for (std::int64_t i = 0; i < g.numel(); ++i)
    g.data_ptr<float>()[i] = static_cast<float>(rng.normal());
  return g;
}

// Ten steps at changing rates on made-up gradients; `last`: weights as height x width x channels,
// whose gradients are stored otherwise, so that the slow way is taken.
void compare(bool last) {
  Module module(net(), 3);
  if (last) module.use_channels_last();
  AdamW ours(module, 0.9, 0.99, 0.1);
  std::vector<Tensor> decays, stays, values;
  for (const auto& [name, value] : module.parameters()) {
    values.push_back(value.detach().clone(at::MemoryFormat::Contiguous).requires_grad_());
    (value.dim() > 1 ? decays : stays).push_back(values.back());
  }
  const auto options = [](double decay) {
    return std::make_unique<torch::optim::AdamWOptions>(
        torch::optim::AdamWOptions().betas({0.9, 0.99}).weight_decay(decay));
  };
  std::vector<torch::optim::OptimizerParamGroup> groups;
  groups.emplace_back(decays, options(0.1));
  groups.emplace_back(stays, options(0));
  torch::optim::AdamW theirs(groups);
  Rng rng(4);
  for (int step = 1; step <= 10; ++step) {
    const double rate = 0.01 * step;
    const auto parameters = module.parameters();
    for (std::size_t i = 0; i < values.size(); ++i) {
      const Tensor gradient = gradient_like(values[i], rng);
      Tensor(parameters[i].second).mutable_grad() = gradient;
      values[i].mutable_grad() = gradient.clone();
    }
    for (auto& group : theirs.param_groups())
      static_cast<torch::optim::AdamWOptions&>(group.options()).lr(rate);
    ours.step(rate);
    theirs.step();
    for (std::size_t i = 0; i < values.size(); ++i) {
      EXPECT_TRUE(torch::allclose(parameters[i].second, values[i], 1e-4, 1e-6))
          << parameters[i].first << " after step " << step;
    }
  }
}

TEST(AdamW, StepsAreLibTorchs) {
  compare(false);
}
TEST(AdamW, HoweverWeightsAreStored) {
  compare(true);
}

TEST(AdamW, WhatHasNoGradientStays) {
  Module module(net(), 3);
  AdamW adamw(module, 0.9, 0.99, 0.1);
  const Tensor before = module.parameters()[0].second.detach().clone();
  adamw.step(0.1);
  EXPECT_TRUE(before.equal(module.parameters()[0].second));
}

}  // namespace
}  // namespace hwnas::testing
