#include "search/searchers/individual.h"

#include <algorithm>
#include <cassert>

#include "search/pareto.h"

namespace hwnas {
namespace {

bool feasible(const Individual& individual) {
  return individual.violation <= 0;
}

}  // namespace

bool preferred(const Individual& a, const Individual& b) {
  if (!feasible(a) || !feasible(b)) return a.violation < b.violation;
  return a.rank != b.rank ? a.rank < b.rank : a.crowding > b.crowding;
}

void rank(std::vector<Individual>& individuals) {
  std::vector<Individual*> members;
  std::vector<double> points;
  for (Individual& individual : individuals) {
    if (!feasible(individual)) continue;
    members.push_back(&individual);
    points.insert(points.end(), individual.objectives.begin(), individual.objectives.end());
  }
  if (members.empty()) return;
  const auto m = static_cast<int>(members.front()->objectives.size());
  const std::vector<int> ranks = non_dominated_sort(points, m);
  std::vector<std::vector<Individual*>> fronts;
  for (std::size_t i = 0; i < members.size(); ++i) {
    members[i]->rank = ranks[i];
    const auto front = static_cast<std::size_t>(ranks[i]);
    if (front >= fronts.size()) fronts.resize(front + 1);
    fronts[front].push_back(members[i]);
  }
  for (const std::vector<Individual*>& front : fronts) set_crowding(front);
}

void set_crowding(std::span<Individual* const> front) {
  if (front.empty() || !feasible(*front.front())) return;
  std::vector<double> points;
  for (const Individual* member : front) {
    points.insert(points.end(), member->objectives.begin(), member->objectives.end());
  }
  const auto m = static_cast<int>(front.front()->objectives.size());
  const std::vector<double> distances = crowding_distance(points, m);
  for (std::size_t i = 0; i < front.size(); ++i) front[i]->crowding = distances[i];
}

void keep_best(std::vector<Individual>& individuals, std::size_t count) {
  rank(individuals);
  std::sort(individuals.begin(), individuals.end(), [](const Individual& a, const Individual& b) {
    if (preferred(a, b)) return true;
    return !preferred(b, a) && a.id < b.id;
  });
  if (individuals.size() > count) individuals.resize(count);
}

std::vector<Individual> Intake::take(std::span<const Outcome> outcomes) {
  std::vector<Individual> individuals;
  for (const Outcome& outcome : outcomes) {
    assert(outcome.state != TrialState::running);
    if (!told_.insert(outcome.id).second || outcome.state == TrialState::failed) continue;
    const bool complete = outcome.state == TrialState::complete;
    assert(complete ? !outcome.objectives.empty() : outcome.violation > 0);
    individuals.push_back({.id = outcome.id,
                           .genotype = outcome.genotype,
                           .objectives = complete ? outcome.objectives : std::vector<double>{},
                           .violation = complete ? 0 : outcome.violation});
  }
  return individuals;
}

}  // namespace hwnas
