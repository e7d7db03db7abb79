#include "experiments/front_report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
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
         format_quantity(*o.bound, unit(o.key.metric)) + o.with_text();
}

// The front of these trials, its order, knee and hypervolume.
void finish(FrontReport& report, const std::vector<Trial>& trials) {
  const std::vector<Objective> axes = optimised(report.objectives);
  const std::vector<std::size_t> front = front_of(trials, report.objectives);
  const std::vector<double> sure = front_probabilities(trials, report.objectives);
  std::vector<std::size_t> order(front.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto first = [&](std::size_t i) {
    return axes[0].minimised(find(trials[front[i]], axes[0].key)->value);
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return first(a) < first(b); });
  for (const std::size_t i : order) {
    report.front.push_back(trials[front[i]]);
    if (!sure.empty()) report.sure.push_back(sure[i]);
  }
  const std::vector<double> points = matrix(report.front, axes);
  report.knee = knee(points, static_cast<int>(axes.size()));
  report.hypervolume = hypervolume_share(points, report.ideal, report.reference);
}

// The objectives and bounds that are known, and the parameters.
std::vector<MetricKey> shown_keys(const FrontReport& report) {
  std::vector<MetricKey> keys;
  const auto add = [&](const MetricKey& key) {
    const bool twice = std::find(keys.begin(), keys.end(), key) != keys.end();
    const bool known = std::any_of(report.front.begin(), report.front.end(),
                                   [&key](const Trial& t) { return find(t, key); });
    if (!twice && known) keys.push_back(key);
  };
  for (const Objective& o : report.objectives) add(o.key);
  add({Metric::parameters, ""});
  return keys;
}

// "numbers: analytic (latency, parameters) trained (accuracy)"; a metric with several sources is
// named with its devices.
std::string sources_text(const std::vector<Trial>& front, const std::vector<MetricKey>& keys) {
  std::map<Metric, std::set<Source>> of_metric;
  std::map<std::string, std::set<MetricKey>> of_source;
  for (const Trial& trial : front) {
    for (const MetricKey& key : keys) {
      const Measurement* m = find(trial, key);
      if (!m) continue;
      of_metric[key.metric].insert(m->source);
      of_source[std::string(to_string(m->source))].insert(key);
    }
  }
  std::string text = "numbers:";
  for (const auto& [source, its_keys] : of_source) {
    std::vector<std::string> names;
    for (const MetricKey& key : its_keys) {
      const bool one = of_metric[key.metric].size() == 1;
      std::string name = one ? std::string(to_string(key.metric)) : to_text(key);
      if (names.empty() || names.back() != name) names.push_back(std::move(name));
    }
    text.append(" ").append(source).append(" (");
    for (std::size_t i = 0; i < names.size(); ++i) text += (i ? ", " : "") + names[i];
    text += ")";
  }
  return text;
}

// "97 %"; never 100 % of what is less.
std::string percent(double share) {
  char text[32];
  const double whole = std::floor(100 * share + 0.5);
  std::snprintf(text, sizeof text, share < 1 && whole >= 100 ? "> 99 %%" : "%.0f %%", whole);
  return text;
}

std::string why_empty(const std::vector<Trial>& trials) {
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

std::string box_text(const std::vector<Objective>& axes, const std::vector<double>& ideal,
                     const std::vector<double>& reference) {
  std::string text;
  for (std::size_t i = 0; i < axes.size() && i < reference.size() && i < ideal.size(); ++i) {
    const Unit u = unit(axes[i].key.metric);
    text += (i ? ", " : " ") + to_text(axes[i].key) + " " +
            format_quantity(axes[i].restored(ideal[i]), u) + " to " +
            format_quantity(axes[i].restored(reference[i]), u);
  }
  return text;
}

std::string origin_text(const std::string& origin) {
  static const std::map<std::string, std::string> words{
      {"sample", "sampled at random"},
      {"design", "part of the initial design, spread over the space"},
      {"surrogate", "what the surrogate expected most of, bred from its parents"},
      {"neighbour", "a parent with one gene changed"},
      {"mutate", "a parent with genes changed"},
      {"crossover", "two parents crossed"},
      {"crossover+mutate", "two parents crossed, then genes changed"}};
  const auto found = words.find(origin);
  return found == words.end() ? origin : found->second + " (" + origin + ")";
}

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
  // The front alone says it, unless all trials are needed: for why there is none, and for how sure
  // it is.
  const std::vector<Trial> front = study.front();
  const auto uncertain = [&study](const Trial& trial) {
    return std::any_of(study.info().objectives.begin(), study.info().objectives.end(),
                       [&trial](const Objective& o) {
                         const Measurement* m = o.optimised ? find(trial, o.key) : nullptr;
                         return m != nullptr && m->stddev && *m->stddev > 0;
                       });
  };
  const bool all = front.empty() || std::any_of(front.begin(), front.end(), uncertain);
  return report_front(study.info(), all ? study.trials() : front);
}

FrontReport report_front(const StudyInfo& info, const std::vector<Trial>& trials) {
  FrontReport report;
  report.study = info.name;
  report.objectives = info.objectives;
  report.ideal = info.ideal;
  report.reference = info.reference;
  finish(report, trials);
  if (report.front.empty()) report.why_empty = why_empty(trials);
  return report;
}

FrontReport report_front(std::string study, std::vector<Objective> objectives,
                         const std::vector<Trial>& trials) {
  FrontReport report;
  report.study = std::move(study);
  report.objectives = std::move(objectives);
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
  finish(report, trials);
  return report;
}

std::string value_text(const Measurement& m) {
  const Unit u = unit(m.key.metric);
  return m.stddev ? format_quantity(m.value, *m.stddev, u) : format_quantity(m.value, u);
}

std::string front_table(const FrontReport& report, const std::vector<std::string>& marks) {
  const std::vector<MetricKey> keys = shown_keys(report);
  Table table;
  table.column("trial");
  for (const MetricKey& key : keys) table.column(to_text(key));
  if (!report.sure.empty()) table.column("sure");
  table.column("", Table::Align::left);
  for (std::size_t i = 0; i < report.front.size(); ++i) {
    std::vector<std::string> cells{std::to_string(report.front[i].id)};
    for (const MetricKey& key : keys) {
      const Measurement* m = find(report.front[i], key);
      cells.push_back(m ? value_text(*m) : "-");
    }
    if (!report.sure.empty()) cells.push_back(percent(report.sure[i]));
    std::string mark = marks.empty() ? "" : marks[i];
    if (static_cast<int>(i) == report.knee) mark += mark.empty() ? "\u2190 knee" : "  \u2190 knee";
    cells.push_back(std::move(mark));
    table.row(std::move(cells));
  }
  std::ostringstream out;
  out << table;
  return out.str();
}

std::string to_text(const FrontReport& report, const std::vector<std::string>& marks) {
  if (report.front.empty()) return report.why_empty;
  const std::vector<MetricKey> keys = shown_keys(report);
  std::ostringstream out;
  out << front_table(report, marks) << report.front.size() << " on the front, hypervolume "
      << format_quantity(report.hypervolume, Unit::none) << " of the box"
      << box_text(optimised(report.objectives), report.ideal, report.reference) << '\n';
  std::string bounds;
  for (const Objective& o : report.objectives) {
    if (o.bound) bounds += (bounds.empty() ? "bounds: " : ", ") + bound_text(o);
  }
  if (!bounds.empty()) out << bounds << '\n';
  out << sources_text(report.front, keys) << '\n';
  if (!report.sure.empty())
    out << "\u00b1 one standard error; sure: how probable it is that no other trial is better in "
           "every objective\n";
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
    entry["probability"] = o.bound && o.probability > 0 ? json(o.probability) : json();
    document["objectives"].push_back(std::move(entry));
  }
  document["front"] = json::array();
  for (std::size_t i = 0; i < report.front.size(); ++i) {
    const Trial& trial = report.front[i];
    json entry{{"trial", trial.id},
               {"genotype", to_text(trial.genotype)},
               {"knee", static_cast<int>(i) == report.knee}};
    entry["sure"] = report.sure.empty() ? json() : json(report.sure[i]);
    if (!trial.measurements.empty()) entry["values"] = values_json(trial);
    document["front"].push_back(std::move(entry));
  }
  return document.dump(2);
}

std::string to_csv(const FrontReport& report) {
  std::set<MetricKey> keys;
  for (const Trial& trial : report.front) {
    for (const Measurement& m : trial.measurements) keys.insert(m.key);
  }
  std::ostringstream out;
  out.precision(17);
  out << "trial,genotype,knee";
  for (const MetricKey& key : keys) {
    const std::string name = to_text(key);
    for (const char* what : {"", " stddev", " source"}) out << ",\"" << name << what << '"';
  }
  out << '\n';
  for (std::size_t i = 0; i < report.front.size(); ++i) {
    const Trial& trial = report.front[i];
    out << trial.id << ',' << to_text(trial.genotype) << ','
        << (static_cast<int>(i) == report.knee ? 1 : 0);
    for (const MetricKey& key : keys) {
      const Measurement* m = find(trial, key);
      out << ',';
      if (m != nullptr) out << m->value;
      out << ',';
      if (m != nullptr && m->stddev) out << *m->stddev;
      out << ',' << (m != nullptr ? to_string(m->source) : "");
    }
    out << '\n';
  }
  return out.str();
}

}  // namespace hwnas
