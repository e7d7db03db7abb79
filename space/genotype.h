// Genotype: one small choice index for each gene of a SearchSpace. A regular value.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hwnas {

struct Genotype {
  std::vector<std::uint8_t> genes;

  friend auto operator<=>(const Genotype&, const Genotype&) = default;
};

// "3-0-2"; the empty genotype is "".
std::string to_text(const Genotype& genotype);

// Inverse of to_text. Throws std::invalid_argument, naming the part that is not an index 0-255.
Genotype parse_genotype(std::string_view text);

// A stable 64-bit hash, for tables keyed by genotype.
std::uint64_t hash(const Genotype& genotype);

}  // namespace hwnas
