// The exact front of a set of trials. One front never mixes sources of one metric, nor fidelities.
// Free functions, thread-safe.
#pragma once

#include <span>
#include <vector>

#include "search/objective.h"
#include "search/trial.h"

namespace hwnas {

// Indices of the complete trials that no other dominates in the optimised objectives, ascending.
// For each objective only values of one source count, the last that any complete trial has, and of
// its values only those of the highest fidelity.
std::vector<std::size_t> front_of(std::span<const Trial> trials,
                                  std::span<const Objective> objectives);

// For each of these, in the same order, the probability that no other complete trial dominates it,
// by the standard errors (search/front_probability.h). Empty where no value has one.
std::vector<double> front_probabilities(std::span<const Trial> trials,
                                        std::span<const Objective> objectives);

}  // namespace hwnas
