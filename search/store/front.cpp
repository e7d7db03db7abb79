#include "search/store/front.h"

#include <algorithm>
#include <optional>

#include "search/front_probability.h"
#include "search/pareto.h"

namespace hwnas {
namespace {

// An objective of the front: which of a trial's values count.
struct Axis {
  const Objective* objective;
  std::optional<Source> source;
  double fidelity = 0;

  const Measurement* find_in(const Trial& trial) const {
    for (const Measurement& m : trial.measurements) {
      if (m.key == objective->key && m.source == source && m.fidelity == fidelity) return &m;
    }
    return nullptr;
  }
};

std::vector<Axis> axes_of(std::span<const Trial> trials, std::span<const Objective> objectives) {
  std::vector<Axis> axes;
  for (const Objective& objective : objectives) {
    if (!objective.optimised) continue;
    Axis& axis = axes.emplace_back(Axis{&objective, {}, 0});
    for (const Trial& trial : trials) {
      if (trial.state != TrialState::complete) continue;
      const Measurement* m = find(trial, objective.key);
      if (!m || (axis.source && m->source < *axis.source)) continue;
      const bool higher = !axis.source || m->source > *axis.source;
      axis.fidelity = higher ? m->fidelity : std::max(axis.fidelity, m->fidelity);
      axis.source = m->source;
    }
  }
  return axes;
}

// The complete trials that have a value on every axis.
struct Points {
  int axes = 0;
  std::vector<double> values, stddevs;  // row-major, minimised; stddev 0 where unknown
  std::vector<std::size_t> owners;
};

Points points_of(std::span<const Trial> trials, std::span<const Objective> objectives) {
  const std::vector<Axis> axes = axes_of(trials, objectives);
  Points points;
  points.axes = static_cast<int>(axes.size());
  for (std::size_t i = 0; i < trials.size(); ++i) {
    if (trials[i].state != TrialState::complete) continue;
    std::vector<double> values, stddevs;
    for (const Axis& axis : axes) {
      const Measurement* m = axis.find_in(trials[i]);
      if (!m) continue;
      values.push_back(axis.objective->minimised(m->value));
      stddevs.push_back(m->stddev.value_or(0));
    }
    if (axes.empty() || values.size() != axes.size()) continue;
    points.values.insert(points.values.end(), values.begin(), values.end());
    points.stddevs.insert(points.stddevs.end(), stddevs.begin(), stddevs.end());
    points.owners.push_back(i);
  }
  return points;
}

}  // namespace

std::vector<std::size_t> front_of(std::span<const Trial> trials,
                                  std::span<const Objective> objectives) {
  const Points points = points_of(trials, objectives);
  std::vector<std::size_t> front;
  if (points.owners.empty()) return front;
  for (const int at : pareto_front(points.values, points.axes)) {
    front.push_back(points.owners[static_cast<std::size_t>(at)]);
  }
  return front;
}

std::vector<double> front_probabilities(std::span<const Trial> trials,
                                        std::span<const Objective> objectives) {
  const Points points = points_of(trials, objectives);
  std::vector<double> probabilities;
  const bool exact = std::all_of(points.stddevs.begin(), points.stddevs.end(),
                                 [](double stddev) { return stddev <= 0; });
  if (exact) return probabilities;
  for (const int at : pareto_front(points.values, points.axes)) {
    probabilities.push_back(front_probability(points.values, points.stddevs, points.axes, at));
  }
  return probabilities;
}

KeptFront::KeptFront(const std::vector<Objective>& objectives) {
  for (const Objective& o : objectives) {
    if (o.optimised) axes_.push_back({o, {}, 0});
  }
}

void KeptFront::restart(std::span<const Trial> trials) {
  std::vector<Objective> objectives;
  for (const Axis& axis : axes_) objectives.push_back(axis.objective);
  const std::vector<hwnas::Axis> found = axes_of(trials, objectives);
  for (std::size_t k = 0; k < axes_.size(); ++k) {
    axes_[k].source = found[k].source;
    axes_[k].fidelity = found[k].fidelity;
  }
  members_.clear();
  ids_.clear();
  for (const std::size_t i : front_of(trials, objectives)) {
    members_.emplace_back(trials[i].id, values_of(trials[i]));
    ids_.insert(trials[i].id);
  }
}

std::vector<double> KeptFront::values_of(const Trial& trial) const {
  std::vector<double> values;
  for (const Axis& axis : axes_) {
    const Measurement* m = hwnas::Axis{&axis.objective, axis.source, axis.fidelity}.find_in(trial);
    if (m == nullptr) return {};
    values.push_back(axis.objective.minimised(m->value));
  }
  return values;
}

bool KeptFront::add(const Trial& trial) {
  for (const Axis& axis : axes_) {
    const Measurement* m = find(trial, axis.objective.key);
    if (m == nullptr) continue;
    if (!axis.source || m->source > *axis.source ||
        (m->source == *axis.source && m->fidelity > axis.fidelity))
      return false;
  }
  std::vector<double> values = values_of(trial);
  if (values.empty()) return true;
  for (const auto& [id, others] : members_) {
    if (dominates(others, values)) return true;
  }
  std::erase_if(members_, [&](const auto& member) {
    const bool beaten = dominates(values, member.second);
    if (beaten) ids_.erase(member.first);
    return beaten;
  });
  members_.emplace_back(trial.id, std::move(values));
  ids_.insert(trial.id);
  return true;
}

}  // namespace hwnas
