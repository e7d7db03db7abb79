// Prospector: an Outlook with a memory. Searchers look at the same candidates again and again.
// Not thread-safe.
#pragma once

#include <span>
#include <unordered_map>
#include <vector>

#include "search/outlook.h"

namespace hwnas {

class Prospector {
 public:
  explicit Prospector(const Outlook& outlook) : outlook_(outlook) {}

  // In the order of the genotypes; valid until the next forget().
  std::vector<const Prospect*> look(std::span<const Genotype> genotypes);

  std::vector<std::vector<double>> scores(std::span<const Genotype> genotypes) const {
    return outlook_.scores(genotypes);
  }

  // Gives memory back where much of it is used.
  void forget();

 private:
  const Outlook& outlook_;
  std::unordered_map<std::uint64_t, Prospect> seen_;  // by hash of the genotype; never iterated
};

}  // namespace hwnas
