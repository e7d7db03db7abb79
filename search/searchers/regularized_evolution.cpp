#include "search/searchers/regularized_evolution.h"

#include <algorithm>

namespace hwnas {

Proposal RegularizedEvolution::conceive() {
  std::vector<Individual> rivals;
  for (int i = 0; i < tournament_; ++i) rivals.push_back(any());
  rank(rivals);
  const auto best = std::min_element(rivals.begin(), rivals.end(), preferred);
  return {std::move(best->genotype), {best->id}, "mutate"};
}

void RegularizedEvolution::survive() {
  const std::size_t count = population().size();
  if (count <= size()) return;
  const auto oldest = population().begin();
  population().erase(oldest, oldest + static_cast<std::ptrdiff_t>(count - size()));
}

}  // namespace hwnas
