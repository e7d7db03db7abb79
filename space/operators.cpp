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

bool vary(Genotype& genotype, std::span<const int> cardinalities, double rate, Rng& rng) {
  assert(genotype.genes.size() == cardinalities.size());
  bool changed = false;
  for (std::size_t i = 0; i < cardinalities.size(); ++i) {
    if (cardinalities[i] < 2 || !rng.chance(rate)) continue;
    genotype.genes[i] = another_option(genotype.genes[i], cardinalities[i], rng);
    changed = true;
  }
  return changed;
}

Genotype mutate(const Genotype& parent, std::span<const int> cardinalities, double rate, Rng& rng) {
  Genotype child = parent;
  if (vary(child, cardinalities, rate, rng)) return child;
  std::vector<std::size_t> free;
  for (std::size_t i = 0; i < cardinalities.size(); ++i) {
    if (cardinalities[i] > 1) free.push_back(i);
  }
  if (free.empty()) return child;
  const std::size_t i = free[rng.below(static_cast<std::uint32_t>(free.size()))];
  child.genes[i] = another_option(child.genes[i], cardinalities[i], rng);
  return child;
}

Genotype crossover(const Genotype& a, const Genotype& b, Rng& rng) {
  assert(a.genes.size() == b.genes.size());
  Genotype child = a;
  std::uint64_t coins = 0;  // 64 at a time, one for each gene
  for (std::size_t i = 0; i < child.genes.size(); ++i, coins >>= 1) {
    if (i % 64 == 0) coins = rng.next();
    const auto mask = static_cast<std::uint8_t>(-(coins & 1));
    child.genes[i] ^= (child.genes[i] ^ b.genes[i]) & mask;
  }
  return child;
}

}  // namespace hwnas
