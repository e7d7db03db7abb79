// How good the searchers are, on a table whose front is known. Seeds are fixed and so are results:
// a change that alters one is either meant, with the new figures in its commit, or a mistake.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <set>

#include "search/pareto.h"
#include "search/searcher.h"
#include "tests/search/exchange.h"

namespace hwnas {
namespace {

using testing::ElementsAre;
using Point = std::vector<double>;

// Error falls with diminishing returns and rises where neighbours differ; cost rises faster in
// later genes. Six genes of four options. Whole numbers, so that hypervolumes are exact.
Point table(const Genotype& genotype) {
  constexpr std::array<int, 4> kGain{0, 12, 19, 23};
  int error = 300, cost = 0;
  for (std::size_t i = 0; i < genotype.genes.size(); ++i) {
    const int gene = genotype.genes[i];
    const int next = genotype.genes[(i + 1) % genotype.genes.size()];
    error += std::abs(gene - next) - 2 * kGain[static_cast<std::size_t>(gene)];
    cost += gene * gene * static_cast<int>(i + 2) + 3 * gene;
  }
  return {static_cast<double>(error), static_cast<double>(cost)};
}

constexpr std::array<double, 2> kReference{310, 298};  // beyond the worst error and cost

struct Problem {
  Algorithm algorithm = Algorithm::nsga2;
  int objectives = 2;  // 1: the error only
  std::uint64_t seed = 1;
};

// What the first `trials` proposals of a search measured.
std::vector<Point> search(const Problem& problem, std::size_t trials) {
  SearcherOptions options;
  options.algorithm = problem.algorithm;
  options.cardinalities = std::vector<int>(6, 4);
  options.aims.resize(static_cast<std::size_t>(problem.objectives));
  options.seed = problem.seed;
  options.population = 16;
  const auto searcher = make_searcher(options);
  const auto oracle = [&](TrialId id, const Genotype& genotype) {
    Point point = table(genotype);
    point.resize(static_cast<std::size_t>(problem.objectives));
    return complete(id, genotype, std::move(point));
  };
  std::vector<Point> points;
  for (const Proposal& proposal : exchange(*searcher, trials, 8, oracle).proposals) {
    points.push_back(table(proposal.genotype));
  }
  return points;
}

double volume(const std::vector<Point>& points) {
  std::vector<double> flat;
  for (const Point& point : points) flat.insert(flat.end(), point.begin(), point.end());
  return hypervolume(flat, kReference);
}

// Sum of the hypervolumes that five seeds reach with this many trials.
double five_volumes(Algorithm algorithm, std::size_t trials) {
  double sum = 0;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    sum += volume(search({.algorithm = algorithm, .seed = seed}, trials));
  }
  return sum;
}

// Trials until every point of the front of the 4096 networks is found.
std::size_t trials_to_front(Algorithm algorithm, std::uint64_t seed) {
  const std::vector<Point> all = search({.algorithm = Algorithm::random}, 4096);
  std::vector<double> flat;
  for (const Point& point : all) flat.insert(flat.end(), point.begin(), point.end());
  std::set<Point> front;
  for (const int i : pareto_front(flat, 2)) front.insert(all[static_cast<std::size_t>(i)]);
  EXPECT_EQ(front.size(), 24u);
  std::size_t trials = 0;
  for (const Point& point : search({.algorithm = algorithm, .seed = seed}, 4096)) {
    ++trials;
    front.erase(point);
    if (front.empty()) break;
  }
  return trials;
}

// Trials until the lowest error, 24, is found.
std::size_t trials_to_optimum(Algorithm algorithm, std::uint64_t seed) {
  std::size_t trials = 0;
  for (const Point& point : search({algorithm, 1, seed}, 4096)) {
    ++trials;
    if (point[0] == 24) break;
  }
  return trials;
}

TEST(SearchQuality, TableHasTheStatedExtremes) {
  EXPECT_THAT(table(Genotype{{0, 0, 0, 0, 0, 0}}), ElementsAre(300, 0));
  EXPECT_THAT(table(Genotype{{3, 3, 3, 3, 3, 3}}), ElementsAre(24, 297));
  EXPECT_THAT(table(Genotype{{1, 0, 0, 0, 0, 3}}), ElementsAre(300 - 24 - 46 + 6, 5 + 72));
}

TEST(SearchQuality, TrialsToTheWholeFront) {
  EXPECT_EQ(trials_to_front(Algorithm::nsga2, 1), 1689u);
  EXPECT_EQ(trials_to_front(Algorithm::nsga2, 2), 1224u);
  EXPECT_EQ(trials_to_front(Algorithm::nsga2, 3), 2558u);
  EXPECT_EQ(trials_to_front(Algorithm::random, 1), 4093u);
  EXPECT_EQ(trials_to_front(Algorithm::local_search, 1), 386u);
  EXPECT_EQ(trials_to_front(Algorithm::local_search, 2), 440u);
  EXPECT_EQ(trials_to_front(Algorithm::local_search, 3), 382u);
}

TEST(SearchQuality, HypervolumeByBudget) {
  EXPECT_EQ(five_volumes(Algorithm::random, 96), 281904);
  EXPECT_EQ(five_volumes(Algorithm::random, 200), 294072);
  EXPECT_EQ(five_volumes(Algorithm::random, 400), 300814);
  EXPECT_EQ(five_volumes(Algorithm::nsga2, 96), 289964);
  EXPECT_EQ(five_volumes(Algorithm::nsga2, 200), 303146);
  EXPECT_EQ(five_volumes(Algorithm::nsga2, 400), 309204);  // of 5 * 63104
  EXPECT_EQ(five_volumes(Algorithm::regularized_evolution, 96), 290762);
  EXPECT_EQ(five_volumes(Algorithm::regularized_evolution, 200), 299256);
  EXPECT_EQ(five_volumes(Algorithm::regularized_evolution, 400), 307116);
  EXPECT_EQ(five_volumes(Algorithm::local_search, 96), 283160);
  EXPECT_EQ(five_volumes(Algorithm::local_search, 200), 303522);
  EXPECT_EQ(five_volumes(Algorithm::local_search, 400), 315402);
}

TEST(SearchQuality, TrialsToTheOptimumOfOneObjective) {
  const auto trials = [](Algorithm algorithm) {
    return std::vector<std::size_t>{trials_to_optimum(algorithm, 1),
                                    trials_to_optimum(algorithm, 2),
                                    trials_to_optimum(algorithm, 3)};
  };
  EXPECT_THAT(trials(Algorithm::random), ElementsAre(4093, 2073, 1370));
  EXPECT_THAT(trials(Algorithm::nsga2), ElementsAre(90, 162, 109));
  EXPECT_THAT(trials(Algorithm::regularized_evolution), ElementsAre(214, 734, 277));
  EXPECT_THAT(trials(Algorithm::local_search), ElementsAre(31, 50, 55));
}

}  // namespace
}  // namespace hwnas
