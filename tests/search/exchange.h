// Drives a Searcher for tests: asks, answers from an oracle, tells, and keeps the log.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "search/searcher.h"

namespace hwnas {

// What a proposal becomes; `id` is the next free one.
using Oracle = std::function<Outcome(TrialId id, const Genotype& genotype)>;

inline Outcome complete(TrialId id, const Genotype& genotype, std::vector<double> objectives) {
  const std::vector<double> values = objectives;
  return {id, genotype, TrialState::complete, std::move(objectives), 0, values};
}

// `objectives` values that differ from gene to gene and conflict with each other.
inline Outcome all_complete(TrialId id, const Genotype& genotype, int objectives) {
  std::vector<double> values(static_cast<std::size_t>(objectives), 0.0);
  for (std::size_t i = 0; i < genotype.genes.size(); ++i) {
    const double gene = genotype.genes[i];
    for (std::size_t k = 0; k < values.size(); ++k) {
      values[k] += i % values.size() == k ? gene * gene : 10 - gene;
    }
  }
  return complete(id, genotype, std::move(values));
}

// As known at the first of two rungs, where everything looks worse.
inline Outcome stopped(TrialId id, const Genotype& genotype, int objectives) {
  Outcome outcome = all_complete(id, genotype, objectives);
  outcome.state = TrialState::stopped;
  for (double& value : outcome.objectives) value += 5;
  outcome.rungs = {outcome.objectives};
  return outcome;
}

// A quarter each failed, infeasible, stopped at a rung, complete.
inline Outcome mixed(TrialId id, const Genotype& genotype, int objectives) {
  const std::uint64_t luck = hash(genotype);
  if (luck % 4 == 0) return {id, genotype, TrialState::failed, {}, 0};
  if (luck % 4 == 1) {
    return {id, genotype, TrialState::infeasible, {}, 0.5 + static_cast<double>(luck >> 60)};
  }
  if (luck % 4 == 2) return stopped(id, genotype, objectives);
  return all_complete(id, genotype, objectives);
}

struct Exchange {
  std::vector<Proposal> proposals;
  std::map<TrialId, Outcome> outcomes;  // as told first
};

// Asks and tells until `trials` proposals are made or none comes.
inline Exchange exchange(Searcher& searcher, std::size_t trials, int batch, const Oracle& oracle) {
  Exchange log;
  while (log.proposals.size() < trials) {
    const std::vector<Proposal> asked = searcher.ask(batch);
    if (asked.empty()) break;
    EXPECT_LE(asked.size(), static_cast<std::size_t>(batch));
    std::vector<Outcome> told;
    for (const Proposal& proposal : asked) {
      for (const TrialId parent : proposal.parents) {
        const auto found = log.outcomes.find(parent);
        EXPECT_TRUE(found != log.outcomes.end()) << "parent " << parent << " was never told";
        if (found == log.outcomes.end()) continue;
        EXPECT_NE(found->second.state, TrialState::failed) << "parent " << parent << " failed";
      }
      EXPECT_FALSE(proposal.origin.empty());
      const auto next = static_cast<TrialId>(log.outcomes.size());
      told.push_back(oracle(next, proposal.genotype));
      log.outcomes.emplace(told.back().id, told.back());
      log.proposals.push_back(proposal);
    }
    searcher.tell(told);
  }
  return log;
}

inline std::vector<std::string> texts(const Exchange& log) {
  std::vector<std::string> lines;
  for (const Proposal& proposal : log.proposals) {
    std::string line = to_text(proposal.genotype) + " " + proposal.origin;
    for (const TrialId parent : proposal.parents) line.append(" ").append(std::to_string(parent));
    lines.push_back(line);
  }
  return lines;
}

inline void expect_distinct_and_fitting(const Exchange& log,
                                        const std::vector<int>& cardinalities) {
  std::set<std::string> seen;
  for (const Proposal& proposal : log.proposals) {
    EXPECT_TRUE(seen.insert(to_text(proposal.genotype)).second)
        << to_text(proposal.genotype) << " again";
    ASSERT_EQ(proposal.genotype.genes.size(), cardinalities.size());
    for (std::size_t i = 0; i < cardinalities.size(); ++i) {
      EXPECT_LT(proposal.genotype.genes[i], cardinalities[i]);
    }
  }
}

}  // namespace hwnas
