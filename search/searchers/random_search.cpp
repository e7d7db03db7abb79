#include "search/searchers/random_search.h"

#include <cassert>
#include <utility>

namespace hwnas {

std::vector<Proposal> RandomSearch::ask(int n) {
  assert(n >= 1);
  std::vector<Proposal> proposals;
  while (static_cast<int>(proposals.size()) < n) {
    std::optional<Genotype> genotype = unasked_.draw(rng_);
    if (!genotype) break;
    proposals.push_back({std::move(*genotype), {}, "sample"});
  }
  return proposals;
}

}  // namespace hwnas
