#include "trainer/score.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

namespace hwnas::testing {
namespace {

using at::Tensor;

TEST(Score, OfImagesIsBinomial) {
  const Score score = score_of_images(0.9, 100);
  EXPECT_EQ(score.accuracy.value, 0.9);
  EXPECT_DOUBLE_EQ(score.accuracy.stddev, 0.03);  // sqrt(0.9 * 0.1 / 100)
  EXPECT_FALSE(score.perplexity);
}

TEST(TextScorer, WhoKnowsNothingHasAPerplexityOfAllBytes) {
  TextScorer scorer;
  const Tensor labels = torch::arange(2 * 5) % 7;
  scorer.add(torch::full({2, 7, 5, 1}, 3.f), labels);
  const Score score = scorer.score();
  ASSERT_TRUE(score.perplexity);
  EXPECT_NEAR(score.perplexity->value, 7, 1e-5);
  EXPECT_NEAR(score.perplexity->stddev, 0, 1e-6);
}

// Two classes; logits of 0 and log 3 give the second a probability of 3/4. Sequences of two tokens.
TEST(TextScorer, IsTheGeometricMeanOverSequencesOfAnyBatch) {
  const Tensor logits = torch::tensor({0.f, std::log(3.f)}).view({1, 2, 1, 1}).expand({1, 2, 2, 1});
  TextScorer scorer;
  scorer.add(logits, torch::tensor({1, 1}));  // mean loss ln(4/3)
  scorer.add(torch::cat({logits, logits}), torch::tensor({1, 0, 0, 0}));
  const double right = std::log(4.0 / 3), wrong = std::log(4.0);
  const double losses[] = {right, (right + wrong) / 2, wrong};
  const double mean = (losses[0] + losses[1] + losses[2]) / 3;  // (3 right + 3 wrong) / 6
  double squares = 0;
  for (const double loss : losses) squares += (loss - mean) * (loss - mean);
  const Score score = scorer.score();
  EXPECT_NEAR(score.perplexity->value, std::exp(mean), 1e-5);
  EXPECT_NEAR(score.perplexity->stddev, std::exp(mean) * std::sqrt(squares / 2 / 3), 1e-5);
  EXPECT_NEAR(score.accuracy.value, 0.5, 1e-7);  // of six tokens three
  // Shares of 1, 1/2 and 0 of each sequence: variance 1/4.
  EXPECT_NEAR(score.accuracy.stddev, std::sqrt(0.25 / 3), 1e-7);
}

TEST(LabelRows, AreTokenByToken) {
  const Tensor logits = torch::arange(12).view({2, 3, 2, 1});
  EXPECT_TRUE(
      label_rows(logits).equal(torch::tensor({{0, 2, 4}, {1, 3, 5}, {6, 8, 10}, {7, 9, 11}})));
}

}  // namespace
}  // namespace hwnas::testing
