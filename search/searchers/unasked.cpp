#include "search/searchers/unasked.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <limits>
#include <utility>

#include "space/operators.h"

namespace hwnas {
namespace {

std::optional<std::uint64_t> space_size(std::span<const int> cardinalities) {
  std::uint64_t size = 1;
  for (const int cardinality : cardinalities) {
    const auto factor = static_cast<std::uint64_t>(cardinality);
    assert(factor >= 1 && factor <= 256);
    if (size > std::numeric_limits<std::uint64_t>::max() / factor) return std::nullopt;
    size *= factor;
  }
  return size;
}

// The next genotype, the first gene counting fastest; false after the last.
bool next_genotype(Genotype& genotype, std::span<const int> cardinalities) {
  for (std::size_t i = 0; i < cardinalities.size(); ++i) {
    if (++genotype.genes[i] < cardinalities[i] && genotype.genes[i] != 0) return true;
    genotype.genes[i] = 0;
  }
  return false;
}

}  // namespace

Unasked::Unasked(std::vector<int> cardinalities)
    : cardinalities_(std::move(cardinalities)), size_(space_size(cardinalities_)) {}

// The genotype's number where the space has less than 2^64, so that exhaustion is exact; else a
// hash, where a collision costs one genotype out of more than 10^19.
std::uint64_t Unasked::key(const Genotype& genotype) const {
  assert(genotype.genes.size() == cardinalities_.size());
  std::uint64_t number = 0;
  if (!size_) {
    for (std::size_t i = 0; i < genotype.genes.size(); i += 8) {
      std::uint64_t eight = 0;
      std::memcpy(&eight, &genotype.genes[i], std::min<std::size_t>(8, genotype.genes.size() - i));
      number = hash_combine(number, eight);
    }
    return number;
  }
  for (std::size_t i = genotype.genes.size(); i-- > 0;) {
    number = number * static_cast<std::uint64_t>(cardinalities_[i]) + genotype.genes[i];
  }
  return number;
}

bool Unasked::claim(const Genotype& genotype) {
  return claimed_.insert(key(genotype)).second;
}

std::optional<Genotype> Unasked::draw(Rng& rng) {
  if (empty()) return std::nullopt;
  // While half is left, two tries are enough on average; then listing the rest has been paid for.
  if (!listed_ && size_ && claimed_.size() >= *size_ - *size_ / 2) list_rest(rng);
  for (;;) {
    Genotype genotype;
    if (listed_) {
      genotype = std::move(rest_.back());
      rest_.pop_back();
    } else {
      genotype = sample(cardinalities_, rng);
    }
    if (claim(genotype)) return genotype;
  }
}

void Unasked::list_rest(Rng& rng) {
  Genotype genotype{std::vector<std::uint8_t>(cardinalities_.size(), 0)};
  do {
    if (!claimed_.contains(key(genotype))) rest_.push_back(genotype);
  } while (next_genotype(genotype, cardinalities_));
  rng.shuffle(rest_);
  listed_ = true;
}

}  // namespace hwnas
