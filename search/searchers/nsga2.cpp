#include "search/searchers/nsga2.h"

#include "space/operators.h"

namespace hwnas {

Proposal Nsga2::conceive() {
  const Individual& a = tournament();
  const Individual& b = tournament();
  if (a.id == b.id || !rng().chance(crossover_rate_)) return {a.genotype, {a.id}, "mutate"};
  return {crossover(a.genotype, b.genotype, rng()), {a.id, b.id}, "crossover"};
}

const Individual& Nsga2::tournament() {
  const Individual& a = any();
  const Individual& b = any();
  return preferred(b, a) ? b : a;
}

}  // namespace hwnas
