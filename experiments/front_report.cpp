#include "experiments/front_report.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "experiments/table.h"
#include "experiments/values_json.h"
#include "search/pareto.h"
#include "search/store/front.h"

namespace hwnas {
namespace {

using nlohmann::json;

std::vector<Objective> optimised(const std::vector<Objective>& objectives) {
  std::vector<Objective> chosen;
  for (const Objective& o : objectives) {
    if (o.optimised) chosen.push_back(o);
  }
  return chosen;
}

// Minimised values of the front, row-major.
std::vector<double> matrix(const std::vector<Trial>& front,
                           const std::vector<Objective>& objectives) {
  std::vector<double> points;
  for (const Trial& trial : front) {
    for (const Objective& o : objectives) points.push_back(o.minimised(find(trial, o.key)->value));
  }
  return points;
}

std::string bound_text(const Objective& o) {
  return to_text(o.key) + (maximised(o.key.metric) ? " \u2265 " : " \u2264 ") +
         format_quantity(*o.bound, unit(o.key.metric));
}

// " accuracy 100 % to 0 %, latency@x 1.2 ms to 300 ms": from the ideal to the reference.
std::string box_text(const std::vector<Objective>& axes, const FrontReport& box) {
  std::string text;
  for (std::size_t i = 0; i < axes.size() && i < box.reference.size() && i < box.ideal.size();
       ++i) {
    const Unit u = unit(axes[i].key.metric);
    text += (i ? ", " : " ") + to_text(axes[i].key) + " " +
            format_quantity(axes[i].restored(box.ideal[i]), u) + " to " +
            format_quantity(axes[i].restored(box.reference[i]), u);
  }
  return text;
}

// Order, knee and hypervolume.
void finish(FrontReport& report) {
  const std::vector<Objective> axes = optimised(report.objectives);
  std::stable_sort(report.front.begin(), report.front.end(),
                   [&axes](const Trial& a, const Trial& b) {
                     return axes[0].minimised(find(a, axes[0].key)->value) <
                            axes[0].minimised(find(b, axes[0].key)->value);
                   });
  const std::vector<double> points = matrix(report.front, axes);
  report.knee = knee(points, static_cast<int>(axes.size()));
  report.hypervolume = hypervolume_share(points, report.ideal, report.reference);
}

std::string why_empty(const Study& study) {
  const std::vector<Trial> trials = study.trials();
  const TrialCounts counts = count_states(trials);
  std::string text = "no trial is complete yet: " + std::to_string(trials.size()) + " trials, " +
                     std::to_string(counts.infeasible) + " infeasible, " +
                     std::to_string(counts.failed) + " failed, " +
                     (counts.stopped > 0 ? std::to_string(counts.stopped) + " stopped, " : "") +
                     std::to_string(counts.running) + " unfinished\n";
  for (auto it = trials.rbegin(); it != trials.rend(); ++it) {
    if (it->reason.empty()) continue;
    text += "last reason (trial " + std::to_string(it->id) + "): " + it->reason + "\n";
    break;
  }
  return text;
}

}  // namespace

TrialCounts count_states(const std::vector<Trial>& trials) {
  TrialCounts counts;
  for (const Trial& trial : trials) {
    switch (trial.state) {
      case TrialState::complete:
        ++counts.complete;
        break;
      case TrialState::infeasible:
        ++counts.infeasible;
        break;
      case TrialState::failed:
        ++counts.failed;
        break;
      case TrialState::stopped:
        ++counts.stopped;
        break;
      case TrialState::running:
        ++counts.running;
        break;
    }
  }
  return counts;
}

FrontReport report_front(const Study& study) {
  FrontReport report;
  report.study = study.info().name;
  report.objectives = study.info().objectives;
  report.front = study.front();
  report.ideal = study.info().ideal;
  report.reference = study.info().reference;
  if (report.front.empty()) report.why_empty = why_empty(study);
  finish(report);
  return report;
}

FrontReport report_front(std::string study, std::vector<Objective> objectives,
                         const std::vector<Trial>& trials) {
  FrontReport report;
  report.study = std::move(study);
  report.objectives = std::move(objectives);
  for (const std::size_t i : front_of(trials, report.objectives)) report.front.push_back(trials[i]);
  const std::vector<Objective> axes = optimised(report.objectives);
  const std::vector<double> all = matrix(trials, axes);
  for (std::size_t j = 0; j < axes.size() && !all.empty(); ++j) {
    double low = all[j], high = all[j];
    for (std::size_t i = j; i < all.size(); i += axes.size()) {
      low = std::min(low, all[i]);
      high = std::max(high, all[i]);
    }
    report.ideal.push_back(low);
    report.reference.push_back(high);
  }
  finish(report);
  return report;
}

std::string value_text(const Measurement& m) {
  const Unit u = unit(m.key.metric);
  if (m.stddev && u == Unit::fraction) {
    char text[48];
    std::snprintf(text, sizeof text, "%.1f \u00b1 %.1f %%", 100 * m.value, 100 * *m.stddev);
    return text;
  }
  std::string text = format_quantity(m.value, u);
  if (m.stddev) text += " \u00b1 " + format_quantity(*m.stddev, u);
  return text;
}

std::string to_text(const FrontReport& report, const std::vector<std::string>& marks) {
  if (report.front.empty()) return report.why_empty;
  const std::vector<Objective> axes = optimised(report.objectives);
  Table table;
  table.column("trial");
  std::vector<MetricKey> keys;
  for (const Objective& o : report.objectives) keys.push_back(o.key);
  keys.push_back({Metric::parameters, ""});
  std::sort(keys.begin() + static_cast<std::ptrdiff_t>(report.objectives.size()), keys.end());
  std::map<std::string, std::string> sources;
  std::vector<MetricKey> shown;
  for (const MetricKey& key : keys) {
    const bool twice = std::find(shown.begin(), shown.end(), key) != shown.end();
    const bool known = std::any_of(report.front.begin(), report.front.end(),
                                   [&key](const Trial& t) { return find(t, key); });
    if (twice || !known) continue;
    shown.push_back(key);
    table.column(to_text(key));
  }
  table.column("", Table::Align::left);
  for (std::size_t i = 0; i < report.front.size(); ++i) {
    const Trial& trial = report.front[i];
    std::vector<std::string> cells{std::to_string(trial.id)};
    for (const MetricKey& key : shown) {
      const Measurement* m = find(trial, key);
      cells.push_back(m ? value_text(*m) : "-");
      if (m) sources[std::string(to_string(key.metric))] = to_string(m->source);
    }
    std::string mark = marks.empty() ? "" : marks[i];
    if (static_cast<int>(i) == report.knee) mark += mark.empty() ? "\u2190 knee" : "  \u2190 knee";
    cells.push_back(std::move(mark));
    table.row(std::move(cells));
  }
  std::ostringstream out;
  out << table << report.front.size() << " on the front, hypervolume "
      << format_quantity(report.hypervolume, Unit::none) << " of the box" << box_text(axes, report)
      << '\n';
  std::string bounds;
  for (const Objective& o : report.objectives) {
    if (o.bound) bounds += (bounds.empty() ? "bounds: " : ", ") + bound_text(o);
  }
  if (!bounds.empty()) out << bounds << '\n';
  std::map<std::string, std::string> by_source;
  for (const auto& [metric, source] : sources) {
    std::string& list = by_source[source];
    list += (list.empty() ? "" : ", ") + metric;
  }
  out << "numbers:";
  for (const auto& [source, metrics] : by_source) out << ' ' << source << " (" << metrics << ')';
  out << '\n';
  return out.str();
}

std::string to_json(const FrontReport& report) {
  json document{{"study", report.study},
                {"hypervolume", report.hypervolume},
                {"reference", report.reference},
                {"ideal", report.ideal}};
  document["objectives"] = json::array();
  for (const Objective& o : report.objectives) {
    json entry{{"key", to_text(o.key)},
               {"metric", to_string(o.key.metric)},
               {"device", o.key.device},
               {"optimised", o.optimised},
               {"maximised", maximised(o.key.metric)}};
    entry["bound"] = o.bound ? json(*o.bound) : json();
    document["objectives"].push_back(std::move(entry));
  }
  document["front"] = json::array();
  for (std::size_t i = 0; i < report.front.size(); ++i) {
    const Trial& trial = report.front[i];
    json entry{{"trial", trial.id},
               {"genotype", to_text(trial.genotype)},
               {"knee", static_cast<int>(i) == report.knee}};
    if (!trial.measurements.empty()) entry["values"] = values_json(trial);
    document["front"].push_back(std::move(entry));
  }
  return document.dump(2);
}

}  // namespace hwnas
