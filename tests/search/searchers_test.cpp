#include "search/searcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
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
                                         with(Algorithm::regularized_evolution, 100),
                                         with(Algorithm::local_search), with(Algorithm::surrogate)),
                         label);

TEST(Algorithm, NamesRoundTrip) {
  EXPECT_THAT(algorithm_names(),
              ElementsAre("random", "nsga2", "regularized_evolution", "local_search", "surrogate"));
  for (const std::string& name : algorithm_names()) {
    ASSERT_TRUE(parse_algorithm(name)) << name;
    EXPECT_EQ(to_string(*parse_algorithm(name)), name);
  }
  EXPECT_EQ(parse_algorithm("nsga3"), std::nullopt);
}

// Of two parents: crossed, perhaps mutated as well. Of one: mutated.
TEST(Nsga2, SaysHowChildrenCameAbout) {
  SearcherOptions options = with(Algorithm::nsga2);
  options.cardinalities = std::vector<int>(8, 8);
  options.aims.resize(2);
  const auto searcher = make_searcher(options);
  const Exchange log = exchange(*searcher, 400, 8, [](TrialId id, const Genotype& genotype) {
    return all_complete(id, genotype, 2);
  });
  std::map<std::string, int> origins;
  for (const Proposal& proposal : log.proposals) {
    ++origins[proposal.origin];
    const std::size_t parents = proposal.origin == "sample"   ? 0
                                : proposal.origin == "mutate" ? 1
                                                              : 2;
    EXPECT_EQ(proposal.parents.size(), parents) << proposal.origin;
    if (proposal.origin != "crossover") continue;
    const Genotype& a = log.outcomes.at(proposal.parents[0]).genotype;
    const Genotype& b = log.outcomes.at(proposal.parents[1]).genotype;
    for (std::size_t i = 0; i < 8; ++i) {
      const int gene = proposal.genotype.genes[i];
      EXPECT_TRUE(gene == a.genes[i] || gene == b.genes[i]);
    }
  }
  EXPECT_EQ(origins["sample"], 16);
  EXPECT_GT(origins["crossover"], 50);
  EXPECT_GT(origins["crossover+mutate"], 50);
  EXPECT_GT(origins["mutate"], 10);
}

int distance(const Genotype& a, const Genotype& b) {
  int genes = 0;
  for (std::size_t i = 0; i < a.genes.size(); ++i) genes += a.genes[i] != b.genes[i];
  return genes;
}

// |gene - 3| summed, one objective, no local optimum but the one: 4 genes, 7 neighbours each.
TEST(LocalSearch, DescendsToTheOptimumThenStartsAnew) {
  SearcherOptions options = with(Algorithm::local_search);
  options.cardinalities = {8, 8, 8, 8};
  const auto searcher = make_searcher(options);
  const Exchange log = exchange(*searcher, 200, 1, [](TrialId id, const Genotype& genotype) {
    double sum = 0;
    for (const int gene : genotype.genes) sum += std::abs(gene - 3);
    return complete(id, genotype, {sum});
  });
  const auto value = [&](TrialId id) { return log.outcomes.at(id).objectives[0]; };
  EXPECT_EQ(log.proposals[0].origin, "sample");
  double best = value(0);
  std::size_t restart = 1;
  for (; log.proposals[restart].origin == "neighbour"; ++restart) {
    const Proposal& proposal = log.proposals[restart];
    ASSERT_EQ(proposal.parents.size(), 1u);
    const Outcome& parent = log.outcomes.at(proposal.parents[0]);
    EXPECT_EQ(parent.objectives[0], best);  // a better one takes over at once
    EXPECT_EQ(distance(parent.genotype, proposal.genotype), 1);
    best = std::min(best, value(static_cast<TrialId>(restart)));
  }
  EXPECT_EQ(best, 0);
  EXPECT_LE(restart, 1u + 12 * 28);
  EXPECT_EQ(log.proposals[restart].origin, "sample");
}

// The first has six neighbours; what is asked beyond them, before they are told, starts the next
// climb: at the better of the two, since no neighbour is better than the first.
TEST(LocalSearch, AsksStartsOfTheNextClimbWhileNeighboursAreInFlight) {
  SearcherOptions options = with(Algorithm::local_search);
  options.cardinalities = {3, 3, 3};
  const auto searcher = make_searcher(options);
  const Genotype first = searcher->ask(1)[0].genotype;
  searcher->tell(std::vector{complete(0, first, {0})});
  const std::vector<Proposal> asked = searcher->ask(8);
  std::vector<Outcome> told;
  for (const Proposal& proposal : asked) {
    const auto id = static_cast<TrialId>(told.size()) + 1;
    EXPECT_EQ(proposal.origin, id <= 6 ? "neighbour" : "sample");
    told.push_back(complete(id, proposal.genotype, {id == 7 ? 2.0 : 5.0}));
  }
  ASSERT_EQ(told.size(), 8u);
  searcher->tell(told);
  EXPECT_THAT(searcher->ask(1)[0].parents, ElementsAre(7));
}

TEST(LocalSearch, LeavesBrokenBoundsThenKeepsToTheFront) {
  SearcherOptions options = with(Algorithm::local_search);
  options.cardinalities = {9, 9, 9, 9};
  options.aims.resize(2);
  const auto searcher = make_searcher(options);
  std::vector<Individual> told;
  const Exchange log = exchange(*searcher, 150, 1, [&](TrialId id, const Genotype& genotype) {
    int sum = 0;
    for (const int gene : genotype.genes) sum += gene;
    if (sum <= 5) return all_complete(id, genotype, 2);
    return Outcome{id, genotype, TrialState::infeasible, {}, sum - 5.0};
  });
  Intake intake;
  for (std::size_t i = 0; i < log.proposals.size(); ++i) {
    for (const TrialId parent : log.proposals[i].parents) {
      rank(told);
      const Individual& chosen = told[static_cast<std::size_t>(parent)];
      for (const Individual& other : told) {
        EXPECT_FALSE(other.violation < chosen.violation) << i;
        EXPECT_FALSE(chosen.violation <= 0 && chosen.rank > 0) << i;
      }
    }
    const Outcome& outcome = log.outcomes.at(static_cast<TrialId>(i));
    for (Individual& individual : intake.take({&outcome, 1})) told.push_back(individual);
  }
  EXPECT_GT(std::count_if(told.begin(), told.end(), [](auto& one) { return one.violation <= 0; }),
            20);
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
