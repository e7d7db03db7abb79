// The contract that every Searcher keeps (search/searcher.h). A new searcher joins with one line in
// searchers_test.cpp: its options as another value of INSTANTIATE_TEST_SUITE_P(...,
// SearcherContract).
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "search/searcher.h"
#include "tests/search/exchange.h"
#include "tests/search/fake_outlook.h"

namespace hwnas {

// For the names of tests.
inline void PrintTo(const SearcherOptions& options, std::ostream* out) {
  *out << to_string(options.algorithm) << ", population " << options.population;
}

// Parameter: the options; a test replaces space, objectives and seed.
class SearcherContract : public testing::TestWithParam<SearcherOptions> {
 protected:
  std::unique_ptr<Searcher> make(std::vector<int> cardinalities, int objectives = 2,
                                 std::uint64_t seed = 7) const {
    SearcherOptions options = GetParam();
    options.cardinalities = std::move(cardinalities);
    options.aims.resize(static_cast<std::size_t>(objectives));
    options.seed = seed;
    outlooks_.emplace_back(options.aims.size());
    options.outlook = &outlooks_.back();
    return make_searcher(options);
  }
  static Oracle oracle(Outcome (*rule)(TrialId, const Genotype&, int), int objectives = 2) {
    return [=](TrialId id, const Genotype& genotype) { return rule(id, genotype, objectives); };
  }

 private:
  mutable std::deque<FakeOutlook> outlooks_;  // outlive their searchers
};

TEST_P(SearcherContract, ReplayGivesTheSameProposals) {
  for (const int batch : {1, 8}) {
    const auto first = make({4, 4, 4, 4, 4}), second = make({4, 4, 4, 4, 4});
    const Exchange one = exchange(*first, 300, batch, oracle(mixed));
    EXPECT_EQ(texts(one), texts(exchange(*second, 300, batch, oracle(mixed))));
    const auto other = make({4, 4, 4, 4, 4}, 2, 8);
    EXPECT_NE(texts(one), texts(exchange(*other, 300, batch, oracle(mixed))));
  }
}

TEST_P(SearcherContract, AsksNoGenotypeTwice) {
  const std::vector<int> cardinalities{4, 5, 3, 4, 2, 3};  // 1440
  for (const int objectives : {1, 2, 3}) {
    const auto searcher = make(cardinalities, objectives);
    const Exchange log = exchange(*searcher, 1000, 7, oracle(all_complete, objectives));
    EXPECT_GE(log.proposals.size(), 1000u);
    expect_distinct_and_fitting(log, cardinalities);
  }
}

TEST_P(SearcherContract, ExhaustsASmallSpaceExactly) {
  const std::vector<std::pair<std::vector<int>, std::size_t>> spaces{
      {{}, 1},        {{1}, 1},     {{1, 1, 1}, 1},    {{2}, 2},
      {{3, 1, 2}, 6}, {{256}, 256}, {{2, 3, 1, 4}, 24}};
  for (const auto& [cardinalities, size] : spaces) {
    for (const int batch : {1, 5, 1000}) {
      for (const auto rule : {all_complete, mixed}) {
        const auto searcher = make(cardinalities);
        const Exchange log = exchange(*searcher, 2000, batch, oracle(rule));
        EXPECT_EQ(log.proposals.size(), size) << "batch " << batch;
        expect_distinct_and_fitting(log, cardinalities);
        EXPECT_TRUE(searcher->ask(1).empty());
        EXPECT_TRUE(searcher->ask(50).empty());
      }
    }
  }
}

TEST_P(SearcherContract, GoesOnWhenAllTrialsFail) {
  const auto searcher = make({3, 3, 3});
  const Exchange log = exchange(*searcher, 100, 4, [](TrialId id, const Genotype& genotype) {
    return Outcome{id, genotype, TrialState::failed, {}, 0};
  });
  EXPECT_EQ(log.proposals.size(), 27u);
  expect_distinct_and_fitting(log, {3, 3, 3});
}

TEST_P(SearcherContract, GoesOnWhenAllTrialsAreInfeasible) {
  const auto searcher = make({3, 3, 3});
  const Exchange log = exchange(*searcher, 100, 4, [](TrialId id, const Genotype& genotype) {
    return Outcome{id, genotype, TrialState::infeasible, {}, 1.0 + genotype.genes[0]};
  });
  EXPECT_EQ(log.proposals.size(), 27u);
  expect_distinct_and_fitting(log, {3, 3, 3});
}

TEST_P(SearcherContract, AsksAgainBeforeItIsTold) {
  const auto searcher = make({4, 4, 4, 4});
  Exchange log;
  for (int round = 0; round < 10; ++round) {
    const std::vector<Proposal> asked = searcher->ask(9);
    EXPECT_EQ(asked.size(), 9u);
    log.proposals.insert(log.proposals.end(), asked.begin(), asked.end());
  }
  expect_distinct_and_fitting(log, {4, 4, 4, 4});
  std::vector<Outcome> told;
  for (std::size_t i = 0; i < log.proposals.size(); ++i) {
    told.push_back(all_complete(static_cast<TrialId>(i), log.proposals[i].genotype, 2));
  }
  searcher->tell(told);
  std::size_t rest = 0;
  for (auto asked = searcher->ask(9); !asked.empty(); asked = searcher->ask(9))
    rest += asked.size();
  EXPECT_EQ(rest, 256u - 90u);
}

// Two genotypes decode to one network: the second is told with the first's id and outcome.
TEST_P(SearcherContract, TakesOutcomesOfEarlierTrials) {
  const std::vector<int> cardinalities{4, 4, 4, 4};
  std::map<std::string, Outcome> by_network;
  TrialId next = 0;
  const auto searcher = make(cardinalities);
  const Exchange log = exchange(*searcher, 1000, 6, [&](TrialId, const Genotype& genotype) {
    Genotype network = genotype;
    network.genes[0] %= 2;
    const auto found = by_network.find(to_text(network));
    if (found != by_network.end()) {
      Outcome same = found->second;
      same.genotype = genotype;
      return same;
    }
    return by_network[to_text(network)] = all_complete(next++, genotype, 2);
  });
  EXPECT_EQ(log.proposals.size(), 256u);
  EXPECT_EQ(next, 128);
  expect_distinct_and_fitting(log, cardinalities);
}

TEST_P(SearcherContract, WorksInASpaceBeyond64Bits) {
  const std::vector<int> cardinalities(22, 9);  // FBNet: 9^22 = 9.8e20
  const auto searcher = make(cardinalities);
  const Exchange log = exchange(*searcher, 500, 8, oracle(mixed));
  EXPECT_GE(log.proposals.size(), 500u);
  expect_distinct_and_fitting(log, cardinalities);
}

}  // namespace hwnas
