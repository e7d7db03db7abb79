#include "space/genotype.h"

#include <charconv>
#include <stdexcept>

#include "space/rng.h"

namespace hwnas {

std::string to_text(const Genotype& genotype) {
  std::string text;
  for (const int gene : genotype.genes) {
    if (!text.empty()) text += '-';
    text += std::to_string(gene);
  }
  return text;
}

Genotype parse_genotype(std::string_view text) {
  Genotype genotype;
  while (!text.empty()) {
    const std::size_t dash = std::min(text.find('-'), text.size());
    const std::string_view part = text.substr(0, dash);
    std::uint8_t gene = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), gene);
    if (error != std::errc() || end != part.data() + part.size() || dash + 1 == text.size()) {
      throw std::invalid_argument("genotype part '" + std::string(part) +
                                  "' is not an index from 0 to 255; expected text such as 3-0-2");
    }
    genotype.genes.push_back(gene);
    text.remove_prefix(std::min(dash + 1, text.size()));
  }
  return genotype;
}

std::uint64_t hash(const Genotype& genotype) {
  std::uint64_t h = genotype.genes.size();
  for (const std::uint8_t gene : genotype.genes) h = hash_combine(h, gene);
  return h;
}

}  // namespace hwnas
