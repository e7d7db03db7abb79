#include "predictors/few_shot.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "predictors/accuracy.h"
#include "predictors/ridge.h"
#include "tests/predictors/space_support.h"

namespace hwnas::testing {
namespace {

struct World {
  SearchSpace space = cell_space();
  std::vector<Architecture> population = read_all(space, some_cells(space, 400, 1));

  std::vector<double> values(const MadeUpDevice& device) const {
    std::vector<double> all;
    for (const Architecture& a : population) all.push_back(device(a));
    return all;
  }
};

const World& world() {
  static const World w;
  return w;
}

const FewShot& with_sources() {
  static const DeviceSources sources(world().space, world().population,
                                     made_up_sources(world().population));
  static const FewShot few_shot(sources);
  return few_shot;
}

const FewShot& without_sources() {
  static const DeviceSources sources(world().space, world().population, {});
  static const FewShot few_shot(sources);
  return few_shot;
}

template <typename T>
std::span<const T> first(const std::vector<T>& all, std::size_t n) {
  return std::span<const T>(all).first(n);
}

double unseen_spearman(const DeviceModel& model, const std::vector<double>& truths) {
  const DevicePredictor predictor(model);
  std::vector<double> predicted, true_values;
  for (std::size_t i = model.samples.size(); i < truths.size(); ++i) {
    predicted.push_back(predictor.predict(world().population[i]).mean);
    true_values.push_back(truths[i]);
  }
  return spearman(predicted, true_values);
}

TEST(Coordinate, AddsOptionsPairsAndCounts) {
  // Choices of 2 and 3 options; pairs of (option of the first, option of the second).
  Coordinate c{"c", 1, {10, 20, 100, 200, 300}, {1, 2, 3, 4, 5, 6}, {0.5, 0}};
  const std::vector<int> cardinalities{2, 3};
  EXPECT_DOUBLE_EQ(c({{1, 2}, {4, 9}}, cardinalities), 1 + 20 + 300 + 6 + 2);
  EXPECT_DOUBLE_EQ(c({{0, 1}, {0, 0}}, cardinalities), 1 + 10 + 200 + 2);
  EXPECT_DOUBLE_EQ(c({{1, kInactive}, {0, 0}}, cardinalities), 1 + 20);
  c.add({"d", 2, {1, 1, 1, 1, 1}, {}, {}}, 3);
  c.multiply(2);
  EXPECT_DOUBLE_EQ(c({{1, 2}, {0, 0}}, cardinalities), 2 * (1 + 6 + 23 + 303 + 6));
}

// Two samples, one coordinate, no noise to speak of: covariances 1 + 4 and 1 + 0 (x = 2 and 0).
TEST(DevicePredictor, IsTheClosedFormOfTwoSamples) {
  DeviceModel model;
  model.cardinalities = {2};
  model.coordinates = {{"x", 0, {2, 0}, {}, {}}};
  model.level = 1;
  model.noise = 1e-12;
  model.samples = {{{0}, {}}, {{1}, {}}};
  model.values = {3, 7};
  const DevicePredictor predictor(model);
  EXPECT_NEAR(predictor.predict({{0}, {}}).mean, 3, 1e-6);
  EXPECT_NEAR(predictor.predict({{1}, {}}).mean, 7, 1e-6);
  // Without the second: 1 / (5) of 3; variance 1 - 1/5.
  EXPECT_NEAR(predictor.left_out()[1].mean, 3.0 / 5, 1e-6);
  EXPECT_NEAR(predictor.left_out()[1].stddev, std::sqrt(1 - 1.0 / 5), 1e-6);
  model.logarithm = true;
  model.values = {std::exp(3.0), std::exp(7.0)};
  EXPECT_NEAR(DevicePredictor(model).left_out()[1].mean, std::exp(3.0 / 5), 1e-5);
}

TEST(DevicePredictor, MeansWithItsLineAndKeepsItsFloor) {
  DeviceModel model;
  model.cardinalities = {2};
  model.level = 1;
  model.noise = 1e-9;
  model.samples = {{{0}, {}}};
  model.values = {2};
  model.line = {"line", 10, {0, -100}, {}, {}};
  model.line_share = 0.25;
  model.lowest = 1;
  const DevicePredictor predictor(model);
  EXPECT_NEAR(predictor.predict({{0}, {}}).mean, 0.75 * 2 + 0.25 * 10, 1e-6);
  EXPECT_EQ(predictor.predict({{1}, {}}).mean, 1);
}

TEST(FewShot, TenSamplesTeachADeviceOfEitherKind) {
  for (const bool used : {false, true}) {
    const MadeUpDevice device{1.2, 0.5, 0.8, 0.1, used};
    const std::vector<double> truths = world().values(device);
    const DeviceModel model = with_sources().fit(first(world().population, 10), first(truths, 10));
    EXPECT_GE(unseen_spearman(model, truths), 0.985) << used;
  }
}

TEST(FewShot, LearnsWithoutSources) {
  const std::vector<double> truths = world().values({1, 0.5, 0.9, 0.3, true});
  const DeviceModel model = without_sources().fit(first(world().population, 50), first(truths, 50));
  EXPECT_GE(unseen_spearman(model, truths), 0.98);
}

TEST(FewShot, OptionCountsAreTheRidge) {
  const std::vector<double> truths = world().values({1, 0.5, 0.9, 0.3, false});
  const DevicePredictor predictor(
      with_sources().fit_option_counts(first(world().population, 30), first(truths, 30)));
  std::vector<double> counts;
  const auto count = [](const Architecture& a) {
    std::vector<double> row(5, 0);
    for (const std::uint8_t choice : a.choices) ++row[choice];
    return row;
  };
  for (std::size_t i = 0; i < 30; ++i) {
    const std::vector<double> row = count(world().population[i]);
    counts.insert(counts.end(), row.begin(), row.end());
  }
  const RidgeRows::Fit ridge = RidgeRows(counts, 5).fit(first(truths, 30));
  double furthest = 0, spread = 0;
  for (std::size_t i = 30; i < 200; ++i) {
    const std::vector<double> row = count(world().population[i]);
    double expected = ridge.intercept;
    for (std::size_t c = 0; c < 5; ++c) expected += ridge.weights[c] * row[c];
    furthest =
        std::max(furthest, std::fabs(expected - predictor.predict(world().population[i]).mean));
    spread = std::max(spread, std::fabs(expected - ridge.intercept));
  }
  EXPECT_LT(furthest, 1e-3 * spread);
}

TEST(FewShot, IsDeterministicAndBearsLittle) {
  const std::vector<double> truths = world().values({1, 0.5, 0.9, 0.3, false});
  const auto fit = [&](std::size_t n) {
    return DevicePredictor(with_sources().fit(first(world().population, n), first(truths, n)))
        .predict(world().population[50]);
  };
  for (const std::size_t n : {1U, 2U, 3U, 10U}) {
    const Prediction a = fit(n), b = fit(n);
    EXPECT_EQ(a.mean, b.mean);
    EXPECT_EQ(a.stddev, b.stddev);
    EXPECT_GT(a.mean, 0);
    EXPECT_GT(a.stddev, 0);
    EXPECT_TRUE(std::isfinite(a.stddev));
  }
  const std::vector<double> constant(12, 0.003);
  const Prediction p = DevicePredictor(with_sources().fit(first(world().population, 12), constant))
                           .predict(world().population[50]);
  EXPECT_NEAR(p.mean, 0.003, 1e-9);
  EXPECT_GT(p.stddev, 0);
  const std::vector<Architecture> twice(6, world().population[0]);
  const std::vector<double> repeated{1, 1.1, 0.9, 1, 1.05, 0.95};
  EXPECT_NEAR(DevicePredictor(with_sources().fit(twice, repeated)).predict(twice[0]).mean, 1, 0.02);
}

TEST(FewShot, IntervalsHold) {
  const MadeUpDevice device{1.2, 0.5, 0.8, 0.1, true};
  double covered = 0;
  constexpr int kRounds = 8;
  for (std::uint64_t seed = 1; seed <= kRounds; ++seed) {
    Rng rng(seed);
    std::vector<double> values = world().values(device);
    for (double& value : values) value += 0.15 * rng.normal();
    std::vector<std::size_t> rows(values.size());
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = i;
    rng.shuffle(rows);
    std::vector<Architecture> samples;
    std::vector<double> some, truths;
    for (std::size_t i = 0; i < 20; ++i) {
      samples.push_back(world().population[rows[i]]);
      some.push_back(values[rows[i]]);
    }
    const DevicePredictor predictor(with_sources().fit(samples, some));
    std::vector<Prediction> predicted;
    for (std::size_t i = 20; i < rows.size(); ++i) {
      truths.push_back(values[rows[i]]);
      predicted.push_back(predictor.predict(world().population[rows[i]]));
    }
    covered += coverage(truths, predicted) / kRounds;
  }
  EXPECT_GE(covered, 0.82);
  EXPECT_LE(covered, 0.99);
}

TEST(FewShot, ChoosesDifferentArchitectures) {
  const auto chosen = with_sources().choose({}, first(world().population, 100), 8);
  EXPECT_EQ(std::set<std::size_t>(chosen.begin(), chosen.end()).size(), 8U);
  // What is known already teaches nothing more.
  const std::vector<Architecture> measured(3, world().population[chosen[0]]);
  const auto next = with_sources().choose(measured, first(world().population, 100), 1);
  EXPECT_NE(next[0], chosen[0]);
  EXPECT_EQ(with_sources().choose({}, first(world().population, 3), 9).size(), 3U);
}

TEST(DeviceSources, LeavesOutADevice) {
  std::vector<SourceColumn> columns = made_up_sources(world().population);
  columns[1].device = columns[0].device;
  columns[2].values.assign(columns[2].values.size(), std::nan(""));  // teaches nothing
  const DeviceSources sources(world().space, world().population, columns);
  EXPECT_EQ(sources.columns().size(), 7U);
  EXPECT_EQ(sources.coordinates().sources.size(), 6U);
  EXPECT_EQ(sources.coordinates(columns[0].device).sources.size(), 5U);
  double squares = 0;
  for (const Architecture& a : world().population) {
    for (const Coordinate& c : sources.coordinates().sources) {
      const double x = c(a, sources.cardinalities());
      squares += x * x / static_cast<double>(world().population.size());
    }
  }
  EXPECT_NEAR(squares, 1, 0.05);
}

}  // namespace
}  // namespace hwnas::testing
