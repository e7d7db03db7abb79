#include "search/searchers/individual.h"

#include <algorithm>
#include <cassert>
#include <map>

#include "search/pareto.h"

namespace hwnas {
namespace {

bool feasible(const Individual& individual) {
  return individual.violation <= 0;
}

// How far it came: the rung that it was stopped at, or beyond all.
int height(const Individual& individual) {
  return individual.rung >= 0 ? individual.rung : std::numeric_limits<int>::max();
}

// Of feasible ones that were measured alike.
void rank_alike(std::span<Individual* const> members) {
  std::vector<double> points;
  for (const Individual* member : members)
    points.insert(points.end(), member->objectives.begin(), member->objectives.end());
  const auto m = static_cast<int>(members.front()->objectives.size());
  const std::vector<int> ranks = non_dominated_sort(points, m);
  std::vector<std::size_t> ends(members.size() + 1);  // of the fronts, first where each begins
  for (const int front : ranks) ++ends[static_cast<std::size_t>(front) + 1];
  for (std::size_t k = 1; k < ends.size(); ++k) ends[k] += ends[k - 1];
  std::vector<Individual*> fronts(members.size());
  for (std::size_t i = 0; i < members.size(); ++i) {
    members[i]->rank = ranks[i];
    fronts[ends[static_cast<std::size_t>(ranks[i])]++] = members[i];
  }
  std::size_t from = 0;
  for (std::size_t k = 0; from < fronts.size(); from = ends[k++])
    set_crowding(std::span(fronts).subspan(from, ends[k] - from));
}

}  // namespace

bool came_farther(const Individual& a, const Individual& b) {
  return height(a) > height(b);
}

bool preferred(const Individual& a, const Individual& b) {
  if (!feasible(a) || !feasible(b)) return a.violation < b.violation;
  if (a.rung != b.rung) return came_farther(a, b);
  return a.rank != b.rank ? a.rank < b.rank : a.crowding > b.crowding;
}

void rank(std::vector<Individual>& individuals) {
  std::map<int, std::vector<Individual*>> alike;  // by rung
  for (Individual& individual : individuals) {
    if (feasible(individual)) alike[individual.rung].push_back(&individual);
  }
  for (const auto& [rung, members] : alike) rank_alike(members);
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
  std::vector<Individual*> order;  // moved once each, not at every step of the sort
  order.reserve(individuals.size());
  for (Individual& individual : individuals) order.push_back(&individual);
  std::sort(order.begin(), order.end(), [](const Individual* a, const Individual* b) {
    if (preferred(*a, *b)) return true;
    return !preferred(*b, *a) && a->id < b->id;
  });
  std::vector<Individual> best;
  best.reserve(count);
  for (std::size_t i = 0; i < std::min(count, order.size()); ++i)
    best.push_back(std::move(*order[i]));
  individuals.swap(best);
}

std::vector<Individual> Intake::take(std::span<const Outcome> outcomes) {
  std::vector<Individual> individuals;
  for (const Outcome& outcome : outcomes) {
    assert(outcome.state != TrialState::running);
    const auto id = static_cast<std::size_t>(outcome.id);
    if (id >= told_.size()) told_.resize(id + 1);
    if (told_[id]) continue;
    told_[id] = true;
    if (outcome.state == TrialState::failed) continue;
    const bool complete = outcome.state == TrialState::complete;
    const bool stopped = outcome.state == TrialState::stopped;
    if (stopped && outcome.objectives.empty()) continue;
    assert(complete || stopped ? !outcome.objectives.empty() : outcome.violation > 0);
    const bool within = complete || (stopped && outcome.violation <= 0);
    individuals.push_back({.id = outcome.id,
                           .genotype = outcome.genotype,
                           .objectives = within ? outcome.objectives : std::vector<double>{},
                           .violation = within ? 0 : outcome.violation,
                           .rung = stopped ? static_cast<int>(outcome.rungs.size()) - 1 : -1});
  }
  return individuals;
}

}  // namespace hwnas
