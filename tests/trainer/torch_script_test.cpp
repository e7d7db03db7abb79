// Exported TorchScript, loaded and run by LibTorch's own interpreter, against Module.
#include "trainer/torch_script.h"

#include <gtest/gtest.h>
#include <torch/script.h>

#include "space/network_builder.h"
#include "space/rng.h"
#include "tests/scratch_folder.h"

namespace hwnas::testing {
namespace {

using at::Tensor;

// Values that nothing else has: norms with statistics of their own.
void stir(Module& module) {
  const torch::NoGradGuard no_grad;
  Rng rng(9);
  for (auto& [name, value] : module.state()) {
    const Tensor flat = value.view({-1});
    const bool spread = name.ends_with(".var");
    for (std::int64_t i = 0; i < flat.numel(); ++i)
      flat[i] = spread ? 0.5 + rng.uniform() : flat[i].item<double>() + 0.3 * rng.normal();
  }
}

Tensor noise(const Shape& shape) {
  Rng rng(4);
  const Tensor x = torch::empty({3, shape.channels, shape.height, shape.width});
  for (std::int64_t i = 0; i < x.numel(); ++i)
    x.data_ptr<float>()[i] = static_cast<float>(rng.normal());
  return x;
}

template <typename Add>
void expect_same(const std::string& what, const Shape& input, Add add) {
  NetworkBuilder builder("t", input);
  add(builder);
  Module module(std::move(builder).build(), 5);
  stir(module);
  module.set_training(false);
  const ScratchFolder folder;
  save_script(module, folder / "model.pt");
  auto loaded = torch::jit::load((folder / "model.pt").string());
  const torch::NoGradGuard no_grad;
  const Tensor x = noise(input);
  Tensor expected = module.forward(x);
  if (expected.size(2) * expected.size(3) == 1) expected = expected.flatten(1);
  const Tensor got = loaded.forward({x}).toTensor();
  ASSERT_EQ(got.sizes(), expected.sizes()) << what;
  EXPECT_LT((got - expected).abs().max().item<float>(), 1e-5) << what;
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

TEST(TorchScript, EveryOpThatTrainsRunsTheSame) {
  const Shape map{6, 5, 7};
  const int first = 0;
  expect_same("conv", map, [](NetworkBuilder& b) {
    b.conv(0, {.channels = 4, .kernel = 3, .stride = 2, .groups = 2, .bias = true});
  });
  for (const Op op : {Op::conv, Op::max_pool, Op::avg_pool}) {
    expect_same("unequal padding", map, [&](NetworkBuilder& b) {
      b.append(padded(op), {&first, 1}, op == Op::conv ? 4 : 0);
    });
  }
  expect_same("pools", map, [](NetworkBuilder& b) {
    b.pool(b.pool(0, Op::max_pool, 3, 2, 1), Op::avg_pool, 3, 1, 1);
  });
  expect_same("linear", map, [](NetworkBuilder& b) { b.linear(b.global_avg_pool(0), 3); });
  expect_same("linear on a map", map, [](NetworkBuilder& b) { b.linear(0, 3, false); });
  expect_same("flatten", map, [](NetworkBuilder& b) { b.linear(b.unary(0, Op::flatten), 3); });
  expect_same("norm", map, [](NetworkBuilder& b) { b.batch_norm(0); });
  for (int kind = 1; kind <= static_cast<int>(Activation::gelu); ++kind) {
    expect_same(std::string(to_string(static_cast<Activation>(kind))), map,
                [&](NetworkBuilder& b) { b.activation(0, static_cast<Activation>(kind)); });
  }
  for (const Op op : {Op::softmax, Op::identity, Op::zero})
    expect_same(std::string(to_string(op)), map, [&](NetworkBuilder& b) { b.unary(0, op); });
  expect_same("shuffle", map, [](NetworkBuilder& b) { b.unary(0, Op::channel_shuffle, 3); });
  expect_same("joins", map, [](NetworkBuilder& b) {
    const int sum = b.add({0, b.activation(0, Activation::relu), 0});
    const int gated = b.join(std::vector<int>{sum, b.global_avg_pool(0)}, Op::multiply);
    b.join(std::vector<int>{0, gated}, Op::concat);
  });
}

TEST(TorchScript, NamesBecomeIdentifiersThatDiffer) {
  NetworkBuilder b("t", {2, 1, 1});
  for (const char* name : {"a.b", "a_b", "3x3", "a_b"}) {
    Layer layer;
    layer.op = Op::linear;
    layer.name = name;
    const int from = b.size() - 1;
    b.append(layer, {&from, 1}, 2);
  }
  Module module(std::move(b).build(), 1);
  const std::string source = script_source(module);
  for (const char* name : {"self.a_b_weight", "self.a_b_2_weight", "self._3x3_weight"})
    EXPECT_NE(source.find(name), std::string::npos) << source;
}

TEST(TorchScript, SequencesAreRefused) {
  NetworkBuilder b("t", {1, 4, 1});
  b.embedding(0, 8, 16);
  const Module module(std::move(b).build(), 1);
  try {
    script_source(module);
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "layer 'embedding' (embedding): sequences cannot be exported yet");
  }
}

}  // namespace
}  // namespace hwnas::testing
