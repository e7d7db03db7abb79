#include "predictors/gaussian_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "predictors/accuracy.h"
#include "predictors/feature_scale.h"
#include "space/architecture_text.h"
#include "space/rng.h"
#include "tests/shared_data.h"

namespace hwnas {
namespace {

Features at(std::vector<double> numbers, std::vector<std::uint8_t> choices = {}) {
  return {std::move(numbers), std::move(choices)};
}

struct Samples {
  std::vector<Features> x;
  std::vector<double> y;
};

// sin over [0, 6] at n even steps.
Samples sine(int n) {
  Samples s;
  for (int i = 0; i < n; ++i) {
    const double x = 6.0 * i / (n - 1);
    s.x.push_back(at({x}));
    s.y.push_back(std::sin(x));
  }
  return s;
}

TEST(GaussianProcess, FollowsASmoothFunctionBetweenItsSamples) {
  const Samples s = sine(13);
  const auto process = make_gaussian_process();
  process->fit(s.x, s.y);
  for (const double x : {0.26, 1.3, 2.2, 3.7, 5.1}) {
    const Prediction p = process->predict(std::vector{at({x})})[0];
    EXPECT_NEAR(p.mean, std::sin(x), 0.03) << x;
    EXPECT_LT(p.stddev, 0.1);
  }
}

TEST(GaussianProcess, IsLessSureFarFromItsSamplesAndReturnsToTheMean) {
  const Samples s = sine(13);
  const auto process = make_gaussian_process();
  process->fit(s.x, s.y);
  const std::vector<Prediction> p =
      process->predict(std::vector{at({3.0}), at({7.0}), at({8.0}), at({100.0})});
  EXPECT_LT(p[0].stddev, p[1].stddev);
  EXPECT_LT(p[1].stddev, p[2].stddev);
  const double mean = std::accumulate(s.y.begin(), s.y.end(), 0.0) / 13;
  EXPECT_NEAR(p[3].mean, mean, 1e-9);
}

// With one sample y of two: k = 1 + noise, so that the mean there is y / (1 + noise).
TEST(GaussianProcess, ShrinksSamplesByTheirNoise) {
  const auto process = make_gaussian_process();
  process->fit(std::vector{at({0.0}), at({1e6})}, std::vector{-1.0, 1.0});
  const std::vector<Prediction> p = process->predict(std::vector{at({0.0}), at({1e6})});
  for (const Prediction& prediction : p) {
    double nearest = 1;
    for (const double noise : {1e-3, 1e-2, 5e-2}) {
      nearest = std::min(nearest, std::fabs(std::fabs(prediction.mean) - 1 / (1 + noise)));
    }
    EXPECT_LT(nearest, 2e-3);
  }
}

TEST(GaussianProcess, AssumedSamplesChangeHowSureItIsNotWhatItBelieves) {
  const Samples s = sine(9);
  const auto process = make_gaussian_process();
  process->fit(s.x, s.y);
  const std::vector<Features> there{at({1.1})}, elsewhere{at({4.8})};
  const Prediction before = process->predict(there)[0], other = process->predict(elsewhere)[0];
  process->assume(there, std::vector{before.mean});
  const Prediction after = process->predict(there)[0];
  EXPECT_NEAR(after.mean, before.mean, 1e-6);
  EXPECT_LT(after.stddev, before.stddev);
  EXPECT_NEAR(process->predict(elsewhere)[0].mean, other.mean, 1e-6);
}

TEST(GaussianProcess, UnitsAndUselessNumbersMakeNoDifference) {
  const Samples s = sine(11);
  const auto plain = make_gaussian_process(), other = make_gaussian_process();
  plain->fit(s.x, s.y);
  std::vector<Features> x;
  const auto changed = [](const Features& f) {
    const double v = f.numbers[0];
    return at({7, 1000 * v + 5, -3 * v, 0});  // constant, other unit, the same again, constant
  };
  for (const Features& f : s.x) x.push_back(changed(f));
  other->fit(x, s.y);
  for (const double v : {0.4, 2.9, 9.0}) {
    const Prediction p = plain->predict(std::vector{at({v})})[0];
    const Prediction q = other->predict(std::vector{changed(at({v}))})[0];
    EXPECT_NEAR(p.mean, q.mean, 1e-6);
    EXPECT_NEAR(p.stddev, q.stddev, 1e-6);
  }
}

TEST(GaussianProcess, LearnsFromChoicesToo) {
  Samples s;
  Rng rng(1);
  for (int i = 0; i < 60; ++i) {
    std::vector<std::uint8_t> genes(4);
    double y = 0;
    for (std::size_t g = 0; g < 4; ++g) {
      genes[g] = static_cast<std::uint8_t>(rng.below(3));
      y += static_cast<double>(g + 1) * (genes[g] == 2);
    }
    s.x.push_back(at({0.0}, genes));
    s.y.push_back(y);
  }
  const auto process = make_gaussian_process();
  process->fit(std::span(s.x).first(50), std::span(s.y).first(50));
  for (std::size_t i = 50; i < 60; ++i) {
    EXPECT_NEAR(process->predict(std::span(s.x).subspan(i, 1))[0].mean, s.y[i], 1.5);
  }
}

TEST(FeatureScale, DropsConstantsAndRepetitions) {
  const std::vector<Features> population{at({1, 5, 2, -10}), at({3, 5, 6, -30}),
                                         at({2, 5, 7, -20})};
  const FeatureScale scale(population);
  EXPECT_EQ(scale.size(), 2u);  // the fourth is the first in another unit
  // Mean 2, variance 2/3.
  EXPECT_NEAR(scale(population[1])[0], 1 / std::sqrt(2.0 / 3), 1e-12);
  EXPECT_EQ(FeatureScale().size(), 0u);
}

// Ranks of the trained accuracy of all other cells of NAS-Bench-201 after 100 random ones.
TEST(GaussianProcess, RanksNasBench201FromAHundredTrainedCells) {
  HWNAS_NEEDS_SHARED("nb201_cifar10_accuracy.csv.gz");
  const SearchSpace space =
      SearchSpace::load(std::string(HWNAS_SOURCE_DIR) + "/space/spaces/nasbench201.toml");
  Samples all;
  for (auto& row : testing::read_csv(testing::shared_path("nb201_cifar10_accuracy.csv.gz"))) {
    Candidate candidate = space.decode(parse_architecture(space, row["arch_str"]));
    std::optional<Network> network = live(std::move(candidate.network));
    if (!network) continue;  // nothing that could be trained
    candidate.network = std::move(*network);
    all.x.push_back(features(space, candidate));
    all.y.push_back(std::stod(row["c10_valid_acc_200ep_pct"]));
  }
  double tau = 0;
  constexpr int kSeeds = 5;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    Rng rng(seed);
    std::vector<std::size_t> order(all.x.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    rng.shuffle(order);
    Samples trained, rest;
    for (std::size_t i = 0; i < order.size(); ++i) {
      Samples& to = i < 100 ? trained : rest;
      to.x.push_back(all.x[order[i]]);
      // The many cells that hardly learn are told apart as little as by a search.
      to.y.push_back(i < 100 ? -std::log(95 - all.y[order[i]]) : all.y[order[i]]);
    }
    const auto process = make_gaussian_process(std::span(rest.x).first(512));
    process->fit(trained.x, trained.y);
    std::vector<double> means;
    for (const Prediction& p : process->predict(rest.x)) means.push_back(p.mean);
    tau += kendall(means, rest.y) / kSeeds;
  }
  std::printf("Kendall tau %.3f from 100 cells, mean of %d draws\n", tau, kSeeds);
  EXPECT_GE(tau, 0.78);
}

}  // namespace
}  // namespace hwnas
