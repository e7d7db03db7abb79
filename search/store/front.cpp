#include "search/store/front.h"

#include <optional>

#include "search/pareto.h"

namespace hwnas {

std::vector<std::size_t> front_of(std::span<const Trial> trials,
                                  std::span<const Objective> objectives) {
  struct Axis {
    const Objective* objective;
    std::optional<Source> source;
  };
  std::vector<Axis> axes;
  for (const Objective& objective : objectives) {
    if (!objective.optimised) continue;
    axes.push_back({&objective, {}});
    for (const Trial& trial : trials) {
      if (trial.state != TrialState::complete) continue;
      const Measurement* m = find(trial, objective.key);
      if (m && (!axes.back().source || m->source > *axes.back().source))
        axes.back().source = m->source;
    }
  }
  std::vector<double> points;
  std::vector<std::size_t> owners;
  for (std::size_t i = 0; i < trials.size(); ++i) {
    if (trials[i].state != TrialState::complete) continue;
    std::vector<double> point;
    for (const Axis& axis : axes) {
      const Measurement* m = find(trials[i], axis.objective->key, axis.source);
      if (m) point.push_back(axis.objective->minimised(m->value));
    }
    if (axes.empty() || point.size() != axes.size()) continue;
    points.insert(points.end(), point.begin(), point.end());
    owners.push_back(i);
  }
  std::vector<std::size_t> front;
  if (owners.empty()) return front;
  for (const int at : pareto_front(points, static_cast<int>(axes.size()))) {
    front.push_back(owners[static_cast<std::size_t>(at)]);
  }
  return front;
}

}  // namespace hwnas
