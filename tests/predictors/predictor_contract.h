// What every Predictor owes its users. A new one joins the list in predictor_contract_test.cpp.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <vector>

#include "predictors/accuracy.h"
#include "predictors/predictor.h"
#include "space/rng.h"

namespace hwnas::testing {

using MakePredictor = std::function<std::unique_ptr<Predictor>(std::span<const Features>)>;

struct Samples {
  std::vector<Features> features;
  std::vector<double> values;
};

// Linear in three numbers and one choice of three; one number is constant.
inline Samples linear_samples(std::size_t n, std::uint64_t seed, double noise = 0) {
  Rng rng(seed);
  Samples samples;
  for (std::size_t i = 0; i < n; ++i) {
    Features f;
    for (int j = 0; j < 3; ++j) f.numbers.push_back(rng.normal());
    f.numbers.push_back(7);
    for (int c = 0; c < 4; ++c) f.choices.push_back(static_cast<std::uint8_t>(rng.below(3)));
    samples.values.push_back(5 + 2 * f.numbers[0] - 3 * f.numbers[1] + f.choices[0] +
                             noise * rng.normal());
    samples.features.push_back(std::move(f));
  }
  return samples;
}

inline void expect_sane(const std::vector<Prediction>& predictions, std::size_t size) {
  ASSERT_EQ(predictions.size(), size);
  for (const Prediction& p : predictions) {
    EXPECT_TRUE(std::isfinite(p.mean));
    EXPECT_TRUE(std::isfinite(p.stddev));
    EXPECT_GT(p.stddev, 0);
  }
}

inline void expect_equal(const Prediction& a, const Prediction& b) {
  EXPECT_EQ(a.mean, b.mean);
  EXPECT_EQ(a.stddev, b.stddev);
}

// The same samples give the same predictions, a second time and after others.
inline void expect_repeats(const MakePredictor& make) {
  const Samples train = linear_samples(30, 1, 0.1), other = linear_samples(20, 2),
                test = linear_samples(10, 3);
  const auto first = make({}), second = make({});
  first->fit(train.features, train.values);
  second->fit(other.features, other.values);
  second->fit(train.features, train.values);
  const auto a = first->predict(test.features), b = second->predict(test.features);
  expect_sane(a, 10);
  for (std::size_t i = 0; i < a.size(); ++i) expect_equal(a[i], b[i]);
}

// What else is predicted, and in which order, changes nothing.
inline void expect_each_alone(const MakePredictor& make) {
  const Samples train = linear_samples(30, 1, 0.1);
  Samples test = linear_samples(10, 3);
  const auto predictor = make({});
  predictor->fit(train.features, train.values);
  const auto together = predictor->predict(test.features);
  for (std::size_t i = 0; i < test.features.size(); ++i)
    expect_equal(predictor->predict({&test.features[i], 1})[0], together[i]);
  std::reverse(test.features.begin(), test.features.end());
  const auto reversed = predictor->predict(test.features);
  for (std::size_t i = 0; i < together.size(); ++i)
    expect_equal(reversed[together.size() - 1 - i], together[i]);
  EXPECT_TRUE(predictor->predict({}).empty());
}

// Ranks unseen samples of a linear function, with and without a population.
inline void expect_learns(const MakePredictor& make, double least_spearman) {
  const Samples train = linear_samples(120, 4, 0.1), test = linear_samples(300, 5, 0.1);
  for (const std::span<const Features> population :
       {std::span<const Features>{}, std::span<const Features>(test.features)}) {
    const auto predictor = make(population);
    predictor->fit(train.features, train.values);
    const auto predictions = predictor->predict(test.features);
    expect_sane(predictions, 300);
    EXPECT_GE(spearman(means(predictions), test.values), least_spearman);
    EXPECT_GE(coverage(test.values, predictions), 0.8);
  }
}

// One sample, two equal ones, constant values, more numbers than samples.
inline void expect_bears_little(const MakePredictor& make) {
  const Samples test = linear_samples(5, 6);
  for (const std::size_t n : {1U, 2U, 3U}) {
    const Samples few = linear_samples(n, 7);
    const auto predictor = make({});
    predictor->fit(few.features, few.values);
    expect_sane(predictor->predict(test.features), 5);
  }
  const Samples once = linear_samples(6, 8);
  Samples twice = once;
  twice.features.insert(twice.features.end(), once.features.begin(), once.features.end());
  twice.values.insert(twice.values.end(), once.values.begin(), once.values.end());
  const auto predictor = make({});
  predictor->fit(twice.features, twice.values);
  expect_sane(predictor->predict(test.features), 5);
  const std::vector<double> constant(twice.features.size(), 3.5);
  predictor->fit(twice.features, constant);
  const auto predictions = predictor->predict(test.features);
  expect_sane(predictions, 5);
  for (const Prediction& p : predictions) EXPECT_NEAR(p.mean, 3.5, 1e-6);
  std::vector<Features> equal(4, test.features[0]);
  const std::vector<double> values{1, 2, 3, 4};
  predictor->fit(equal, values);
  EXPECT_NEAR(predictor->predict({&equal[0], 1})[0].mean, 2.5, 0.5);
  expect_sane(predictor->predict(test.features), 5);
}

inline void expect_keeps_the_contract(const MakePredictor& make, double least_spearman = 0.9) {
  expect_repeats(make);
  expect_each_alone(make);
  expect_learns(make, least_spearman);
  expect_bears_little(make);
}

}  // namespace hwnas::testing
