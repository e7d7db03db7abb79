// Regularized evolution (Real et al. 2019, doi:10.1609/aaai.v33i01.33014780).
//
// The population is a queue: whoever is told enters, the oldest leaves. A child is a mutant of the
// best of a tournament, drawn with replacement; with several objectives the best is the one with
// the lowest front number, then the largest crowding distance, both within the tournament.
#pragma once

#include "search/searchers/evolution.h"

namespace hwnas {

class RegularizedEvolution : public Evolution {
 public:
  explicit RegularizedEvolution(const SearcherOptions& options)
      : Evolution(options), tournament_(options.tournament) {}

 private:
  Proposal conceive() override;
  void survive() override;

  int tournament_;
};

}  // namespace hwnas
