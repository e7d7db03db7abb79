// Which value of a metric counts where a trial has several, and the exact front of a set of trials.
// One front never mixes sources of one metric. Free functions, thread-safe.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "search/objective.h"
#include "search/trial.h"

namespace hwnas {

// The value of `key` that is closest to the truth: of the last source in the order of Source
// (measured before trained before predicted before analytic), of these the highest fidelity.
// nullptr where there is none. With `source` only values of that source count.
const Measurement* closest(const Trial& trial, const MetricKey& key,
                           std::optional<Source> source = {});

// Indices of the complete trials that no other dominates in the optimised objectives, ascending.
// For each objective only values of one source count, the last that any complete trial has.
std::vector<std::size_t> front_of(std::span<const Trial> trials,
                                  std::span<const Objective> objectives);

}  // namespace hwnas
