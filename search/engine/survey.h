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

struct SurveyedBound {
  Objective objective;
  double nearest = 0;    // value of this metric in the candidate that comes closest to meeting all
  double best = 0;       // best value found of this metric alone
  bool binding = false;  // broken by the candidate that comes closest
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
};

// Samples the space, then, where nothing met the bounds, minimises the violation by evolution.
Survey survey(const SearchSpace& space, Evaluator& cheap, std::span<const Objective> objectives,
              std::uint64_t seed, std::stop_token stop);

}  // namespace hwnas
