// Variation operators over cardinalities: written once for every space and every searcher.
//
// `cardinalities[i]` is the number of options of gene i, at least 1 and at most 256. Free, pure but
// for the generator, thread-safe with one Rng per thread. They always end: no rejection loops.
#pragma once

#include <span>

#include "space/genotype.h"
#include "space/rng.h"

namespace hwnas {

// Every gene uniform over its options.
Genotype sample(std::span<const int> cardinalities, Rng& rng);

// Every gene that has a choice changes, with probability `rate`, to another option, uniformly.
// Returns whether one changed.
bool vary(Genotype& genotype, std::span<const int> cardinalities, double rate, Rng& rng);

// As vary, but at least one gene changes (unless no gene has a choice). rate = 1/genes is the
// customary value.
Genotype mutate(const Genotype& parent, std::span<const int> cardinalities, double rate, Rng& rng);

// Uniform crossover: each gene from either parent with equal probability.
// Precondition: both have the same length.
Genotype crossover(const Genotype& a, const Genotype& b, Rng& rng);

}  // namespace hwnas
