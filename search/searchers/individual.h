// Individual: a member of an evolutionary searcher's population, and how two of them compare.
//
// Constrained domination (Deb et al. 2002, doi:10.1109/4235.996017, section VI): whoever keeps the
// bounds beats whoever breaks them, of those that break them the smaller violation wins, and among
// those that keep them front number decides, then crowding distance. Complete trials are compared
// with each other, then stopped ones with each other, by what was known at their rung: a stopped
// trial never comes before a complete one, whose values are of another fidelity.
#pragma once

#include <limits>
#include <span>
#include <vector>

#include "search/searcher.h"

namespace hwnas {

struct Individual {
  TrialId id = 0;
  Genotype genotype;
  std::vector<double> objectives;  // minimised; empty where infeasible
  double violation = 0;
  int rung = -1;  // that it was stopped at, from 0; -1: complete or infeasible
  int rank = std::numeric_limits<int>::max();  // front number within the set last ranked
  double crowding = 0;                         // within that front
};

// a came through more rungs than b.
bool came_farther(const Individual& a, const Individual& b);

// Strictly preferred, as individuals of one ranked set.
bool preferred(const Individual& a, const Individual& b);

// Sets rank and crowding of every feasible individual with respect to those of this set that were
// measured as it was.
void rank(std::vector<Individual>& individuals);

// Sets the crowding of all with respect to this set, of which either all or none are feasible, and
// all were measured at one rung or none at any.
void set_crowding(std::span<Individual* const> front);

// Keeps the best `count`, in order of preference; ties: the earlier trial.
void keep_best(std::vector<Individual>& individuals, std::size_t count);

// Turns outcomes into individuals, once for each trial: failed trials and trials told before (as
// duplicates of a later proposal) give none, nor do stopped ones of which an objective is unknown.
class Intake {
 public:
  std::vector<Individual> take(std::span<const Outcome> outcomes);

 private:
  std::vector<bool> told_;  // by id; ids count from 0
};

}  // namespace hwnas
