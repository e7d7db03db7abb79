#include "search/store/front.h"

#include <algorithm>
#include <optional>

#include "search/pareto.h"

namespace hwnas {

std::vector<std::size_t> front_of(std::span<const Trial> trials,
                                  std::span<const Objective> objectives) {
  struct Axis {
    const Objective* objective;
    std::optional<Source> source;
    double fidelity = 0;

    bool counts(const Measurement& m) const {
      return m.key == objective->key && m.source == source && m.fidelity == fidelity;
    }
  };
  std::vector<Axis> axes;
  for (const Objective& objective : objectives) {
    if (!objective.optimised) continue;
    axes.push_back({&objective, {}, 0});
    for (const Trial& trial : trials) {
      if (trial.state != TrialState::complete) continue;
      const Measurement* m = find(trial, objective.key);
      Axis& axis = axes.back();
      if (!m || (axis.source && m->source < *axis.source)) continue;
      const bool higher = !axis.source || m->source > *axis.source;
      axis.fidelity = higher ? m->fidelity : std::max(axis.fidelity, m->fidelity);
      axis.source = m->source;
    }
  }
  std::vector<double> points;
  std::vector<std::size_t> owners;
  for (std::size_t i = 0; i < trials.size(); ++i) {
    if (trials[i].state != TrialState::complete) continue;
    std::vector<double> point;
    for (const Axis& axis : axes) {
      const auto& measured = trials[i].measurements;
      const auto m = std::find_if(measured.begin(), measured.end(),
                                  [&axis](const Measurement& one) { return axis.counts(one); });
      if (m != measured.end()) point.push_back(axis.objective->minimised(m->value));
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
