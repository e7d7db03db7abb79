// Survey: a look at a space with the cheap stages only, before anything is trained.
//
// Finds out whether the bounds can be met at all, and the ranges of the known objectives from which
// the hypervolume's reference and ideal are taken. Deterministic in the seed.
#pragma once

#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "search/evaluator.h"
#include "search/objective.h"
#include "space/search_space.h"

namespace hwnas {

// Values are as the bound judges them (Objective::judged): with a probability, of the margin too.
struct SurveyedBound {
  Objective objective;
  double nearest = 0;    // value of this metric in the candidate that comes closest to meeting all
  double best = 0;       // best value found of this metric alone
  double within = 0;     // best value found where all other bounds are met; NaN: no such candidate
  bool binding = false;  // broken by the candidate that comes closest
};

// Why candidates could not be built or costed.
struct Refusal {
  std::string reason;      // of the first; others may differ from it in their numbers
  std::int64_t count = 0;  // of the sample
};

struct Survey {
  std::int64_t looked_at = 0;
  std::int64_t feasible = 0;  // of the random sample
  std::int64_t sampled = 0;
  bool any_feasible = false;          // in the sample or found by the evolution after it
  std::vector<SurveyedBound> bounds;  // one for each bounded objective that a cheap stage knows
  std::vector<double> reference,
      ideal;                  // minimised, of the optimised objectives, among the feasible
                              // (error: 1 and 0; the objective's own reference, else its
                              // bound, where given)
  std::string first_failure;  // where no candidate could be evaluated: why

  bool whole = false;             // the sample is every genotype of the space
  std::int64_t drawn = 0;         // genotypes in the sample, each once
  std::vector<Trial> sample;      // those of them that could be costed: genotypes and measurements
  std::vector<Refusal> refusals;  // why the others could not, most common first
  std::vector<Objective> no_error;  // whose bound has a probability, and no value a standard error
};

inline constexpr int kSurveySample = 256;

// Looks at `samples` random genotypes (at every one where the space has no more), then, where
// nothing met the bounds, minimises the violation by evolution. Looks at no more than some thousand
// genotypes beside the sample, whatever the space.
Survey survey(const SearchSpace& space, Evaluator& cheap, std::span<const Objective> objectives,
              std::uint64_t seed, std::stop_token stop, int samples = kSurveySample);

}  // namespace hwnas
