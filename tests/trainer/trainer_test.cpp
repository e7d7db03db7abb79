#include "trainer/trainer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <new>

#include "data_files.h"
#include "space/input_error.h"
#include "space/network_builder.h"
#include "trainer/failure.h"
#include "trainer/schedule.h"

namespace hwnas::testing {
namespace {

Images bars(int count, const char* part = "train") {
  TempDir dir;
  write_bars(dir.path(), count, part);
  return load_images(DataSet::mnist,
                     std::string_view(part) == "train" ? Part::training : Part::test, dir.path());
}

Network net(int classes = 10, int channels = 1, int size = 28) {
  NetworkBuilder b("net", {channels, size, size});
  int x = b.activation(b.batch_norm(b.conv(0, {.channels = 8, .kernel = 5, .stride = 4})),
                       Activation::relu);
  x = b.activation(b.batch_norm(b.conv(x, {.channels = 8, .kernel = 3, .groups = 8})),
                   Activation::hard_swish);
  b.linear(b.unary(x, Op::flatten), classes);
  return std::move(b).build();
}

const Trainer& trainer() {
  static const Trainer instance = [] {
    set_threads(1);
    return Trainer(split(bars(1000), 0.2, 1), Device::cpu);
  }();
  return instance;
}

TrainSettings settings() {
  TrainSettings s;
  s.epochs = 2;
  s.batch = 32;
  s.label_smoothing = 0.1;
  s.augment.flip = true;
  s.seed = 5;
  return s;
}

TEST(Schedule, IsATriangle) {
  // 10 steps, 3 of them up: 1/3 2/3 3/3, then 7/7 6/7 ... 1/7.
  for (int step = 0; step < 10; ++step) {
    const double expected = step < 3 ? (step + 1) / 3.0 : (10 - step) / 7.0;
    EXPECT_DOUBLE_EQ(one_cycle(step, 10, 0.4, 0.3), 0.4 * expected);
  }
  EXPECT_DOUBLE_EQ(one_cycle(0, 1, 0.4, 0.3), 0.4);
  EXPECT_DOUBLE_EQ(one_cycle(4, 5, 0.4, 1), 0.4);
  EXPECT_DOUBLE_EQ(one_cycle(0, 4, 0.4, 0), 0.4);
}

TEST(Trainer, Learns) {
  std::vector<EpochReport> seen;
  const TrainOutcome outcome =
      trainer().train(net(), settings(), [&](const EpochReport& e) { seen.push_back(e); });
  ASSERT_EQ(outcome.failure, "");
  const TrainResult& r = outcome.result;
  EXPECT_GT(r.accuracy, 0.95);
  EXPECT_DOUBLE_EQ(r.stddev, std::sqrt(r.accuracy * (1 - r.accuracy) / 200));
  EXPECT_EQ(r.parameters, parameters(net()));
  EXPECT_EQ(r.images, 2 * 800);  // 25 batches of 32
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[1].epoch, 2);
  EXPECT_EQ(seen[1].epochs, 2);
  EXPECT_EQ(seen[1].accuracy, r.accuracy);
  EXPECT_EQ(seen[1].loss, r.loss);
  EXPECT_LT(seen[1].loss, seen[0].loss);
  EXPECT_GT(seen[0].images_per_s, 0);
  EXPECT_GE(r.seconds, seen[0].seconds + seen[1].seconds);
}

TEST(Trainer, IsDeterministic) {
  TempDir dir;
  TrainSettings s = settings();
  s.weights = dir / "a.pt";
  const TrainOutcome a = trainer().train(net(), s);
  s.weights = dir / "b.pt";
  const TrainOutcome b = trainer().train(net(), s);
  EXPECT_EQ(a.result.loss, b.result.loss);
  EXPECT_EQ(a.result.accuracy, b.result.accuracy);
  EXPECT_EQ(read_bytes(dir / "a.pt"), read_bytes(dir / "b.pt"));
  s.seed = 6;
  s.weights = dir / "c.pt";
  EXPECT_NE(trainer().train(net(), s).result.loss, a.result.loss);
  EXPECT_NE(read_bytes(dir / "c.pt"), read_bytes(dir / "a.pt"));
}

TEST(Trainer, WeightsGiveTheSameAccuracyAgain) {
  TempDir dir;
  TrainSettings s = settings();
  s.epochs = 1;
  s.weights = dir / "w.pt";
  const TrainOutcome outcome = trainer().train(net(), s);
  ASSERT_EQ(outcome.failure, "");
  EXPECT_EQ(trainer().evaluate(net(), s, trainer().data().validation).accuracy.value,
            outcome.result.accuracy);
}

// With smoothing e the mean target is (1-e) one-hot + e/10, so where a network's logits are all
// equal the loss is ln 10 whatever e; where it is certain and right, the loss grows with e.
TEST(Trainer, LabelSmoothingPenalisesCertainty) {
  TrainSettings s = settings();
  s.epochs = 3;
  s.label_smoothing = 0;
  const double plain = trainer().train(net(), s).result.loss;
  s.label_smoothing = 0.3;
  const double smooth = trainer().train(net(), s).result.loss;
  // The least smoothed loss: entropy of (0.73, 0.03 x 9) = 1.176.
  EXPECT_GT(smooth, 1.176);
  EXPECT_LT(plain, 0.5);
}

TEST(Trainer, ZeroRateLeavesTheStart) {
  TrainSettings s = settings();
  s.learning_rate = 0;
  s.epochs = 2;
  s.augment = {};
  const TrainOutcome outcome = trainer().train(net(), s);
  EXPECT_NEAR(outcome.result.curve[0].loss, outcome.result.curve[1].loss, 0.05);
}

TEST(Trainer, OtherLayoutAndPrecisionLearnAsWell) {
  TrainSettings s = settings();
  s.channels_last = false;
  EXPECT_GT(trainer().train(net(), s).result.accuracy, 0.95);
  s = settings();
  s.precision = Precision::bf16;
  EXPECT_GT(trainer().train(net(), s).result.accuracy, 0.95);
}

TEST(Trainer, ResizesToTheNetworksInput) {
  const TrainOutcome outcome = trainer().train(net(10, 1, 20), settings());
  ASSERT_EQ(outcome.failure, "");
  EXPECT_GT(outcome.result.accuracy, 0.9);
}

TEST(Trainer, BatchLargerThanTheDataTakesAll) {
  TrainSettings s = settings();
  s.batch = 100000;
  s.epochs = 1;
  EXPECT_EQ(trainer().train(net(), s).result.images, 800);
}

TEST(Trainer, FailuresHaveReasons) {
  TrainSettings s = settings();
  s.learning_rate = 1e6;
  s.epochs = 20;
  EXPECT_EQ(trainer().train(net(), s).failure.substr(0, 29), "the loss is not finite (epoch");
  s = settings();
  s.time_limit_s = 1e-6;
  EXPECT_EQ(trainer().train(net(), s).failure, "time limit of 1e-06 s reached in epoch 1 of 2");
  s = settings();
  EXPECT_EQ(trainer().train(net(12), s).failure,
            "the network's output is 12x1x1, the data set has 10 classes");
  EXPECT_EQ(trainer().train(net(10, 3), s).failure,
            "the network reads 3 channels, the images have 1");
  EXPECT_EQ(trainer().train(Network(), s).failure, "the network has no layers");
  NetworkBuilder b("fixed", {1, 28, 28});
  const int x = b.pool(b.unary(0, Op::flatten), Op::avg_pool, 1, 1, 0);
  b.unary(b.linear(x, 10), Op::zero);
  EXPECT_EQ(trainer().train(std::move(b).build(), s).failure,
            "the output does not depend on any trained value");
  s.weights = "no/such/w.pt";
  EXPECT_EQ(trainer().train(net(), s).failure, "no/such/w.pt: cannot be written");
  s = settings();
  EXPECT_EQ(trainer().train(net(), s).failure, "");  // and the next training is none the worse
}

TEST(Trainer, CudaWhereThereIsNoneIsAnInputError) {
  if (cuda_available()) {
    std::cout << "not tested: this machine has a CUDA device\n";
    return;
  }
  try {
    Trainer(split(bars(100), 0.2, 1), Device::cuda);
    FAIL();
  } catch (const InputError& error) {
    EXPECT_STREQ(error.what(),
                 "device = cuda: this machine, or the LibTorch in use, has no CUDA device");
  }
}

TEST(Failure, MemoryHasOneName) {
  EXPECT_EQ(failure_reason(std::bad_alloc()), "out of memory");
  for (const char* text :
       {"[enforce fail at alloc_cpu.cpp:66] . DefaultCPUAllocator: can't allocate memory: you "
        "tried",
        "DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes.",
        "CUDA out of memory. Tried to allocate 2.00 GiB", "could not create a memory object"}) {
    EXPECT_EQ(failure_reason(std::runtime_error(text)), "out of memory");
  }
  EXPECT_EQ(failure_reason(std::runtime_error("first\nat frame 1")), "first");
}

}  // namespace
}  // namespace hwnas::testing
