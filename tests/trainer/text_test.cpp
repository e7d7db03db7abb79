// Texts: reading, dividing, and a training on one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "data_files.h"
#include "space/blocks.h"
#include "space/input_error.h"
#include "trainer/dataset.h"
#include "trainer/trainer.h"

namespace hwnas::testing {
namespace {

using ::testing::EndsWith;

Bytes bytes_of(const std::string& text) {
  return {text.begin(), text.end()};
}

std::string problem(const std::filesystem::path& path, int context = 4) {
  try {
    load_text(path, Part::training, context);
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

TEST(Text, IsCutIntoSequencesWithTheBytesThatFollow) {
  TempDir dir;
  // 20 bytes: 18 to train, 2 to test. a, b, c, d -> 0, 1, 2, 3.
  write_file(dir / "t", bytes_of("abcdabcdabcdabcdabcd"));
  const Images text = load_text(dir / "t", Part::training, 4);
  EXPECT_TRUE(text.is_text());
  EXPECT_EQ(text.shape, (Shape{1, 4, 1}));
  EXPECT_EQ(text.classes, 4);
  ASSERT_EQ(text.size(), 4);  // the last byte has none behind it: (18 - 1) / 4
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(Bytes(text.image(i), text.image(i) + 4), (Bytes{0, 1, 2, 3}));
    EXPECT_EQ(Bytes(text.labels_of(i), text.labels_of(i) + 4), (Bytes{1, 2, 3, 0}));
  }
}

TEST(Text, TheLastTenthIsForTheTest) {
  TempDir dir;
  std::string text(100, 'x');
  for (int i = 90; i < 100; ++i) text[static_cast<std::size_t>(i)] = 'y';
  write_file(dir / "t", bytes_of(text));
  const Images train = load_text(dir / "t", Part::training, 3);
  const Images test = load_text(dir / "t", Part::test, 3);
  EXPECT_EQ(train.labels, Bytes(29 * 3, 0));
  EXPECT_EQ(test.labels, Bytes(3 * 3, 1));
  EXPECT_EQ(test.classes, 2);  // numbered as in the whole text
}

TEST(Text, MayBePackedOrAFolder) {
  TempDir plain, packed, folder;
  write_file(plain / "t.txt", bytes_of("one two three four"));
  write_gzip(packed / "t.txt.gz", bytes_of("one two three four"));
  write_gzip(folder / "b.txt.gz", bytes_of("three four"));
  write_file(folder / "a.txt", bytes_of("one two "));
  write_file(folder / "c.dat", bytes_of("no text"));
  const Images text = load_text(plain / "t.txt", Part::training, 4);
  EXPECT_EQ(load_text(packed / "t.txt.gz", Part::training, 4).pixels, text.pixels);
  EXPECT_EQ(load_text(folder.path(), Part::training, 4).pixels, text.pixels);
  EXPECT_EQ(load_text(folder.path(), Part::training, 4).labels, text.labels);
}

TEST(Text, Mistakes) {
  TempDir dir;
  EXPECT_EQ(problem("no/such"),
            "no/such: no such file or folder; set data.path to a text, or apt-get install "
            "jargon-text");
  EXPECT_THAT(problem(dir.path()), EndsWith("has no .txt or .txt.gz file"));
  write_file(dir / "short", bytes_of("abcd"));
  EXPECT_THAT(problem(dir / "short"), EndsWith("holds 4 bytes, too few for sequences of 4"));
  write_file(dir / "same", Bytes(100, 'a'));
  EXPECT_THAT(problem(dir / "same"),
              EndsWith("has fewer than two different bytes; there is nothing to learn"));
  write_file(dir / "empty", {});
  EXPECT_THAT(problem(dir / "empty"), EndsWith("there is nothing to learn"));
  write_file(dir / "bad.txt.gz", bytes_of("this is not packed"));
  EXPECT_THAT(problem(dir / "bad.txt.gz"), EndsWith("is not gzip data"));
}

// Sequences of three bytes, each three times its number.
Images numbered(int count) {
  Images all{{1, 3, 1}, 256, {}, {}, 3};
  for (int i = 0; i < count; ++i) {
    for (int token = 0; token < 3; ++token) {
      all.pixels.push_back(static_cast<std::uint8_t>(i));
      all.labels.push_back(static_cast<std::uint8_t>(i));
    }
  }
  return all;
}

std::vector<int> numbers_of(const Images& images) {
  std::vector<int> numbers;
  for (int i = 0; i < images.size(); ++i) numbers.push_back(images.labels_of(i)[2]);
  return numbers;
}

TEST(Text, IsDividedByPlace) {
  const Split all = split(numbered(10), 0.3, 7);
  EXPECT_EQ(numbers_of(all.train), (std::vector<int>{0, 1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(numbers_of(all.validation), (std::vector<int>{7, 8, 9}));
  EXPECT_TRUE(all.train.is_text() && all.validation.is_text());
  const Split few = split(numbered(10), 0.3, 8, 3);  // 0, 7/3 and 14/3
  EXPECT_EQ(numbers_of(few.train), (std::vector<int>{0, 2, 4}));
  EXPECT_EQ(numbers_of(few.validation), numbers_of(all.validation));
  try {
    split(numbered(10), 0.01, 7);
    FAIL() << "no error";
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(),
                EndsWith("leaves 0 of 10 sequences to validate; both parts need at least one"));
  }
}

// Vowels follow consonants, and the other way round; which one is chance.
Images chance(int count, int context) {
  TempDir dir;
  Rng rng(3);
  std::string text;
  for (int i = 0; i < count * context * 10 / 9 + 20; ++i)
    text += i % 2 == 0 ? "bcdf"[rng.below(4)] : "aeio"[rng.below(4)];
  write_file(dir / "t", bytes_of(text));
  return load_text(dir / "t", Part::training, context);
}

constexpr int kContext = 16;

Network model(int classes = 8, int tokens = kContext, int bits = 32, bool causal = true) {
  NetworkBuilder b("gpt", {1, tokens, 1});
  b.set_input_precision(bits);
  b.set_precision(bits, bits);
  int x = append_block(b, "embed", 0,
                       {.block = Block::embedding,
                        .channels = 16,
                        .norm = Norm::none,
                        .vocabulary = classes,
                        .positions = tokens});
  x = append_block(b, "body", x,
                   {.block = Block::transformer,
                    .expansion = 2,
                    .activation = Activation::gelu,
                    .norm = Norm::layer,
                    .bias = true,
                    .heads = 2,
                    .causal = causal});
  append_block(b, "head", x, {.block = Block::token_classifier, .classes = classes});
  return std::move(b).build();
}

const Trainer& trainer() {
  static const Trainer instance = [] {
    set_threads(1);
    return Trainer(split(chance(600, kContext), 0.2, 1), Device::cpu);
  }();
  return instance;
}

TrainSettings settings() {
  TrainSettings s;
  s.epochs = 2;
  s.batch = 8;
  s.optimiser = OptimiserKind::adamw;
  s.learning_rate = 0.01;
  s.weight_decay = 0;
  s.seed = 5;
  return s;
}

// After a vowel one of four consonants: the perplexity cannot be less than 4 but by luck.
TEST(TextTraining, LearnsWhatThereIsToLearn) {
  const TrainOutcome outcome = trainer().train(model(), settings());
  ASSERT_EQ(outcome.failure, "");
  const TrainResult& r = outcome.result;
  ASSERT_TRUE(r.perplexity);
  EXPECT_NEAR(r.perplexity->value, 4, 0.15);
  EXPECT_GT(r.perplexity->stddev, 0);
  EXPECT_LT(r.perplexity->stddev, 0.05);
  EXPECT_NEAR(r.accuracy, 0.25, 0.05);
  EXPECT_NEAR(r.loss, std::log(4), 0.1);
  EXPECT_EQ(r.images, 2 * 480);  // sequences
  ASSERT_EQ(r.curve.size(), 2u);
  EXPECT_EQ(r.curve[1].perplexity->value, r.perplexity->value);
  EXPECT_EQ(trainer().train(model(), settings()).result.perplexity->value, r.perplexity->value);
}

TEST(TextTraining, WithoutLearningThePerplexityIsThatOfAllBytes) {
  TrainSettings s = settings();
  s.epochs = 1;
  s.learning_rate = 0;
  const TrainOutcome outcome = trainer().train(model(), s);
  ASSERT_EQ(outcome.failure, "");
  EXPECT_NEAR(outcome.result.perplexity->value, 8, 4);  // random weights: about, and above
  EXPECT_GT(outcome.result.perplexity->value, 7.9);
}

// Who sees what is to be guessed guesses it: all but the last byte of a sequence are told.
TEST(TextTraining, WithoutCausalityItIsCheating) {
  TrainSettings s = settings();
  s.epochs = 12;
  const TrainOutcome outcome = trainer().train(model(8, kContext, 32, false), s);
  ASSERT_EQ(outcome.failure, "");
  EXPECT_LT(outcome.result.perplexity->value, 3);
}

// Indices keep their values whatever the bits of the input.
TEST(TextTraining, FewBitsRoundVectorsButNoIndices) {
  const TrainOutcome full = trainer().train(model(), settings());
  const TrainOutcome few = trainer().train(model(8, kContext, 8), settings());
  ASSERT_EQ(few.failure, "");
  EXPECT_NE(few.result.perplexity->value, full.result.perplexity->value);
  EXPECT_NEAR(few.result.perplexity->value, full.result.perplexity->value, 0.05);
  const TrainOutcome one = trainer().train(model(8, kContext, 2), settings());
  EXPECT_GT(one.result.perplexity->value, full.result.perplexity->value);
}

TEST(TextTraining, SavedWeightsScoreTheSame) {
  TempDir dir;
  TrainSettings s = settings();
  s.weights = dir / "w.pt";
  const TrainOutcome outcome = trainer().train(model(), s);
  const Score score = trainer().evaluate(model(), s, trainer().data().validation);
  EXPECT_EQ(score.perplexity->value, outcome.result.perplexity->value);
  EXPECT_EQ(score.perplexity->stddev, outcome.result.perplexity->stddev);
  EXPECT_EQ(score.accuracy.value, outcome.result.accuracy);
}

TEST(TextTraining, ANetworkMustFitTheText) {
  EXPECT_EQ(trainer().train(model(9), settings()).failure,
            "the network's output is 9x16x1, the text needs 8x16x1");
  EXPECT_EQ(trainer().train(model(8, 12), settings()).failure,
            "the network reads 1x12x1, the sequences are 1x16x1");
  TrainSettings s = settings();
  s.cells.emplace();
  EXPECT_EQ(trainer().train(model(), s).failure,
            "cells hold weights, attention has none: no text is trained on them");
}

}  // namespace
}  // namespace hwnas::testing
