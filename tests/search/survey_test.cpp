#include "search/engine/survey.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "search/engine/feasibility.h"
#include "tests/search/run_support.h"

namespace hwnas {
namespace {

const MetricKey kLatency{Metric::latency, "toy"}, kEnergy{Metric::energy, "toy"},
    kAccuracy{Metric::accuracy, ""};

Survey survey_with(const std::vector<Objective>& objectives, int threads = 2) {
  const auto costs = parallel_evaluator("costs", threads, toy::costs_of);
  return survey(toy::space(), *costs, objectives, 5, {});
}

// The less time, the more energy.
Evaluation opposed_costs_of(const Job& job) {
  Evaluation evaluation = toy::costs_of(job);
  evaluation.measurements.at(1).value = 1e-6 / evaluation.measurements.at(0).value;
  return evaluation;
}

// Latency and energy of every candidate of the toy space.
std::vector<std::pair<double, double>> all_costs() {
  std::vector<std::pair<double, double>> values;
  const SearchSpace space = toy::space();
  Genotype genotype;
  genotype.genes.assign(space.cardinalities().size(), 0);
  for (;;) {
    Candidate candidate = space.decode(genotype);
    candidate.network = *live(candidate.network);
    Job job;
    job.candidate = &candidate;
    const std::vector<Measurement> measured = opposed_costs_of(job).measurements;
    values.emplace_back(measured.at(0).value, measured.at(1).value);
    std::size_t g = 0;
    while (g < genotype.genes.size() && ++genotype.genes[g] == space.cardinalities()[g])
      genotype.genes[g++] = 0;
    if (g == genotype.genes.size()) return values;
  }
}

std::vector<double> all_latencies() {
  std::vector<double> values;
  for (const auto& [latency, energy] : all_costs()) values.push_back(latency);
  return values;
}

// From who is always right to who knows nothing.
TEST(Survey, APerplexityIsBetweenOneAndTheClasses) {
  const Survey result = survey_with({{{Metric::perplexity, ""}, true, {}}, {kLatency, true, {}}});
  EXPECT_EQ(result.ideal.at(0), 1);
  EXPECT_EQ(result.reference.at(0), toy::space().task().classes);
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

// Two bounds that contradict each other: how far each must give where the other is kept.
TEST(Survey, FindsHowFarEachBoundWouldHaveToGive) {
  const auto costs = parallel_evaluator("costs", 2, opposed_costs_of);
  std::vector<std::pair<double, double>> all = all_costs();
  std::sort(all.begin(), all.end());
  const auto [least_latency, most_energy] = all.front();
  const auto [most_latency, least_energy] = all.back();
  const std::vector<Objective> objectives{{kLatency, true, least_latency},
                                          {kEnergy, false, least_energy}};
  const Survey result = survey(toy::space(), *costs, objectives, 5, {});
  EXPECT_FALSE(result.any_feasible);
  EXPECT_EQ(result.bounds.at(0).within, most_latency);
  EXPECT_EQ(result.bounds.at(0).best, least_latency);
  EXPECT_EQ(result.bounds.at(1).within, most_energy);
}

TEST(Survey, ASmallSpaceIsLookedAtWhole) {
  const auto costs = parallel_evaluator("costs", 2, toy::costs_of);
  const std::vector<Objective> objectives{{kLatency, true, 1.5e-3}};
  const auto all = static_cast<int>(all_latencies().size());
  const Survey whole = survey(toy::space(), *costs, objectives, 5, {}, all);
  EXPECT_TRUE(whole.whole);
  EXPECT_EQ(whole.drawn, all);
  EXPECT_EQ(whole.sample.size(), all_latencies().size());
  const Survey part = survey(toy::space(), *costs, objectives, 5, {}, all - 1);
  EXPECT_FALSE(part.whole);
  EXPECT_LT(part.drawn, all);
}

// Shares by counting every candidate.
TEST(Feasibility, IsThatOfTheSpace) {
  const auto costs = parallel_evaluator("costs", 2, opposed_costs_of);
  std::vector<std::pair<double, double>> all = all_costs();
  std::sort(all.begin(), all.end());
  // The fastest two thirds against the most frugal two thirds.
  const double latency = all[2 * all.size() / 3].first, energy = all[all.size() / 3].second;
  const std::vector<Objective> objectives{
      {kAccuracy, true, 0.5}, {kLatency, true, latency}, {kEnergy, false, energy}};
  std::int64_t fast = 0, frugal = 0, both = 0;
  for (const auto& [l, e] : all) {
    fast += l <= latency;
    frugal += e <= energy;
    both += l <= latency && e <= energy;
  }
  const Survey looked =
      survey(toy::space(), *costs, objectives, 5, {}, static_cast<int>(all.size()));
  const Feasibility f = feasibility(looked, objectives);
  EXPECT_EQ(f.costed, static_cast<std::int64_t>(all.size()));
  EXPECT_EQ(f.within, both);
  EXPECT_GT(both, 0);
  EXPECT_LT(both, std::min(fast, frugal));
  ASSERT_EQ(f.bounds.size(), 3u);
  EXPECT_FALSE(f.bounds[0].known);
  EXPECT_FALSE(f.metrics[0].source);
  EXPECT_EQ(f.bounds[1].alone, fast);
  EXPECT_EQ(f.bounds[1].without, frugal);
  EXPECT_EQ(f.bounds[1].binds, frugal > both);
  EXPECT_EQ(f.bounds[2].alone, frugal);
  EXPECT_EQ(f.bounds[2].without, fast);
  EXPECT_EQ(f.metrics[1].range.least, all.front().first);
  EXPECT_EQ(f.metrics[1].range.most, all.back().first);
}

// As many reasons as the kinds, whatever numbers are in them.
TEST(Survey, ReasonsThatDifferInTheirNumbersAreOne) {
  const auto picky = parallel_evaluator("costs", 1, [](const Job& job) {
    Evaluation evaluation = toy::costs_of(job);
    const int first = job.candidate->genotype.genes[0];
    if (first == 0) evaluation.failure = "op 'softmax' is not covered";
    if (first == 1)
      evaluation.failure = std::string("layer '") + (job.trial % 2 ? "a" : "bb") + "' needs " +
                           std::to_string(job.trial) + " KiB";
    return evaluation;
  });
  const std::vector<Objective> objectives{{kLatency, true, 1.0}};
  const auto all = static_cast<int>(all_latencies().size());
  const Survey result = survey(toy::space(), *picky, objectives, 5, {}, all);
  ASSERT_EQ(result.refusals.size(), 2u);
  const std::int64_t refused = result.refusals[0].count + result.refusals[1].count;
  EXPECT_EQ(refused + static_cast<std::int64_t>(result.sample.size()), all);
  EXPECT_GE(result.refusals[0].count, result.refusals[1].count);
  EXPECT_TRUE(result.any_feasible);
}

TEST(Survey, ABoundWithAProbabilityNeedsErrors) {
  const auto with_error = [](std::optional<double> error) {
    return parallel_evaluator("costs", 2, [error](const Job& job) {
      Evaluation evaluation = toy::costs_of(job);
      for (Measurement& m : evaluation.measurements) m.stddev = error;
      return evaluation;
    });
  };
  std::vector<double> all = all_latencies();
  std::sort(all.begin(), all.end());
  const std::vector<Objective> objectives{
      {.key = kLatency, .bound = all.back(), .probability = 0.95}};
  const Survey none = survey(toy::space(), *with_error({}), objectives, 5, {});
  ASSERT_EQ(none.no_error.size(), 1u);
  EXPECT_EQ(none.no_error[0].key, kLatency);
  EXPECT_FALSE(none.any_feasible);
  const Survey small = survey(toy::space(), *with_error(1e-9), objectives, 5, {});
  EXPECT_TRUE(small.no_error.empty());
  EXPECT_TRUE(small.any_feasible);
  EXPECT_LT(small.bounds.at(0).nearest, all.back());
  const Survey large = survey(toy::space(), *with_error(all.back()), objectives, 5, {});
  EXPECT_FALSE(large.any_feasible);
  EXPECT_NEAR(large.bounds.at(0).best, all.front() + 1.6448536269514722 * all.back(), 1e-12);
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
