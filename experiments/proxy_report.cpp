#include "experiments/proxy_report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <sstream>

#include "experiments/table.h"
#include "predictors/accuracy.h"
#include "space/units.h"

namespace hwnas {
namespace {

std::string number(double value, const char* format = "%.6g") {
  if (std::isnan(value)) return "-";
  char text[40];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string score_text(const std::string& name, double value, const char* format = "%.6g") {
  const bool count = name == "parameters" || name == "macs";
  return count ? format_quantity(value, Unit::count) : number(value, format);
}

// Counting takes no time; the second and third score of a pass that three share neither.
std::string time_text(double seconds) {
  return seconds < 1e-5 ? "-" : format_quantity(seconds, Unit::second);
}

nlohmann::json as_json(double value) {
  return std::isnan(value) ? nlohmann::json() : nlohmann::json(value);
}

nlohmann::json scores_json(const std::vector<std::string>& names, const NetworkScores& scores) {
  nlohmann::json all;
  for (std::size_t i = 0; i < scores.values.size(); ++i)
    all[names[i]] = {{"value", as_json(scores.values[i])}, {"seconds", scores.seconds[i]}};
  return all;
}

// One score, or several joined, beside the accuracies of the same trials.
struct Agreement {
  std::string name;
  double spearman = 0, kendall = 0, seconds = 0;  // seconds: mean of a network
};

struct Columns {
  std::vector<double> accuracies;
  std::vector<std::vector<double>> values;  // [score][trial]
  std::vector<double> seconds;              // [score], mean
};

// Of the trials that have an accuracy and were scored.
Columns columns_of(const ScoredTrials& trials) {
  Columns columns;
  columns.values.resize(trials.names.size());
  columns.seconds.resize(trials.names.size());
  for (std::size_t t = 0; t < trials.ids.size(); ++t) {
    const NetworkScores& scores = trials.scores[t];
    if (!scores.failure.empty() || std::isnan(trials.accuracies[t])) continue;
    columns.accuracies.push_back(trials.accuracies[t]);
    for (std::size_t s = 0; s < scores.values.size(); ++s) {
      columns.values[s].push_back(scores.values[s]);
      columns.seconds[s] += scores.seconds[s];
    }
  }
  for (double& sum : columns.seconds) sum /= static_cast<double>(columns.accuracies.size());
  return columns;
}

std::vector<Agreement> agreements(const ScoredTrials& trials) {
  const Columns columns = columns_of(trials);
  if (columns.accuracies.size() < 3) return {};
  std::vector<Agreement> all;
  const auto add = [&](const std::string& name, const std::vector<std::string>& members) {
    std::vector<std::vector<double>> chosen;
    double seconds = 0;
    for (const std::string& member : members) {
      const auto at = std::find(trials.names.begin(), trials.names.end(), member);
      if (at == trials.names.end()) return;
      const auto column = static_cast<std::size_t>(at - trials.names.begin());
      chosen.push_back(columns.values[column]);
      seconds += columns.seconds[column];
    }
    const std::vector<double> joined = joined_ranks(chosen);
    all.push_back(
        {name, spearman(columns.accuracies, joined), kendall(columns.accuracies, joined), seconds});
  };
  for (const std::string& name : trials.names) add(name, {name});
  add("az_nas", {"expressivity", "progressivity", "trainability", "macs"});
  add("nwot + macs", {"nwot", "macs"});
  return all;
}

}  // namespace

std::vector<double> joined_ranks(const std::vector<std::vector<double>>& columns) {
  std::vector<double> joined(columns.empty() ? 0 : columns[0].size(), 0);
  std::vector<double> sorted;
  for (const std::vector<double>& column : columns) {
    const auto value = [](double v) {
      return std::isnan(v) ? -std::numeric_limits<double>::infinity() : v;
    };
    sorted.clear();
    for (const double v : column) sorted.push_back(value(v));
    std::sort(sorted.begin(), sorted.end());
    for (std::size_t i = 0; i < joined.size(); ++i) {
      const auto at = std::upper_bound(sorted.begin(), sorted.end(), value(column[i]));
      joined[i] +=
          std::log(static_cast<double>(at - sorted.begin()) / static_cast<double>(sorted.size()));
    }
  }
  return joined;
}

std::string to_text(const std::vector<std::string>& names, const NetworkScores& scores) {
  Table table;
  table.column("score", Table::Align::left);
  table.column("value");
  table.column("time");
  for (std::size_t i = 0; i < names.size(); ++i)
    table.row({names[i], score_text(names[i], scores.values[i]), time_text(scores.seconds[i])});
  std::ostringstream out;
  out << table;
  return out.str();
}

std::string to_json(const std::string& network, const std::vector<std::string>& names,
                    const NetworkScores& scores) {
  return nlohmann::json{{"network", network}, {"scores", scores_json(names, scores)}}.dump(2) +
         '\n';
}

std::string to_text(const ScoredTrials& trials) {
  Table table;
  table.column("trial");
  table.column("accuracy");
  for (const std::string& name : trials.names) table.column(name);
  std::ostringstream out;
  std::string failures;
  for (std::size_t t = 0; t < trials.ids.size(); ++t) {
    const NetworkScores& scores = trials.scores[t];
    std::vector<std::string> row{std::to_string(trials.ids[t]),
                                 std::isnan(trials.accuracies[t])
                                     ? "-"
                                     : format_quantity(trials.accuracies[t], Unit::fraction)};
    for (std::size_t s = 0; s < trials.names.size(); ++s)
      row.push_back(scores.failure.empty() ? score_text(trials.names[s], scores.values[s], "%.5g")
                                           : "-");
    if (!scores.failure.empty())
      failures += "trial " + std::to_string(trials.ids[t]) + ": " + scores.failure + '\n';
    table.row(row);
  }
  out << table << failures << '\n';
  const std::vector<Agreement> found = agreements(trials);
  if (found.empty()) {
    out << "fewer than three trials have an accuracy: nothing to rank the scores by\n";
    return out.str();
  }
  Table ranks;
  ranks.column("ranks as accuracy does", Table::Align::left);
  for (const char* name : {"Spearman", "Kendall tau-b", "time"}) ranks.column(name);
  for (const Agreement& a : found)
    ranks.row(
        {a.name, number(a.spearman, "%.3f"), number(a.kendall, "%.3f"), time_text(a.seconds)});
  out << ranks;
  return out.str();
}

std::string to_json(const ScoredTrials& trials) {
  nlohmann::json all{{"trials", nlohmann::json::array()}, {"agreement", nlohmann::json::object()}};
  for (std::size_t t = 0; t < trials.ids.size(); ++t) {
    nlohmann::json trial{{"trial", trials.ids[t]}, {"accuracy", as_json(trials.accuracies[t])}};
    const NetworkScores& scores = trials.scores[t];
    if (scores.failure.empty()) {
      trial["scores"] = scores_json(trials.names, scores);
    } else {
      trial["failure"] = scores.failure;
    }
    all["trials"].push_back(std::move(trial));
  }
  for (const Agreement& a : agreements(trials))
    all["agreement"][a.name] = {
        {"spearman", a.spearman}, {"kendall", a.kendall}, {"seconds", a.seconds}};
  return all.dump(2) + '\n';
}

}  // namespace hwnas
