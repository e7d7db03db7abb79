// Initial design: the first candidates of a search, chosen by what is known before any is trained.
//
// From eight times as many random candidates within the known bounds: sorted by the first known
// objective, cut into strata of equal count, and of each stratum the one with the highest
// zero-cost scores: the sum over the scores of ln(rank / n), as AZ-NAS aggregates (Lee and Ham
// 2024, arXiv:2403.19232). Where few random candidates are within the bounds, evolution towards
// them finds more; it always ends.
#pragma once

#include <span>
#include <vector>

#include "search/searcher.h"
#include "search/searchers/prospector.h"
#include "space/rng.h"

namespace hwnas {

// Sum of the violations of those bounds that are known; 0: none is known to be broken.
double known_violation(const Prospect& prospect, std::span<const Aim> aims);

// At most `count` genotypes, all possible and of different fingerprints; fewer where the space does
// not offer them.
std::vector<Genotype> initial_design(Prospector& prospector, std::span<const Aim> aims,
                                     std::span<const int> cardinalities, int count, Rng& rng);

}  // namespace hwnas
