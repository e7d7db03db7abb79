// Random search: uniform over the genotypes not asked before, until none is left. The baseline.
#pragma once

#include "search/searcher.h"
#include "search/searchers/unasked.h"

namespace hwnas {

class RandomSearch : public Searcher {
 public:
  explicit RandomSearch(const SearcherOptions& options)
      : rng_(options.seed), unasked_(options.cardinalities) {}

  std::vector<Proposal> ask(int n) override;
  void tell(std::span<const Outcome>) override {}  // learns nothing

 private:
  Rng rng_;
  Unasked unasked_;
};

}  // namespace hwnas
