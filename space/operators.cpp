#include "space/operators.h"

#include <cassert>
#include <vector>

namespace hwnas {
namespace {

std::uint8_t another_option(std::uint8_t current, int cardinality, Rng& rng) {
  const auto pick =
      static_cast<std::uint8_t>(rng.below(static_cast<std::uint32_t>(cardinality - 1)));
  return pick < current ? pick : static_cast<std::uint8_t>(pick + 1);
}

}  // namespace

Genotype sample(std::span<const int> cardinalities, Rng& rng) {
  Genotype genotype;
  genotype.genes.reserve(cardinalities.size());
  for (const int cardinality : cardinalities) {
    genotype.genes.push_back(
        static_cast<std::uint8_t>(rng.below(static_cast<std::uint32_t>(cardinality))));
  }
  return genotype;
}

Genotype mutate(const Genotype& parent, std::span<const int> cardinalities, double rate, Rng& rng) {
  assert(parent.genes.size() == cardinalities.size());
  Genotype child = parent;
  std::vector<std::size_t> free;
  bool changed = false;
  for (std::size_t i = 0; i < cardinalities.size(); ++i) {
    if (cardinalities[i] < 2) continue;
    free.push_back(i);
    if (!rng.chance(rate)) continue;
    child.genes[i] = another_option(child.genes[i], cardinalities[i], rng);
    changed = true;
  }
  if (!changed && !free.empty()) {
    const std::size_t i = free[rng.below(static_cast<std::uint32_t>(free.size()))];
    child.genes[i] = another_option(child.genes[i], cardinalities[i], rng);
  }
  return child;
}

Genotype crossover(const Genotype& a, const Genotype& b, Rng& rng) {
  assert(a.genes.size() == b.genes.size());
  Genotype child = a;
  for (std::size_t i = 0; i < child.genes.size(); ++i) {
    if (rng.chance(0.5)) child.genes[i] = b.genes[i];
  }
  return child;
}

}  // namespace hwnas
