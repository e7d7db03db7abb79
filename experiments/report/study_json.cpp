#include "experiments/report/study_json.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "experiments/experiment.h"
#include "experiments/front_report.h"
#include "search/pareto.h"

namespace hwnas {
namespace {

using nlohmann::json;

std::string_view unit_name(Unit unit) {
  switch (unit) {
    case Unit::second:
      return "s";
    case Unit::joule:
      return "J";
    case Unit::byte:
      return "B";
    case Unit::usd:
      return "USD";
    case Unit::count:
      return "count";
    case Unit::fraction:
      return "share";
    case Unit::none:
      break;
  }
  return "";
}

// One value where all are the same: most columns of sources and errors are.
json packed(json column) {
  const bool same = !column.empty() && std::all_of(column.begin(), column.end(),
                                                   [&](const json& v) { return v == column[0]; });
  return same ? json(column[0]) : column;
}

json finite(double value) {
  return std::isfinite(value) ? json(value) : json();
}

std::vector<MetricKey> metrics_of(const StudyInfo& info, const std::vector<Trial>& trials) {
  std::vector<MetricKey> keys;
  std::set<MetricKey> known;
  const auto add = [&](const MetricKey& key) {
    if (known.insert(key).second) keys.push_back(key);
  };
  for (const Objective& o : info.objectives) add(o.key);
  std::set<MetricKey> others;
  for (const Trial& trial : trials) {
    for (const Measurement& m : trial.measurements) others.insert(m.key);
  }
  for (const MetricKey& key : others) add(key);
  return keys;
}

json metric_column(const MetricKey& key, const std::vector<Trial>& trials) {
  json values = json::array(), stddevs = json::array(), sources = json::array(),
       fidelities = json::array();
  for (const Trial& trial : trials) {
    const Measurement* m = find(trial, key);
    values.push_back(m != nullptr ? finite(m->value) : json());
    stddevs.push_back(m != nullptr && m->stddev ? finite(*m->stddev) : json());
    sources.push_back(m != nullptr ? json(to_string(m->source)) : json());
    fidelities.push_back(m != nullptr ? json(m->fidelity) : json());
  }
  return {{"key", to_text(key)},
          {"metric", to_string(key.metric)},
          {"device", key.device},
          {"unit", unit_name(unit(key.metric))},
          {"maximised", maximised(key.metric)},
          {"value", std::move(values)},
          {"stddev", packed(std::move(stddevs))},
          {"source", packed(std::move(sources))},
          {"fidelity", packed(std::move(fidelities))}};
}

json gene_columns(const SearchSpace& space, const std::vector<Trial>& trials) {
  json genes = json::array();
  for (const Choice& choice : space.choices())
    genes.push_back({{"name", choice.name}, {"options", choice.options}, {"value", json::array()}});
  for (const Trial& trial : trials) {
    const std::vector<bool> active = space.active_genes(trial.genotype);
    for (std::size_t g = 0; g < genes.size(); ++g)
      genes[g]["value"].push_back(active[g] ? json(trial.genotype.genes[g]) : json());
  }
  return genes;
}

json objectives_json(const StudyInfo& info) {
  json all = json::array();
  for (std::size_t i = 0; i < info.objectives.size(); ++i) {
    const Objective& o = info.objectives[i];
    json entry{{"key", to_text(o.key)}, {"optimised", o.optimised}};
    entry["bound"] = o.bound ? json(*o.bound) : json();
    entry["probability"] = o.bound && o.probability > 0 ? json(o.probability) : json();
    all.push_back(std::move(entry));
  }
  return all;
}

// [[trials so far, share], ...]: where it changes, at most some hundred places, and at the end.
json hypervolume_steps(const StudyInfo& info, const FrontReport& report,
                       const std::vector<Trial>& trials) {
  std::vector<Objective> axes;
  for (const Objective& o : info.objectives) {
    if (o.optimised) axes.push_back(o);
  }
  json steps = json::array();
  if (report.front.empty() || axes.empty()) return steps;
  // The axes' sources are the final front's, that the curve may end in its hypervolume.
  const auto row = [&](const Trial& trial, std::vector<double>& values) {
    values.clear();
    for (const Objective& o : axes) {
      const Measurement* of_front = find(report.front[0], o.key);
      const Measurement* m = find(trial, o.key);
      if (m == nullptr || m->source != of_front->source || m->fidelity != of_front->fidelity)
        return false;
      values.push_back(o.minimised(m->value));
    }
    return trial.state == TrialState::complete;
  };
  constexpr std::size_t kPlaces = 200;
  const std::size_t stride = std::max<std::size_t>(1, trials.size() / kPlaces);
  const std::size_t m = axes.size();
  std::vector<double> front, values, kept;
  bool changed = false;
  for (std::size_t i = 0; i < trials.size(); ++i) {
    if (row(trials[i], values)) {
      bool beaten = false;
      kept.clear();
      for (std::size_t at = 0; at < front.size() && !beaten; at += m) {
        const std::span<const double> member(front.data() + at, m);
        beaten =
            dominates(member, values) || std::equal(member.begin(), member.end(), values.begin());
        if (!dominates(values, member)) kept.insert(kept.end(), member.begin(), member.end());
      }
      if (!beaten) {
        kept.insert(kept.end(), values.begin(), values.end());
        front.swap(kept);
        changed = true;
      }
    }
    const bool last = i + 1 == trials.size();
    if (last || (changed && (i + 1) % stride == 0)) {
      steps.push_back({i + 1, hypervolume_share(front, report.ideal, report.reference)});
      changed = false;
    }
  }
  return steps;
}

}  // namespace

json study_json(const Study& study, const std::filesystem::path& path) {
  const StudyInfo& info = study.info();
  const std::vector<Trial> trials = study.trials();
  const FrontReport report = report_front(info, trials);
  json ids = json::array(), states = json::array(), origins = json::array(),
       parents = json::array(), metrics = json::array(), front = json::array();
  json reasons = json::object(), words = json::object();
  for (const Trial& trial : trials) {
    ids.push_back(trial.id);
    states.push_back(to_string(trial.state));
    origins.push_back(trial.origin);
    words[trial.origin] = origin_text(trial.origin);
    parents.push_back(trial.parents);
    if (!trial.reason.empty()) reasons[std::to_string(trial.id)] = trial.reason;
  }
  for (const MetricKey& key : metrics_of(info, trials))
    metrics.push_back(metric_column(key, trials));
  for (std::size_t i = 0; i < report.front.size(); ++i) {
    front.push_back({{"trial", report.front[i].id},
                     {"sure", report.sure.empty() ? json() : json(report.sure[i])}});
  }
  json devices = json::array();
  for (const StudyDevice& device : study.devices()) devices.push_back(device.name);
  return {{"name", info.name},
          {"file", path.filename().string()},
          {"version", info.version},
          {"algorithm", info.algorithm},
          {"seed", std::to_string(info.seed)},
          {"config", info.config},
          {"objectives", objectives_json(info)},
          {"devices", std::move(devices)},
          {"id", std::move(ids)},
          {"state", packed(std::move(states))},
          {"origin", packed(std::move(origins))},
          {"origin_words", std::move(words)},
          {"parents", std::move(parents)},
          {"reasons", std::move(reasons)},
          {"metrics", std::move(metrics)},
          {"genes", gene_columns(stored_space(study), trials)},
          {"front", std::move(front)},
          {"knee", report.knee >= 0 ? json(report.front[static_cast<std::size_t>(report.knee)].id)
                                    : json()},
          {"hypervolume", finite(report.hypervolume)},
          {"hypervolume_steps", hypervolume_steps(info, report, trials)},
          {"why_empty", report.why_empty}};
}

std::vector<TrialId> trials_in_depth(const Study& study, std::size_t most) {
  const std::vector<Trial> trials = study.trials();
  std::set<TrialId> chosen;
  const auto add = [&](TrialId id) {
    if (chosen.size() < most) chosen.insert(id);
  };
  if (trials.size() > most) {
    const std::vector<Trial> front = study.front();
    for (const Trial& trial : front) add(trial.id);
    for (const TrialId id : study.trained_in_full()) add(id);
    std::vector<TrialId> waiting(chosen.begin(), chosen.end());
    for (std::size_t i = 0; i < waiting.size() && chosen.size() < most; ++i) {
      for (const TrialId parent : trials[static_cast<std::size_t>(waiting[i])].parents) {
        if (chosen.insert(parent).second) waiting.push_back(parent);
      }
    }
  }
  for (auto it = trials.rbegin(); it != trials.rend(); ++it) add(it->id);
  return {chosen.begin(), chosen.end()};
}

}  // namespace hwnas
