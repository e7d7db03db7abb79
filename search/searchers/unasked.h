// Unasked: which genotypes of a space a searcher has not proposed yet. Every searcher owns one.
//
// Works for spaces of one genotype and of 10^30. Draws are uniform over what is left, and the cost
// of a draw stays constant on average however little is left. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <unordered_set>
#include <vector>

#include "space/genotype.h"
#include "space/rng.h"

namespace hwnas {

class Unasked {
 public:
  explicit Unasked(std::vector<int> cardinalities);

  // True where the genotype was not claimed before; from now on it is.
  bool claim(const Genotype& genotype);

  // Claims and returns one of those left; nothing where none is left.
  std::optional<Genotype> draw(Rng& rng);

  bool empty() const { return size_ && claimed_.size() >= *size_; }
  std::span<const int> cardinalities() const { return cardinalities_; }

 private:
  std::uint64_t key(const Genotype& genotype) const;
  void list_rest(Rng& rng);

  std::vector<int> cardinalities_;
  std::optional<std::uint64_t> size_;          // of the space; nothing from 2^64 up
  std::unordered_set<std::uint64_t> claimed_;  // never iterated: its order is not portable
  bool listed_ = false;
  std::vector<Genotype> rest_;  // shuffled; once listed, holds all that are left and maybe more
};

}  // namespace hwnas
