#include "search/engine/feasibility.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace hwnas {
namespace {

Range range_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto at = [&values](double share) {
    const double place = share * static_cast<double>(values.size() - 1);
    const auto low = static_cast<std::size_t>(place);
    const std::size_t high = std::min(low + 1, values.size() - 1);
    return values[low] + (place - static_cast<double>(low)) * (values[high] - values[low]);
  };
  return {values.front(), at(0.25), at(0.5), at(0.75), values.back()};
}

MetricRange metric_range(const MetricKey& key, const std::vector<Trial>& sample) {
  MetricRange result{key, {}, {}};
  std::vector<double> values;
  for (const Trial& trial : sample) {
    const Measurement* m = find(trial, key);
    if (!m) continue;
    values.push_back(m->value);
    result.source = m->source;
  }
  if (!values.empty()) result.range = range_of(std::move(values));
  return result;
}

bool meets(const Trial& trial, const Objective& objective) {
  const Measurement* m = find(trial, objective.key);
  return !m || objective.violation(*m) == 0;
}

}  // namespace

Feasibility feasibility(const Survey& survey, std::span<const Objective> objectives) {
  Feasibility result;
  result.costed = static_cast<std::int64_t>(survey.sample.size());
  for (const Objective& objective : objectives) {
    result.metrics.push_back(metric_range(objective.key, survey.sample));
    if (!objective.bound) continue;
    BoundShare& share = result.bounds.emplace_back();
    share.objective = objective;
    share.nearest = std::numeric_limits<double>::quiet_NaN();
    share.known = result.metrics.back().source.has_value();
  }
  for (const Trial& trial : survey.sample) {
    std::vector<bool> met;
    for (const BoundShare& share : result.bounds) met.push_back(meets(trial, share.objective));
    const auto broken = std::count(met.begin(), met.end(), false);
    result.within += broken == 0;
    for (std::size_t i = 0; i < met.size(); ++i) {
      result.bounds[i].alone += met[i];
      result.bounds[i].without += broken == 0 || (broken == 1 && !met[i]);
    }
  }
  for (BoundShare& share : result.bounds) {
    share.binds = share.without > result.within;
    for (const SurveyedBound& found : survey.bounds) {
      if (found.objective.key != share.objective.key) continue;
      share.nearest = found.within;
      if (!survey.any_feasible) share.binds = found.binding;
    }
  }
  return result;
}

}  // namespace hwnas
