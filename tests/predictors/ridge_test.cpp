#include "predictors/ridge.h"

#include <gtest/gtest.h>

#include <cmath>

#include "predictors/accuracy.h"
#include "space/rng.h"
#include "tests/predictors/predictor_contract.h"

namespace hwnas::testing {
namespace {

using List = std::vector<double>;

// One column 1, 2, 3 and targets 1, 2, 4: centred squares 2, product 3; with penalty 1 the weight
// is 3 / (2 + 1) = 1 and the intercept 7/3 - 2.
TEST(RidgeRows, IsTheClosedForm) {
  const RidgeRows rows(List{1, 2, 3}, 1);
  const RidgeRows::Fit fit = rows.fit(List{1, 2, 4}, 1);
  EXPECT_NEAR(fit.weights[0], 1, 1e-12);
  EXPECT_NEAR(fit.intercept, 7.0 / 3 - 2, 1e-12);
  // At 4: 1 + 1/3 + 2^2 / (2 + 1).
  EXPECT_NEAR(rows.variance(List{4}, 1), 1 + 1.0 / 3 + 4.0 / 3, 1e-12);
}

TEST(RidgeRows, LeftOutErrorsAreThoseOfLeavingOut) {
  Rng rng(1);
  for (const std::size_t columns : {2U, 12U}) {  // fewer and more than rows
    constexpr std::size_t kRows = 8;
    List numbers, targets;
    for (std::size_t i = 0; i < kRows * columns; ++i) numbers.push_back(rng.normal());
    for (std::size_t i = 0; i < kRows; ++i) targets.push_back(rng.normal());
    const RidgeRows rows(numbers, columns);
    const RidgeRows::Fit fit = rows.fit(targets, 0.7);
    for (std::size_t left = 0; left < kRows; ++left) {
      List rest, rest_targets;
      for (std::size_t i = 0; i < kRows; ++i) {
        if (i == left) continue;
        rest_targets.push_back(targets[i]);
        for (std::size_t c = 0; c < columns; ++c) rest.push_back(numbers[i * columns + c]);
      }
      const RidgeRows::Fit without = RidgeRows(rest, columns).fit(rest_targets, 0.7);
      double predicted = without.intercept;
      for (std::size_t c = 0; c < columns; ++c)
        predicted += without.weights[c] * numbers[left * columns + c];
      EXPECT_NEAR(fit.left_out[left], predicted, 1e-9);
    }
  }
}

TEST(RidgeRows, FindsALinearFunctionExactly) {
  Rng rng(2);
  List numbers, targets;
  for (int i = 0; i < 10; ++i) {
    const double a = rng.below(5), b = rng.below(5);
    numbers.insert(numbers.end(), {a, b});
    targets.push_back(3 * a + 0.5 * b + 1);
  }
  const RidgeRows::Fit fit = RidgeRows(numbers, 2).fit(targets);
  EXPECT_NEAR(fit.weights[0], 3, 1e-5);
  EXPECT_NEAR(fit.weights[1], 0.5, 1e-5);
  EXPECT_NEAR(fit.intercept, 1, 1e-4);
}

TEST(RidgeRows, PenalisesWhatIsNoise) {
  Rng rng(3);
  List numbers, targets;
  for (int i = 0; i < 40; ++i) {
    for (int j = 0; j < 10; ++j) numbers.push_back(rng.normal());
    targets.push_back(rng.normal());
  }
  const RidgeRows rows(numbers, 10);
  const RidgeRows::Fit fit = rows.fit(targets);
  const RidgeRows::Fit free = rows.fit(targets, 1e-6);
  EXPECT_LT(fit.left_out_error, 0.9 * free.left_out_error);
  double squares = 0, free_squares = 0;
  for (const double w : fit.weights) squares += w * w;
  for (const double w : free.weights) free_squares += w * w;
  EXPECT_LT(squares, 0.5 * free_squares);
}

TEST(Ridge, IntervalsHoldWhatTheySay) {
  for (const std::size_t samples : {30U, 100U}) {
    double covered = 0;
    constexpr int kRounds = 20;
    for (std::uint64_t seed = 1; seed <= kRounds; ++seed) {
      const Samples train = linear_samples(samples, seed, 0.5),
                    test = linear_samples(200, 100 + seed, 0.5);
      const auto ridge = make_ridge();
      ridge->fit(train.features, train.values);
      covered += coverage(test.values, ridge->predict(test.features)) / kRounds;
    }
    EXPECT_NEAR(covered, 0.9, 0.05) << samples;
  }
}

}  // namespace
}  // namespace hwnas::testing
