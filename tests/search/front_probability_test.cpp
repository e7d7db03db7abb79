#include "search/front_probability.h"

#include <gtest/gtest.h>

#include <vector>

#include "search/pareto.h"
#include "search/store/front.h"
#include "space/rng.h"

namespace hwnas {
namespace {

TEST(FrontProbability, WithoutErrorsIsDominance) {
  const std::vector<double> points{0, 2, 1, 1, 1, 3, 0, 2}, exact(8, 0);
  for (const int member : {0, 1, 3}) EXPECT_EQ(front_probability(points, exact, 2, member), 1);
  EXPECT_EQ(front_probability(points, exact, 2, 2), 0);
}

// The second is better in the exact objective and equal in the other: it is better there too with
// one half. The third is worse in the exact one: no rival.
TEST(FrontProbability, OfEqualValuesIsOneHalf) {
  const std::vector<double> points{0.3, 5, 0.3, 4, 0.1, 6}, errors{0.01, 0, 0.01, 0, 0.01, 0};
  EXPECT_NEAR(front_probability(points, errors, 2, 0), 0.5, 0.01);
  EXPECT_EQ(front_probability(points, errors, 2, 1), 1);
}

// The difference of two errors of 3 and 4 has one of 5: P(Z <= 5 / 5) = 0.8413.
TEST(FrontProbability, OfTwoIsTheDistributionOfTheDifference) {
  const std::vector<double> points{10, 15}, errors{3, 4};
  EXPECT_NEAR(front_probability(points, errors, 1, 0), 0.841345, 0.01);
  EXPECT_NEAR(front_probability(points, errors, 1, 1), 0.158655, 0.01);
}

TEST(FrontProbability, AgreesWithDrawingAllErrors) {
  Rng rng(11);
  constexpr int kPoints = 12, kAxes = 3, kWorlds = 40'000;
  std::vector<double> points, errors;
  for (int i = 0; i < kPoints * kAxes; ++i) {
    points.push_back(rng.uniform());
    errors.push_back(i % kAxes == 2 ? 0 : 0.3 * rng.uniform());
  }
  std::vector<int> survived(kPoints, 0);
  for (int world = 0; world < kWorlds; ++world) {
    std::vector<double> truth = points;
    for (std::size_t i = 0; i < truth.size(); ++i) truth[i] += errors[i] * rng.normal();
    for (const int i : pareto_front(truth, kAxes)) ++survived[static_cast<std::size_t>(i)];
  }
  for (int i = 0; i < kPoints; ++i) {
    const double share = static_cast<double>(survived[static_cast<std::size_t>(i)]) / kWorlds;
    EXPECT_NEAR(front_probability(points, errors, kAxes, i), share, 0.02) << i;
  }
}

Trial complete(TrialId id, double accuracy, std::optional<double> error, double latency) {
  Trial trial;
  trial.id = id;
  trial.state = TrialState::complete;
  trial.measurements = {
      {{Metric::accuracy, ""}, Source::trained, 1, accuracy, error},
      {{Metric::latency, "x"}, Source::analytic, 0, latency, std::nullopt},
  };
  return trial;
}

// 90.1 and 90.0 % with errors of 0.1 % each, and the less accurate is a little faster: the other is
// really better, and so on the front, with P(Z <= 0.1 / 0.1414) = 0.76.
TEST(FrontProbability, OfTrialsInTheOrderOfTheFront) {
  const std::vector<Objective> objectives{{.key = {Metric::accuracy, ""}},
                                          {.key = {Metric::latency, "x"}}};
  const std::vector<Trial> trials{complete(0, 0.5, 0.001, 1), complete(1, 0.901, 0.001, 5),
                                  complete(2, 0.4, 0.001, 2), complete(3, 0.900, 0.001, 4.9)};
  EXPECT_EQ(front_of(trials, objectives), (std::vector<std::size_t>{0, 1, 3}));
  const std::vector<double> sure = front_probabilities(trials, objectives);
  ASSERT_EQ(sure.size(), 3u);
  EXPECT_EQ(sure[0], 1);
  EXPECT_NEAR(sure[1], 0.760250, 0.01);
  EXPECT_EQ(sure[2], 1);
  const std::vector<Trial> exact{complete(0, 0.5, {}, 1), complete(1, 0.9, {}, 5)};
  EXPECT_TRUE(front_probabilities(exact, objectives).empty());
}

}  // namespace
}  // namespace hwnas
