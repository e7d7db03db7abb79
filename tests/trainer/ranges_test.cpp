#include "trainer/ranges.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "data_files.h"
#include "space/network_builder.h"
#include "trainer/module.h"
#include "trainer/trainer.h"

namespace hwnas::testing {
namespace {

using at::Tensor;

void expect_equal(const Tensor& got, const Tensor& want, double tolerance = 1e-6) {
  EXPECT_TRUE(torch::allclose(got, want, tolerance, tolerance)) << got << '\n' << want;
}

Tensor range(float low, float high) {
  return torch::tensor({low, high});
}

TEST(Ranges, CodesLieBetweenTheEndsAndZeroIsOne) {
  // 2 bits from -1 to 2: steps of 1; what lies beyond becomes an end.
  expect_equal(
      rounded_between(torch::tensor({-9.f, -1.f, 0.f, 0.4f, 0.6f, 2.f, 7.f}), range(-1, 2), 2),
      torch::tensor({-1.f, -1.f, 0.f, 0.f, 1.f, 2.f, 2.f}));
  expect_equal(rounded_between(torch::tensor({1.f, 3.f}), range(1, 3), 1),
               torch::tensor({0.f, 3.f}));
  expect_equal(rounded_between(torch::zeros({3}), range(0, 0), 4), torch::zeros({3}));
  const Tensor x = torch::linspace(-1, 3, 101);
  expect_equal(own_range(x), range(-1, 3));
  expect_equal(own_range(x + 5), range(0, 8));
  EXPECT_LE((rounded_between(x, own_range(x), 8) - x).abs().max().item<float>(),
            4.0 / 255 / 2 * 1.01);
}

TEST(Ranges, AreMeansOverBatchesAndTightForFewBits) {
  RangeObserver observer(3);
  const Tensor a = torch::tensor({-1.f, 1.f}), b = torch::tensor({-3.f, 2.f});
  // All values but one within 1: 2 bits lose less where they stay fine.
  const Tensor far = torch::cat({torch::linspace(0, 1, 400), torch::tensor({5.f})});
  for (int pass = 0; pass < 2; ++pass) {
    if (pass == 1) observer.begin_second_pass();
    observer.see(0, a, 8);
    observer.see(0, b, 8);
    observer.see(1, far, 2);
  }
  expect_equal(observer.range(0), range(-2, 1.5f));
  // Squared errors at shares 1 to 0.2 of 5, by the formula; 0.3 of it, 1.5, is the least.
  double least = 1e9, best = 0;
  for (const float share : {1.f, 0.9f, 0.8f, 0.7f, 0.6f, 0.5f, 0.4f, 0.3f, 0.2f}) {
    const double error =
        (rounded_between(far, range(0, 5 * share), 2) - far).pow(2).sum().item<double>();
    if (error < least) best = share;
    least = std::min(least, error);
  }
  EXPECT_LT(best, 0.5);
  expect_equal(observer.range(1), range(0, static_cast<float>(5 * best)));
  EXPECT_TRUE(observer.saw(1));
  EXPECT_FALSE(observer.saw(2));
}

TEST(Ranges, LearnFromWhatTheyCutOffAndFromTheirSteps) {
  const Tensor x = torch::tensor({{-2.f, -0.4f, 0.3f, 1.2f, 9.f}}).set_requires_grad(true);
  const Tensor ends = range(-1, 2).set_requires_grad(true);
  const Tensor y = rounded_learning(x, ends, 2);  // steps of 1, zero is code 1
  expect_equal(y, torch::tensor({{-1.f, 0.f, 0.f, 1.f, 2.f}}));
  y.sum().backward();
  expect_equal(x.grad(), torch::tensor({{0.f, 1.f, 1.f, 1.f, 0.f}}));
  // d/d step of (codes - zero) * step: codes - zero within less x / step there (LSQ), all of it
  // beyond; step and zero follow from the ends: step' = (-1/3, 1/3), (-low/step)' = (-1 + 1/3,
  // -1/3). Within, sums cancel: 0.4 - 0.3 - 0.2 = -0.1 for step; beyond: -1 + 2 = 1. Zero's: 0
  // within, -1 for each beyond, times step.
  const double by_step = -0.1 + 1, by_zero = -2, scale = 1 / std::sqrt(5 * 3.0);
  expect_equal(ends.grad(),
               range(static_cast<float>(scale * (by_step * (-1.0 / 3) + by_zero * (-1 + 1.0 / 3))),
                     static_cast<float>(scale * (by_step / 3 + by_zero * (-1.0 / 3)))),
               1e-5);
  // A low of zero is no more learned.
  const Tensor positive = range(0, 2).set_requires_grad(true);
  rounded_learning(x, positive, 2).sum().backward();
  EXPECT_EQ(positive.grad()[0].item<float>(), 0);
  EXPECT_NE(positive.grad()[1].item<float>(), 0);
}

Network net(int bits) {
  NetworkBuilder b("net", {1, 28, 28});
  b.set_precision(bits, bits);
  b.set_input_precision(static_cast<std::uint8_t>(bits));
  const int x = b.activation(b.batch_norm(b.conv(0, {.channels = 6, .kernel = 5, .stride = 4})),
                             Activation::relu);
  b.linear(b.unary(x, Op::flatten), 10);
  return std::move(b).build();
}

TEST(Ranges, ADeployedNetworkDoesNotLookAtItsNeighbours) {
  Module module(net(4), 1);
  module.set_training(false);
  const Tensor images = torch::linspace(-1, 2, 4 * 784).view({4, 1, 28, 28});
  module.calibrate({images});
  module.set_compressed(true);
  const Tensor together = module.logits(images);
  expect_equal(module.logits(images.slice(0, 0, 1)), together.slice(0, 0, 1));
  EXPECT_TRUE(module.range(0).defined());
  EXPECT_FALSE(module.range(1).defined()) << "what a norm is fused into is not stored";
  EXPECT_TRUE(module.range(3).defined());
  // They are saved with the weights.
  TempDir dir;
  save_weights(module, dir / "w.pt");
  Module again(net(4), {});
  load_weights(again, dir / "w.pt");
  again.set_training(false);
  again.set_compressed(true);
  EXPECT_TRUE(again.logits(images).equal(together));
}

TEST(Ranges, TrainingLearnsThemAndGoesOnExactly) {
  TempDir data, dir;
  write_bars(data.path(), 600);
  set_threads(1);
  const Trainer trainer(split(load_images(DataSet::mnist, Part::training, data.path()), 0.2, 1),
                        Device::cpu);
  TrainSettings s;
  s.epochs = 4;
  s.batch = 32;
  s.seed = 5;
  s.compression_aware = true;
  s.weights = dir / "whole.pt";
  const TrainOutcome whole = trainer.train(net(3), s);
  ASSERT_EQ(whole.failure, "");
  EXPECT_EQ(trainer.evaluate(net(3), s, trainer.data().validation).accuracy.value,
            whole.result.accuracy);
  s.weights = dir / "parts.pt";
  s.checkpoint = dir / "checkpoint";
  s.checkpoint_every_s = 0;
  for (const int epochs : {1, 1, 1}) {
    int seen = 0;
    const TrainOutcome part = trainer.train(net(3), s, [&](const EpochReport&) {
      if (++seen > epochs) throw std::runtime_error("killed");
    });
    ASSERT_EQ(part.failure, "killed");
  }
  ASSERT_EQ(trainer.train(net(3), s).failure, "");
  EXPECT_TRUE(read_bytes(dir / "parts.pt") == read_bytes(dir / "whole.pt"));
  // Calibrated ones, which are the same for the same weights, are what learning began with.
  s.compression_aware = false;
  s.checkpoint.clear();
  s.weights = dir / "post.pt";
  ASSERT_EQ(trainer.train(net(3), s).failure, "");
  EXPECT_FALSE(read_bytes(dir / "post.pt") == read_bytes(dir / "whole.pt"));
}

}  // namespace
}  // namespace hwnas::testing
