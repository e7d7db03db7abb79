#include "search/searcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "search/searchers/individual.h"
#include "search/searchers/unasked.h"
#include "tests/search/searcher_contract.h"

namespace hwnas {
namespace {

using testing::ElementsAre;

SearcherOptions with(Algorithm algorithm, int population = 16) {
  SearcherOptions options;
  options.algorithm = algorithm;
  options.population = population;
  return options;
}

std::string label(const testing::TestParamInfo<SearcherOptions>& info) {
  return std::string(to_string(info.param.algorithm)) + std::to_string(info.param.population);
}

INSTANTIATE_TEST_SUITE_P(Searchers, SearcherContract,
                         testing::Values(with(Algorithm::random), with(Algorithm::nsga2),
                                         with(Algorithm::nsga2, 1), with(Algorithm::nsga2, 100),
                                         with(Algorithm::regularized_evolution),
                                         with(Algorithm::regularized_evolution, 1),
                                         with(Algorithm::regularized_evolution, 100)),
                         label);

TEST(Algorithm, NamesRoundTrip) {
  EXPECT_THAT(algorithm_names(), ElementsAre("random", "nsga2", "regularized_evolution"));
  for (const std::string& name : algorithm_names()) {
    ASSERT_TRUE(parse_algorithm(name)) << name;
    EXPECT_EQ(to_string(*parse_algorithm(name)), name);
  }
  EXPECT_EQ(parse_algorithm("nsga3"), std::nullopt);
}

TEST(Unasked, DrawsAreUniformOverWhatIsLeft) {
  // Three genotypes, drawn to the end: six orders, each expected 1000 times in 6000.
  std::map<std::string, int> orders;
  for (std::uint64_t seed = 0; seed < 6000; ++seed) {
    Unasked unasked({3});
    Rng rng(seed);
    std::string order;
    while (const auto genotype = unasked.draw(rng)) order += to_text(*genotype);
    ++orders[order];
  }
  EXPECT_EQ(orders.size(), 6u);
  for (const auto& [order, count] : orders) EXPECT_NEAR(count, 1000, 90) << order;  // 3 sigma
}

TEST(Unasked, SkipsWhatWasClaimedAfterTheRestWasListed) {
  Unasked unasked({2, 4});
  Rng rng(1);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(unasked.draw(rng));  // listed from the fifth draw on
  int claimed = 0;
  for (std::uint8_t a = 0; a < 2; ++a) {
    for (std::uint8_t b = 0; b < 4 && claimed < 2; ++b) claimed += unasked.claim(Genotype{{a, b}});
  }
  EXPECT_EQ(claimed, 2);
  EXPECT_FALSE(unasked.empty());
  EXPECT_TRUE(unasked.draw(rng));
  EXPECT_TRUE(unasked.empty());
  EXPECT_FALSE(unasked.draw(rng));
}

Individual feasible(TrialId id, std::vector<double> objectives) {
  return {.id = id, .genotype = {}, .objectives = std::move(objectives)};
}

Individual infeasible(TrialId id, double violation) {
  return {.id = id, .genotype = {}, .objectives = {}, .violation = violation};
}

std::vector<TrialId> ids(const std::vector<Individual>& individuals) {
  std::vector<TrialId> result;
  for (const Individual& individual : individuals) result.push_back(individual.id);
  return result;
}

TEST(Individual, ConstrainedDomination) {
  // Front 0: the extremes 2 and 5, then 4 and 6, equally crowded (1.25 each). Front 1: 1. Then
  // those that break their bounds, 3 the least.
  std::vector<Individual> all{infeasible(0, 0.5),  feasible(1, {4, 4}), feasible(2, {0, 4}),
                              infeasible(3, 0.25), feasible(4, {1, 2}), feasible(5, {4, 0}),
                              feasible(6, {2, 1})};
  keep_best(all, 10);
  EXPECT_THAT(ids(all), ElementsAre(2, 5, 4, 6, 1, 3, 0));
  keep_best(all, 3);
  EXPECT_THAT(ids(all), ElementsAre(2, 5, 4));
}

TEST(Individual, OneObjectiveAndTies) {
  std::vector<Individual> all{feasible(3, {2}), feasible(1, {2}), feasible(2, {1}),
                              infeasible(5, 1), infeasible(4, 1)};
  keep_best(all, 5);
  EXPECT_THAT(ids(all), ElementsAre(2, 1, 3, 4, 5));
}

TEST(Individual, IntakeTakesEveryTrialOnceAndNoFailure) {
  Intake intake;
  const Genotype genotype{{1}};
  const Outcome good = complete(0, genotype, {1, 2});
  const Outcome failed{1, genotype, TrialState::failed, {}, 0};
  const Outcome broken{2, genotype, TrialState::infeasible, {7, 7}, 0.5};
  const std::vector<Outcome> told{good, failed, broken, good};
  const std::vector<Individual> taken = intake.take(told);
  EXPECT_THAT(ids(taken), ElementsAre(0, 2));
  EXPECT_EQ(taken[1].violation, 0.5);
  EXPECT_TRUE(taken[1].objectives.empty());
  EXPECT_TRUE(intake.take(told).empty());
}

}  // namespace
}  // namespace hwnas
