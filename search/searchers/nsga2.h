// NSGA-II (Deb et al. 2002, doi:10.1109/4235.996017) for discrete genes and small budgets.
//
// Parents win binary tournaments and are crossed uniformly; a child of two need not mutate. After
// every tell() the best of population and newcomers live on (mu + lambda), whatever the size of the
// batch.
#pragma once

#include "search/searchers/evolution.h"

namespace hwnas {

class Nsga2 : public Evolution {
 public:
  explicit Nsga2(const SearcherOptions& options)
      : Evolution(options), crossover_rate_(options.crossover_rate) {}

 private:
  Proposal conceive() override;
  void survive() override { keep_best(population(), size()); }
  const Individual& tournament();

  double crossover_rate_;
};

}  // namespace hwnas
