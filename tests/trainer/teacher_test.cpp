#include "trainer/teacher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

#include "data_files.h"
#include "space/network_builder.h"
#include "trainer/identity.h"

namespace hwnas::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Network net(int channels, int classes = 10) {
  NetworkBuilder b("net", {1, 28, 28});
  const int x = b.activation(
      b.batch_norm(b.conv(0, {.channels = channels, .kernel = 5, .stride = 4})), Activation::relu);
  b.linear(b.unary(x, Op::flatten), classes);
  return std::move(b).build();
}

const Trainer& trainer() {
  static const Trainer instance = [] {
    TempDir dir;
    write_bars(dir.path(), 600);
    set_threads(1);
    return Trainer(split(load_images(DataSet::mnist, Part::training, dir.path()), 0.2, 1),
                   Device::cpu);
  }();
  return instance;
}

// A teacher of 12 channels, trained for two epochs.
Distillation teacher(const TempDir& dir) {
  Distillation d{net(12), dir / "teacher.pt", dir / "logits"};
  TrainSettings s;
  s.epochs = 2;
  s.batch = 32;
  s.weights = d.weights;
  EXPECT_EQ(trainer().train(d.teacher, s).failure, "");
  return d;
}

at::Tensor ask(const Distillation& d, std::vector<std::string>& notes) {
  const Images& images = trainer().data().train;
  return teacher_logits(d, images, data_identity(images), measure(images), Device::cpu,
                        [&](const std::string& note) { notes.push_back(note); });
}

std::vector<std::filesystem::path> kept(const TempDir& dir) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(dir.path())) {
    if (entry.path().stem() == "logits") files.push_back(entry.path());
  }
  return files;
}

// Two classes at T = 2: p = (e, 1) / (e + 1) from logits (2, 0), q = (1/2, 1/2) from (0, 0);
// KL = p log 2p + (1-p) log 2(1-p), times 4.
TEST(Distillation, LossIsTheDivergenceAtATemperature) {
  const double p = std::exp(1) / (std::exp(1) + 1);
  const double expected = 4 * (p * std::log(2 * p) + (1 - p) * std::log(2 * (1 - p)));
  const at::Tensor taught = torch::tensor({{2.0f, 0.0f}}), student = torch::zeros({1, 2});
  EXPECT_NEAR(distillation_loss(student, taught, 2).item<double>(), expected, 1e-6);
  EXPECT_NEAR(distillation_loss(taught, taught, 2).item<double>(), 0, 1e-6);
  // Mean over the batch: a second image that is understood halves it.
  const at::Tensor two = torch::tensor({{2.0f, 0.0f}, {5.0f, 1.0f}});
  const at::Tensor half = torch::tensor({{0.0f, 0.0f}, {5.0f, 1.0f}});
  EXPECT_NEAR(distillation_loss(half, two, 2).item<double>(), expected / 2, 1e-6);
}

TEST(Distillation, TeacherIsAskedOnce) {
  TempDir dir;
  const Distillation d = teacher(dir);
  std::vector<std::string> notes;
  const at::Tensor first = ask(d, notes);
  ASSERT_EQ(first.sizes(), (std::vector<std::int64_t>{480, 10}));
  // It knows its training images.
  const Images& images = trainer().data().train;
  const std::vector<std::int64_t> labels(images.labels.begin(), images.labels.end());
  EXPECT_GT(first.argmax(1).eq(torch::tensor(labels)).to(at::kDouble).mean().item<double>(), 0.95);
  const std::filesystem::path file = kept(dir).at(0);
  const auto written = std::filesystem::last_write_time(file);
  EXPECT_TRUE(ask(d, notes).equal(first));
  EXPECT_EQ(std::filesystem::last_write_time(file), written);
  EXPECT_THAT(notes, IsEmpty());
}

TEST(Distillation, AnotherTeacherHasAFileOfItsOwnAndADamagedOneIsMadeAnew) {
  TempDir dir;
  const Distillation d = teacher(dir);
  std::vector<std::string> notes;
  const at::Tensor first = ask(d, notes);
  TrainSettings s;
  s.batch = 32;
  s.seed = 9;
  s.weights = d.weights;
  ASSERT_EQ(trainer().train(d.teacher, s).failure, "");
  EXPECT_FALSE(ask(d, notes).equal(first));
  EXPECT_EQ(kept(dir).size(), 2u);
  EXPECT_THAT(notes, IsEmpty());
  for (const std::filesystem::path& each : kept(dir)) write_file(each, Bytes(50, 'x'));
  EXPECT_FALSE(ask(d, notes).equal(first));
  EXPECT_THAT(notes, ElementsAre(HasSubstr("is not a file of this kind; made anew")));
}

// A weight of 0 is training without a teacher, to the last digit; another is not.
TEST(Distillation, ChangesTheTrainingByItsWeight) {
  TempDir dir;
  TrainSettings s;
  s.epochs = 2;
  s.batch = 32;
  s.label_smoothing = 0.1;
  const double plain = trainer().train(net(2), s).result.loss;
  s.distillation = teacher(dir);
  s.distillation->weight = 0;
  EXPECT_EQ(trainer().train(net(2), s).result.loss, plain);
  s.distillation->weight = 0.5;
  const TrainOutcome taught = trainer().train(net(2), s);
  EXPECT_NE(taught.result.loss, plain);
  EXPECT_EQ(trainer().train(net(2), s).result.loss, taught.result.loss);
}

TEST(Distillation, UnfitTeachersAreNamed) {
  TempDir dir;
  TrainSettings s;
  s.distillation = Distillation{net(12), dir / "none.pt", {}};
  EXPECT_THAT(trainer().train(net(2), s).failure, HasSubstr("none.pt: cannot be opened"));
  s.distillation = teacher(dir);
  s.distillation->teacher = net(13);
  EXPECT_THAT(trainer().train(net(2), s).failure, HasSubstr("has another shape"));
  write_file(dir / "teacher.pt", Bytes(50, 'x'));
  EXPECT_THAT(trainer().train(net(2), s).failure, HasSubstr("is not a file of weights"));
}

}  // namespace
}  // namespace hwnas::testing
