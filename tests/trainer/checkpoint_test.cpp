// Trainings that stop and go on, and what is done with files that are not theirs.
#include "trainer/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data_files.h"
#include "space/network_builder.h"
#include "trainer/schedule.h"

namespace hwnas::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Network net(int channels = 6) {
  NetworkBuilder b("net", {1, 28, 28});
  const int x = b.activation(
      b.batch_norm(b.conv(0, {.channels = channels, .kernel = 5, .stride = 4})), Activation::relu);
  b.linear(b.unary(x, Op::flatten), 10);
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

TrainSettings settings(const TempDir& dir) {
  TrainSettings s;
  s.epochs = 3;
  s.batch = 32;  // 15 batches an epoch
  s.augment = {true, 2};
  s.seed = 5;
  s.weights = dir / "w.pt";
  return s;
}

// A training that ends after `batches` batches, as a killed one would.
void train_in_part(TrainSettings s, int epochs_reported) {
  int seen = 0;
  const TrainOutcome outcome = trainer().train(net(), s, [&](const EpochReport&) {
    if (++seen == epochs_reported) throw std::runtime_error("killed");
  });
  ASSERT_EQ(outcome.failure, "killed");
}

Checkpoint sample() {
  return {7, 123, 456, 0.1f, 3, 9.5, {{1, 2, 0.5, 0.25, 100, 1}}, {{"a.weight", {1, -2, 3.5f}}}};
}

std::string load_problem(const std::filesystem::path& path) {
  try {
    load_checkpoint(path);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

TEST(Checkpoint, ComesBackAsItWas) {
  TempDir dir;
  save_checkpoint(sample(), dir / "c");
  const Checkpoint c = load_checkpoint(dir / "c");
  EXPECT_EQ(c.identity, 7u);
  EXPECT_EQ(c.step, 123);
  EXPECT_EQ(c.images, 456);
  EXPECT_EQ(c.loss_sum, 0.1f);
  EXPECT_EQ(c.summed, 3);
  EXPECT_EQ(c.seconds, 9.5);
  ASSERT_EQ(c.curve.size(), 1u);
  EXPECT_EQ(c.curve[0].loss, 0.5);
  ASSERT_EQ(c.values.size(), 1u);
  EXPECT_EQ(c.values[0].name, "a.weight");
  EXPECT_THAT(c.values[0].numbers, ElementsAre(1, -2, 3.5f));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 1);  // no leftovers
}

TEST(Checkpoint, NeverReadsADamagedFile) {
  TempDir dir;
  save_checkpoint(sample(), dir / "c");
  const Bytes whole = read_bytes(dir / "c");
  for (std::size_t i = 0; i < whole.size(); ++i) {
    Bytes bytes = whole;
    bytes[i] ^= 0x10;
    write_file(dir / "flipped", bytes);
    EXPECT_NE(load_problem(dir / "flipped"), "") << "byte " << i;
    bytes.resize(i);
    write_file(dir / "short", bytes);
    EXPECT_NE(load_problem(dir / "short"), "") << i << " bytes";
  }
  EXPECT_THAT(load_problem(dir / "flipped"), HasSubstr("flipped: is damaged"));
  EXPECT_THAT(load_problem(dir / "none"), HasSubstr("none: cannot be opened"));
  write_file(dir / "other", Bytes(100, 'x'));
  EXPECT_THAT(load_problem(dir / "other"), HasSubstr("other: is not a file of this kind"));
}

TEST(Checkpoint, ThatCannotBeWrittenFailsTheTraining) {
  TempDir dir;
  TrainSettings s = settings(dir);
  s.checkpoint = dir / "no" / "such";
  s.checkpoint_every_s = 0;
  EXPECT_THAT(trainer().train(net(), s).failure,
              HasSubstr("cannot be written: No such file or directory"));
}

TEST(Checkpoint, TrainingGoesOnToTheSameWeights) {
  TempDir dir;
  TrainSettings s = settings(dir);
  const TrainOutcome whole = trainer().train(net(), s);
  const Bytes weights = read_bytes(s.weights);
  s.weights = dir / "again.pt";
  s.checkpoint = dir / "c";
  s.checkpoint_every_s = 0;  // after every batch
  train_in_part(s, 2);       // the last checkpoint is of the batch before the epoch's end
  const Checkpoint left = load_checkpoint(s.checkpoint);
  EXPECT_EQ(left.step, 29);
  std::vector<std::string> notes;
  const TrainOutcome rest =
      trainer().train(net(), s, {}, [&](const std::string& note) { notes.push_back(note); });
  ASSERT_EQ(rest.failure, "");
  EXPECT_THAT(notes, ElementsAre("continues in epoch 2 of 3, after 14 of 15 batches"));
  EXPECT_EQ(read_bytes(dir / "again.pt"), weights);
  ASSERT_EQ(rest.result.curve.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(rest.result.curve[i].loss, whole.result.curve[i].loss);
    EXPECT_EQ(rest.result.curve[i].accuracy, whole.result.curve[i].accuracy);
  }
  EXPECT_EQ(rest.result.images, whole.result.images);
  EXPECT_FALSE(std::filesystem::exists(s.checkpoint));  // it is over
}

TEST(Checkpoint, OfAnotherTrainingIsNamedAndLeft) {
  TempDir dir;
  TrainSettings s = settings(dir);
  const TrainOutcome plain = trainer().train(net(), s);
  s.checkpoint = dir / "c";
  s.checkpoint_every_s = 0;
  const auto note_after = [&](const TrainSettings& changed) {
    train_in_part(changed, 1);
    std::string said;
    const TrainOutcome outcome =
        trainer().train(net(), s, {}, [&](const std::string& note) { said += note; });
    EXPECT_EQ(outcome.result.loss, plain.result.loss);
    return said;
  };
  const std::string other = (dir / "c").string() + ": is of another training; starting anew";
  TrainSettings changed = s;
  changed.seed = 6;
  EXPECT_EQ(note_after(changed), other);
  changed = s;
  changed.epochs = 4;
  EXPECT_EQ(note_after(changed), other);
  changed = s;
  changed.weight_decay = 1e-4;
  EXPECT_EQ(note_after(changed), other);
  write_file(dir / "c", Bytes(5, 'x'));
  std::string said;
  EXPECT_EQ(
      trainer().train(net(), s, {}, [&](const std::string& note) { said += note; }).result.loss,
      plain.result.loss);
  EXPECT_EQ(said, (dir / "c").string() + ": is not a file of this kind; starting anew");
}

TEST(Schedule, IsATrapezoid) {
  // 10 steps, 2 up, 4 down: 1/2, 1, 1, 1, 1, 1, then 1 - sqrt(k / 4) for k = 0 to 3.
  const double expected[] = {0.5, 1, 1, 1, 1, 1, 1, 0.5, 1 - std::sqrt(0.5), 1 - std::sqrt(0.75)};
  for (int step = 0; step < 10; ++step)
    EXPECT_DOUBLE_EQ(trapezoid(step, 10, 0.4, 2, 4), 0.4 * expected[step]) << step;
  EXPECT_DOUBLE_EQ(trapezoid(0, 10, 0.4, 0, 0), 0.4);
}

// One epoch, kept before its cooldown, then two in all: the same as two at once.
TEST(Continue, FromAShorterTrainingIsTheLongerOne) {
  TempDir dir;
  TrainSettings s = settings(dir);
  s.epochs = 2;
  s.cooldown = 0.2;  // the last 3 of 15 batches, then 6 of 30
  const TrainOutcome whole = trainer().train(net(), s);
  const Bytes weights = read_bytes(s.weights);
  s.epochs = 1;
  s.keep_state = dir / "state";
  ASSERT_EQ(trainer().train(net(), s).failure, "");
  EXPECT_EQ(load_checkpoint(s.keep_state).step, 12);
  s.continue_from = s.keep_state;
  s.keep_state.clear();
  s.epochs = 2;
  s.weights = dir / "rest.pt";
  const TrainOutcome rest = trainer().train(net(), s);
  EXPECT_EQ(read_bytes(s.weights), weights);
  EXPECT_EQ(rest.result.accuracy, whole.result.accuracy);
  EXPECT_EQ(rest.result.images, (30 - 12) * 32);
  EXPECT_EQ(rest.result.curve.size(), 2u);  // what was left of the first, and the second
}

TEST(Continue, WithoutAUsableStateSaysSoAndStartsAnew) {
  TempDir dir;
  TrainSettings s = settings(dir);
  s.cooldown = 0.2;
  const double plain = trainer().train(net(), s).result.loss;
  s.continue_from = dir / "state";
  const auto said = [&] {
    std::string text;
    const TrainOutcome outcome =
        trainer().train(net(), s, {}, [&](const std::string& note) { text += note; });
    EXPECT_EQ(outcome.result.loss, plain);
    return text;
  };
  EXPECT_EQ(said(), s.continue_from.string() + ": is not there; starting anew");
  TrainSettings other = s;
  other.continue_from.clear();
  other.keep_state = s.continue_from;
  other.momentum = 0.5;
  ASSERT_EQ(trainer().train(net(), other).failure, "");
  EXPECT_EQ(said(), s.continue_from.string() + ": is of another training; starting anew");
}

}  // namespace
}  // namespace hwnas::testing
