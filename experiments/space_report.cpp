#include "experiments/space_report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <sstream>

#include "experiments/table.h"
#include "space/units.h"

namespace hwnas {
namespace {

using nlohmann::json;

constexpr std::size_t kReasons = 5;  // shown on the terminal

std::string share_text(std::int64_t count, std::int64_t of) {
  if (of == 0) return "-";
  return format_quantity(static_cast<double>(count) / static_cast<double>(of), Unit::fraction);
}

// A bound that the config does not set: the memory of a device.
bool implied(const Objective& bound, const RunConfig& config) {
  return std::none_of(config.objectives.begin(), config.objectives.end(), [&](const Objective& o) {
    return o.key == bound.key && o.bound == bound.bound;
  });
}

std::string when_known(const Experiment& experiment) {
  return experiment.config().training ? "known only after training" : "known only after a look-up";
}

// The bound that most candidates would be gained without; nullptr where none binds.
const BoundShare* tightest(const Feasibility& feasibility) {
  const BoundShare* most = nullptr;
  for (const BoundShare& b : feasibility.bounds) {
    if (b.binds && (!most || b.without > most->without)) most = &b;
  }
  return most;
}

std::string refusals_text(const Survey& survey) {
  const auto refused = survey.drawn - static_cast<std::int64_t>(survey.sample.size());
  if (refused == 0) return "";
  std::string text = std::to_string(refused) + " of them cannot be built or costed:\n";
  std::size_t shown = 0;
  std::int64_t others = refused;
  for (const Refusal& refusal : survey.refusals) {
    if (shown++ == kReasons) break;
    others -= refusal.count;
    text += "  " + std::to_string(refusal.count) + (refusal.count > 1 ? " such as: " : ": ") +
            refusal.reason + '\n';
  }
  if (others > 0) text += "  " + std::to_string(others) + " for other reasons\n";
  return text;
}

Table metrics_table(const SpaceReport& report) {
  Table table;
  table.column("metric", Table::Align::left);
  for (const char* heading : {"least", "25 %", "median", "75 %", "most"}) table.column(heading);
  table.column("source", Table::Align::left);
  for (const MetricRange& metric : report.feasibility.metrics) {
    const Unit u = unit(metric.key.metric);
    std::vector<std::string> cells{to_text(metric.key)};
    const Range& r = metric.range;
    for (const double value : {r.least, r.quarter, r.median, r.three_quarters, r.most})
      cells.push_back(metric.source ? format_quantity(value, u) : "-");
    cells.push_back(metric.source ? std::string(to_string(*metric.source))
                                  : when_known(report.experiment));
    table.row(std::move(cells));
  }
  return table;
}

Table bounds_table(const SpaceReport& report) {
  const Feasibility& f = report.feasibility;
  Table table;
  table.column("bound", Table::Align::left);
  const char* nearest = report.survey.any_feasible ? "tightest feasible" : "nearest feasible";
  for (const char* heading : {"alone", "without it", nearest}) table.column(heading);
  table.column("", Table::Align::left);
  for (const BoundShare& b : f.bounds) {
    const Objective& o = b.objective;
    std::string name = to_text(o.key) + " " + o.bound_text();
    if (implied(o, report.experiment.config())) name += " (the device's own)";
    if (!b.known) {
      table.row({name, "-", "-", "-", when_known(report.experiment)});
      continue;
    }
    std::string value = format_quantity(b.nearest, unit(o.key.metric));
    if (!std::isnan(b.nearest)) value += o.with_text();
    const char* mark = &b == tightest(f) ? "\u2190 binds most" : b.binds ? "\u2190 binds" : "";
    table.row({name, share_text(b.alone, f.costed), share_text(b.without, f.costed), value, mark});
  }
  return table;
}

std::string within_text(const SpaceReport& report) {
  const Feasibility& f = report.feasibility;
  const bool all =
      std::all_of(f.bounds.begin(), f.bounds.end(), [](const BoundShare& b) { return b.known; });
  std::string text = all ? "within all bounds: " : "within all bounds known beforehand: ";
  text += std::to_string(f.within) + " of " + std::to_string(f.costed) + " (" +
          share_text(f.within, f.costed) + ")";
  if (f.within == 0 && report.survey.any_feasible)
    text += "; but evolution from them found some that are";
  return text + '\n';
}

json number(double value) {
  return std::isfinite(value) ? json(value) : json();
}

json metric_json(const MetricRange& metric, const std::vector<Objective>& objectives) {
  json entry{{"key", to_text(metric.key)},
             {"metric", to_string(metric.key.metric)},
             {"device", metric.key.device},
             {"known", metric.source.has_value()}};
  entry["optimised"] = std::any_of(objectives.begin(), objectives.end(), [&](const Objective& o) {
    return o.key == metric.key && o.optimised;
  });
  entry["source"] = metric.source ? json(to_string(*metric.source)) : json();
  entry["range"] = json();
  const Range& r = metric.range;
  if (metric.source)
    entry["range"] = {{"least", r.least},
                      {"quarter", r.quarter},
                      {"median", r.median},
                      {"three_quarters", r.three_quarters},
                      {"most", r.most}};
  return entry;
}

json bound_json(const BoundShare& b, std::int64_t costed, bool implied_by_device) {
  const Objective& o = b.objective;
  json entry{{"key", to_text(o.key)},
             {"bound", *o.bound},
             {"maximised", maximised(o.key.metric)},
             {"of_device", implied_by_device},
             {"known", b.known}};
  entry["probability"] = o.probability > 0 ? json(o.probability) : json();
  const auto share = [&](std::int64_t count) {
    if (!b.known || costed == 0) return json();
    return json(static_cast<double>(count) / static_cast<double>(costed));
  };
  entry["share_alone"] = share(b.alone);
  entry["share_without"] = share(b.without);
  entry["binds"] = b.binds;
  entry["nearest_feasible"] = number(b.nearest);
  return entry;
}

}  // namespace

std::string to_text(const SpaceReport& report) {
  const auto& [experiment, survey, f] = report;
  char size[32];
  std::snprintf(size, sizeof size, "10^%.1f", experiment.space().log10_size());
  std::ostringstream out;
  out << experiment.config().name << ": space '" << experiment.space().name() << "' (" << size
      << " genotypes), " << (survey.whole ? "all " : "") << survey.drawn
      << (survey.whole ? "" : " random") << " of them looked at, nothing trained\n"
      << refusals_text(survey);
  if (f.costed == 0) return out.str();
  out << '\n' << metrics_table(report);
  if (!f.bounds.empty()) out << '\n' << bounds_table(report);
  out << within_text(report);
  return out.str();
}

std::string to_json(const SpaceReport& report) {
  const auto& [experiment, survey, f] = report;
  json document{{"name", experiment.config().name},
                {"space", experiment.space().name()},
                {"log10_size", experiment.space().log10_size()},
                {"seed", experiment.config().seed},
                {"samples", survey.drawn},
                {"whole_space", survey.whole},
                {"costed", f.costed},
                {"refused", survey.drawn - f.costed},
                {"feasible", f.within},
                {"any_feasible", survey.any_feasible}};
  document["feasible_share"] =
      f.costed > 0 ? json(static_cast<double>(f.within) / static_cast<double>(f.costed)) : json();
  document["reasons"] = json::array();
  for (const Refusal& r : survey.refusals)
    document["reasons"].push_back({{"count", r.count}, {"example", r.reason}});
  document["metrics"] = json::array();
  for (const MetricRange& metric : f.metrics)
    document["metrics"].push_back(metric_json(metric, experiment.objectives()));
  document["bounds"] = json::array();
  for (const BoundShare& b : f.bounds) {
    document["bounds"].push_back(
        bound_json(b, f.costed, implied(b.objective, experiment.config())));
  }
  return document.dump(2);
}

}  // namespace hwnas
