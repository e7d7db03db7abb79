// Searcher: proposes genotypes and learns from outcomes (ask and tell).
//
// A searcher never evaluates, stores or prints, and it uses nothing but its seed and what it was
// told: no clock, no unordered iteration, no std:: distributions. Resume is replay: the same calls
// must give the same proposals (tests/search/searcher_contract.h checks that of every searcher).
// Not thread-safe.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "search/trial.h"

namespace hwnas {

class Outlook;  // search/outlook.h

struct Proposal {
  Genotype genotype;
  std::vector<TrialId> parents;
  std::string origin;
};

// What became of a trial, as a searcher sees it.
struct Outcome {
  TrialId id = 0;
  Genotype genotype;
  TrialState state = TrialState::complete;
  // Minimised, one for each optimised objective. Of complete trials; of stopped ones as known at
  // their last rung, which is weaker evidence (empty where one is unknown there); else empty.
  std::vector<double> objectives;
  double violation = 0;  // sum over the bounds; > 0 for infeasible trials, >= 0 for stopped ones
  // Of every state: one for each of SearcherOptions::aims, minimised; NaN where unknown.
  std::vector<double> values = {};
  // The same as known at each rung that the trial came through, the lowest first. A trial that is
  // complete came through all of them, so that what a rung says can be held against the truth.
  std::vector<std::vector<double>> rungs = {};
};

// An objective or a bound of the run, as searchers see it: minimised.
struct Aim {
  bool optimised = true;
  double bound = std::numeric_limits<double>::infinity();       // the highest value allowed
  double reference = std::numeric_limits<double>::quiet_NaN();  // of the hypervolume; NaN: none
};

class Searcher {
 public:
  virtual ~Searcher() = default;

  // 1 to n proposals, not asked before where the space still has such; fewer than n (or none) only
  // where the searcher knows of no further genotype.
  virtual std::vector<Proposal> ask(int n) = 0;

  // Outcomes of asked proposals, in trial order. A proposal that turned out to decode to the
  // network of an earlier trial is told with that trial's id and outcome.
  virtual void tell(std::span<const Outcome> outcomes) = 0;
};

enum class Algorithm : std::uint8_t {
  random,
  nsga2,
  regularized_evolution,
  local_search,
  surrogate,
};
std::string_view to_string(Algorithm algorithm);
std::optional<Algorithm> parse_algorithm(std::string_view name);
std::span<const std::string> algorithm_names();

struct SearcherOptions {
  Algorithm algorithm = Algorithm::nsga2;
  std::vector<int> cardinalities;    // of the space
  std::vector<Aim> aims{Aim{}};      // optimised ones first
  const Outlook* outlook = nullptr;  // surrogate; alive as long as the searcher
  std::uint64_t seed = 0;
  int population = 16;          // nsga2, regularized_evolution
  int initial_design = 20;      // surrogate
  int tournament = 5;           // regularized_evolution
  double crossover_rate = 0.9;  // nsga2
  double mutation_rate = 0;     // per gene; 0: one over the number of genes
};

std::unique_ptr<Searcher> make_searcher(const SearcherOptions& options);

}  // namespace hwnas
