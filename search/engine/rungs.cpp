#include "search/engine/rungs.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "search/pareto.h"

namespace hwnas {
namespace {

struct Standing {
  double violation = 0;
  int rank = 0;
  double crowding = 0;
  TrialId id = 0;
};

bool ahead(const Standing& a, const Standing& b) {
  if (a.violation != b.violation) return a.violation < b.violation;
  if (a.rank != b.rank) return a.rank < b.rank;
  if (a.crowding != b.crowding) return a.crowding > b.crowding;
  return a.id < b.id;
}

// Of each trial the loss of a training at this very fidelity; empty where one has none.
std::vector<double> losses_at(std::span<const Trial* const> cohort, double fidelity) {
  std::vector<double> losses;
  for (const Trial* trial : cohort) {
    const Measurement* m = find_at_rung(*trial, {Metric::training_loss, ""}, fidelity);
    if (!m || m->fidelity != fidelity) return {};
    losses.push_back(m->value);
  }
  return losses;
}

// One column for each optimised objective that is known of the whole cohort.
std::vector<std::vector<double>> axes_at(std::span<const Trial* const> cohort,
                                         std::span<const Objective> objectives, double fidelity) {
  std::vector<std::vector<double>> axes;
  for (const Objective& objective : objectives) {
    if (!objective.optimised) continue;
    std::vector<double> axis;
    if (is_learned(objective.key.metric)) axis = losses_at(cohort, fidelity);
    for (std::size_t i = axis.size(); i < cohort.size(); ++i) {
      const Measurement* m = find_at_rung(*cohort[i], objective.key, fidelity);
      if (!m) break;
      axis.push_back(objective.minimised(m->value));
    }
    if (axis.size() == cohort.size()) axes.push_back(std::move(axis));
  }
  return axes;
}

// Sets rank and crowding of `members` (indices), compared with each other.
void compare(const std::vector<std::vector<double>>& axes, std::span<const std::size_t> members,
             std::vector<Standing>& standings) {
  if (axes.empty() || members.empty()) return;
  const auto m = static_cast<int>(axes.size());
  const auto points_of = [&axes](std::span<const std::size_t> some) {
    std::vector<double> points;
    for (const std::size_t i : some) {
      for (const std::vector<double>& axis : axes) points.push_back(axis[i]);
    }
    return points;
  };
  const std::vector<int> ranks = non_dominated_sort(points_of(members), m);
  std::vector<std::vector<std::size_t>> fronts;
  for (std::size_t i = 0; i < members.size(); ++i) {
    const auto front = static_cast<std::size_t>(ranks[i]);
    if (front >= fronts.size()) fronts.resize(front + 1);
    fronts[front].push_back(members[i]);
    standings[members[i]].rank = ranks[i];
  }
  for (const std::vector<std::size_t>& front : fronts) {
    const std::vector<double> distances = crowding_distance(points_of(front), m);
    for (std::size_t i = 0; i < front.size(); ++i) standings[front[i]].crowding = distances[i];
  }
}

}  // namespace

bool has_rungs(const Plan& plan) {
  return std::any_of(plan.begin(), plan.end(), [](const Stage& stage) { return stage.is_rung(); });
}

std::size_t kept(const Stage& rung, std::size_t trials) {
  const auto share = static_cast<std::size_t>(std::lround(rung.keep * static_cast<double>(trials)));
  return std::min(trials, std::max<std::size_t>(1, share));
}

double highest_cost(const Plan& plan, std::size_t trials) {
  double cost = 0;
  for (const Stage& stage : plan) {
    cost += static_cast<double>(trials) * stage.evaluator->cost();
    if (stage.is_rung()) trials = kept(stage, trials);
  }
  return cost;
}

std::vector<double> values_at_rung(const Trial& trial, std::span<const Objective> objectives,
                                   double fidelity) {
  std::vector<double> values;
  for (const Objective& objective : objectives) {
    const Measurement* m = find_at_rung(trial, objective.key, fidelity);
    values.push_back(m ? objective.minimised(m->value) : std::nan(""));
  }
  return values;
}

std::vector<std::size_t> rank_at_rung(std::span<const Trial* const> cohort,
                                      std::span<const Trial* const> elders,
                                      std::span<const Objective> objectives, double fidelity) {
  std::vector<const Trial*> all(cohort.begin(), cohort.end());
  all.insert(all.end(), elders.begin(), elders.end());
  std::vector<Standing> standings(all.size());
  std::vector<std::size_t> within;  // that keep the bounds
  for (std::size_t i = 0; i < all.size(); ++i) {
    standings[i].id = all[i]->id;
    for (const Objective& objective : objectives) {
      const Measurement* m = find_at_rung(*all[i], objective.key, fidelity);
      if (m) standings[i].violation += objective.violation(*m);
    }
    if (standings[i].violation <= 0) within.push_back(i);
  }
  compare(axes_at(all, objectives, fidelity), within, standings);
  std::vector<std::size_t> order(cohort.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return ahead(standings[a], standings[b]); });
  return order;
}

}  // namespace hwnas
