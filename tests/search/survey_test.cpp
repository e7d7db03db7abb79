#include "search/engine/survey.h"

#include <cmath>

#include <gtest/gtest.h>

#include "tests/search/run_support.h"

namespace hwnas {
namespace {

const MetricKey kLatency{Metric::latency, "toy"}, kEnergy{Metric::energy, "toy"},
    kAccuracy{Metric::accuracy, ""};

Survey survey_with(const std::vector<Objective>& objectives, int threads = 2) {
  const auto costs = parallel_evaluator("costs", threads, toy::costs_of);
  return survey(toy::space(), *costs, objectives, 5, {});
}

// Every candidate of the toy space.
std::vector<double> all_latencies() {
  std::vector<double> values;
  const SearchSpace space = toy::space();
  Genotype genotype;
  genotype.genes.assign(space.cardinalities().size(), 0);
  for (;;) {
    Candidate candidate = space.decode(genotype);
    candidate.network = *live(candidate.network);
    Job job;
    job.candidate = &candidate;
    values.push_back(toy::costs_of(job).measurements[0].value);
    std::size_t g = 0;
    while (g < genotype.genes.size() && ++genotype.genes[g] == space.cardinalities()[g])
      genotype.genes[g++] = 0;
    if (g == genotype.genes.size()) return values;
  }
}

TEST(Survey, FindsTheRangesOfAFeasibleSpace) {
  const Survey result = survey_with({{kAccuracy, true, {}}, {kLatency, true, {}}});
  const std::vector<double> all = all_latencies();
  EXPECT_TRUE(result.any_feasible);
  EXPECT_EQ(result.feasible, result.sampled);
  EXPECT_TRUE(result.bounds.empty());
  EXPECT_TRUE(result.first_failure.empty());
  ASSERT_EQ(result.ideal.size(), 2u);
  EXPECT_EQ(result.ideal[0], 0);
  EXPECT_EQ(result.reference[0], 1);
  EXPECT_EQ(result.ideal[1], *std::min_element(all.begin(), all.end()))
      << "the space is small enough";
  EXPECT_LE(result.reference[1], *std::max_element(all.begin(), all.end()));
  EXPECT_GT(result.reference[1], result.ideal[1]);
}

TEST(Survey, IsTheSameOnAnyNumberOfThreads) {
  const std::vector<Objective> objectives{
      {kAccuracy, true, {}}, {kLatency, true, 1e-9}, {kEnergy, false, 1e-9}};
  const Survey one = survey_with(objectives, 1), four = survey_with(objectives, 4);
  EXPECT_EQ(one.looked_at, four.looked_at);
  ASSERT_EQ(one.bounds.size(), four.bounds.size());
  for (std::size_t i = 0; i < one.bounds.size(); ++i) {
    EXPECT_EQ(one.bounds[i].nearest, four.bounds[i].nearest);
    EXPECT_EQ(one.bounds[i].best, four.bounds[i].best);
  }
}

TEST(Survey, ABoundIsTheReference) {
  const Survey result = survey_with({{kAccuracy, true, 0.6}, {kLatency, true, 1.5e-3}});
  EXPECT_EQ(result.reference, (std::vector<double>{0.4, 1.5e-3}));
  ASSERT_EQ(result.bounds.size(), 1u) << "no cheap stage knows the accuracy";
  EXPECT_FALSE(result.bounds[0].binding);
  EXPECT_LE(result.bounds[0].nearest, 1.5e-3);
}

TEST(Survey, FindsTheFewThatAreFeasibleByEvolution) {
  std::vector<double> all = all_latencies();
  std::sort(all.begin(), all.end());
  const Survey result = survey_with({{kLatency, true, all[0]}});
  EXPECT_TRUE(result.any_feasible);
  EXPECT_EQ(result.bounds.at(0).nearest, all[0]);
}

TEST(Survey, NamesTheBindingBoundAndTheNearestValue) {
  const std::vector<double> all = all_latencies();
  const double least = *std::min_element(all.begin(), all.end());
  const Survey result =
      survey_with({{kAccuracy, true, {}}, {kLatency, true, 0.5 * least}, {kEnergy, false, 1.0}});
  EXPECT_FALSE(result.any_feasible);
  EXPECT_EQ(result.feasible, 0);
  ASSERT_EQ(result.bounds.size(), 2u);
  EXPECT_TRUE(result.bounds[0].binding);
  EXPECT_EQ(result.bounds[0].nearest, least);
  EXPECT_EQ(result.bounds[0].best, least);
  EXPECT_FALSE(result.bounds[1].binding);
  EXPECT_LT(result.looked_at, 5000);
}

TEST(Survey, SaysWhyNothingCouldBeEvaluated) {
  const auto broken = parallel_evaluator("costs", 1, [](const Job&) {
    Evaluation evaluation;
    evaluation.failure = "op 'softmax' is not covered by toy";
    return evaluation;
  });
  const std::vector<Objective> objectives{{kLatency, true, 1.0}};
  const Survey result = survey(toy::space(), *broken, objectives, 5, {});
  EXPECT_FALSE(result.any_feasible);
  EXPECT_EQ(result.first_failure, "op 'softmax' is not covered by toy");
  EXPECT_TRUE(result.reference.empty());
}

TEST(Survey, AMetricThatNoCheapStageKnowsHasNoRange) {
  const Survey result = survey_with({{{Metric::throughput, "board"}, true, {}}});
  ASSERT_EQ(result.ideal.size(), 1u);
  EXPECT_TRUE(std::isnan(result.ideal[0]));
  EXPECT_TRUE(std::isnan(result.reference[0]));
}

}  // namespace
}  // namespace hwnas
