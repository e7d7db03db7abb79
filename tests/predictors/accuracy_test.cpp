#include "predictors/accuracy.h"

#include <gtest/gtest.h>

#include <cmath>

#include "space/rng.h"

namespace hwnas {
namespace {

using List = std::vector<double>;

TEST(Spearman, KnowsWorkedExamples) {
  EXPECT_DOUBLE_EQ(spearman(List{1, 2, 3}, List{10, 20, 30}), 1);
  EXPECT_DOUBLE_EQ(spearman(List{1, 2, 3}, List{3, 2, 1}), -1);
  // Differences of ranks 0, 1, 1, 0: 1 - 6 * 2 / (4 * 15) = 0.8.
  EXPECT_NEAR(spearman(List{1, 2, 3, 4}, List{1, 3, 2, 4}), 0.8, 1e-12);
  // Ranks 1, 2.5, 2.5, 4 and 1, 2, 3, 4: covariance 4.5, squares 4.5 and 5.
  EXPECT_NEAR(spearman(List{1, 2, 2, 3}, List{1, 2, 3, 4}), 4.5 / std::sqrt(4.5 * 5), 1e-12);
  EXPECT_EQ(spearman(List{1, 1, 1}, List{1, 2, 3}), 0);
  EXPECT_EQ(spearman(List{}, List{}), 0);
}

TEST(Kendall, KnowsWorkedExamples) {
  EXPECT_DOUBLE_EQ(kendall(List{1, 2, 3}, List{1, 2, 3}), 1);
  EXPECT_DOUBLE_EQ(kendall(List{1, 2, 3}, List{3, 2, 1}), -1);
  // Six pairs, one discordant: (5 - 1) / 6.
  EXPECT_NEAR(kendall(List{1, 2, 3, 4}, List{1, 3, 2, 4}), 4.0 / 6, 1e-12);
  // One pair tied in a: five concordant of sqrt(5 * 6).
  EXPECT_NEAR(kendall(List{1, 2, 2, 3}, List{1, 2, 3, 4}), 5 / std::sqrt(30.0), 1e-12);
  EXPECT_EQ(kendall(List{1, 1, 1}, List{1, 2, 3}), 0);
}

TEST(Kendall, AgreesWithAllPairsCounted) {
  Rng rng(1);
  for (int round = 0; round < 20; ++round) {
    List a, b;
    for (int i = 0; i < 60; ++i) {
      a.push_back(rng.below(round + 2));
      b.push_back(rng.below(12));
    }
    double score = 0, untied_a = 0, untied_b = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        score += (a[i] > a[j]   ? 1
                  : a[i] < a[j] ? -1
                                : 0) *
                 (b[i] > b[j]   ? 1
                  : b[i] < b[j] ? -1
                                : 0);
        untied_a += a[i] != a[j];
        untied_b += b[i] != b[j];
      }
    }
    EXPECT_NEAR(kendall(a, b), score / std::sqrt(untied_a * untied_b), 1e-12);
  }
}

TEST(Errors, AreRelative) {
  const List truths{10, 20, 40}, predicted{11, 15, 40};
  EXPECT_NEAR(mean_relative_error(truths, predicted), (0.1 + 0.25 + 0) / 3, 1e-12);
  EXPECT_NEAR(share_within(truths, predicted, 0.2), 2.0 / 3, 1e-12);
  EXPECT_NEAR(share_within(truths, predicted, 0.05), 1.0 / 3, 1e-12);
}

TEST(Coverage, OfATrueNormalIsWhatTheIntervalSays) {
  Rng rng(2);
  List truths;
  std::vector<Prediction> right, narrow;
  for (int i = 0; i < 20'000; ++i) {
    truths.push_back(3 + 2 * rng.normal());
    right.push_back({3, 2});
    narrow.push_back({3, 1});
  }
  EXPECT_NEAR(coverage(truths, right), 0.9, 0.01);
  EXPECT_NEAR(coverage(truths, narrow), 0.589, 0.015);  // P(|z| < 0.822)
}

TEST(Calibration, WidensWhatIsTooNarrow) {
  Rng rng(3);
  List errors;
  for (int i = 0; i < 20'000; ++i) errors.push_back(2.5 * rng.normal());
  EXPECT_NEAR(calibration(errors), 2.5, 0.03);
  EXPECT_EQ(calibration(List{}), 1);
  EXPECT_EQ(calibration(List{5}), 1);
  // Student's 95 % quantile with 4 degrees of freedom is 2.1318, the normal's 1.6449.
  EXPECT_NEAR(calibration(List{1, -1, 1, -1, 1}), 2.1318 / 1.6449, 0.002);
}

// Intervals from five draws of a scale that is not known hold nine in ten all the same.
TEST(Calibration, HoldsForFewErrors) {
  Rng rng(4);
  int within = 0;
  constexpr int kRounds = 20'000;
  for (int round = 0; round < kRounds; ++round) {
    List errors;
    for (int i = 0; i < 5; ++i) errors.push_back(rng.normal());
    within += std::fabs(rng.normal()) <= kIntervalStddevs * calibration(errors);
  }
  EXPECT_NEAR(within / static_cast<double>(kRounds), 0.9, 0.02);
}

}  // namespace
}  // namespace hwnas
