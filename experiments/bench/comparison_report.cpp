#include "experiments/bench/comparison_report.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>

#include "experiments/sample_statistics.h"
#include "experiments/table.h"

namespace hwnas {
namespace {

using nlohmann::json;

constexpr std::array kShares{0.95, 0.98, 0.99};  // of the true hypervolume

std::string fixed(double value, int digits) {
  char text[40];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::vector<const Objective*> optimised(const ComparisonReport& report) {
  std::vector<const Objective*> objectives;
  for (const Objective& o : report.objectives)
    if (o.optimised) objectives.push_back(&o);
  return objectives;
}

std::vector<double> of_all(const Contender& contender,
                           const std::function<double(const Trace&)>& value) {
  std::vector<double> values;
  for (const Trace& trace : contender.traces) values.push_back(value(trace));
  return values;
}

std::vector<double> ratios(const Contender& contender, std::int64_t budget) {
  return of_all(contender, [budget](const Trace& t) { return after(t.ratio, budget); });
}

std::vector<double> regrets(const Contender& contender, const Truth& truth, std::int64_t budget) {
  return of_all(contender, [&](const Trace& t) { return after(t.best, budget) - truth.ideal[0]; });
}

std::vector<double> evaluations_to(const Contender& contender, double share) {
  return of_all(contender, [share](const Trace& t) {
    return first(t.ratio, [share](double ratio) { return ratio >= share; });
  });
}

std::vector<double> evaluations_to_optimum(const Contender& contender, const Truth& truth) {
  return of_all(contender, [&truth](const Trace& t) {
    return first(t.best, [&truth](double best) { return best <= truth.ideal[0]; });
  });
}

// Of evaluations some of which are censored (infinite): that many were made without success.
struct Reach {
  double median = 0;      // infinite where half of the runs did not get there
  double least_mean = 0;  // with what was made in the place of what it would have taken
  int reached = 0;
};
Reach reach(const Contender& contender, const std::vector<double>& needed) {
  std::vector<double> made = needed;
  for (std::size_t i = 0; i < made.size(); ++i) {
    if (std::isinf(made[i])) made[i] = static_cast<double>(contender.traces[i].ratio.size());
  }
  const auto reached =
      std::count_if(needed.begin(), needed.end(), [](double n) { return std::isfinite(n); });
  return {median(needed), summarize(made).mean, static_cast<int>(reached)};
}

// "38 / 42.6", "38 / ≥ 61.0 (18 of 20)", "not reached".
std::string in_words(const Contender& contender, const std::vector<double>& needed) {
  const Reach r = reach(contender, needed);
  const int runs = static_cast<int>(needed.size());
  if (r.reached == 0) return "not reached";
  const std::string middle = std::isfinite(r.median) ? fixed(r.median, 0) : "\u2013";
  if (r.reached == runs) return middle + " / " + fixed(r.least_mean, 1);
  return middle + " / \u2265 " + fixed(r.least_mean, 1) + " (" + std::to_string(r.reached) +
         " of " + std::to_string(runs) + ")";
}

json reach_json(const Contender& contender, const std::vector<double>& needed) {
  const Reach r = reach(contender, needed);
  json values = json::array();
  for (const double n : needed) values.push_back(std::isfinite(n) ? json(n) : json());
  return {{"median", std::isfinite(r.median) ? json(r.median) : json()},
          {"mean_at_least", r.least_mean},
          {"reached", r.reached},
          {"values", std::move(values)}};
}

json summary_json(const std::vector<double>& values, std::int64_t budget) {
  const SampleSummary s = summarize(values);
  return {{"evaluations", budget},
          {"mean", s.mean},
          {"sd", s.sd},
          {"ci95", std::isfinite(s.ci95) ? json(s.ci95) : json()},
          {"values", values}};
}

Table table_of(const ComparisonReport& report, const std::vector<std::string>& headings,
               const std::function<std::string(const Contender&, std::size_t)>& cell) {
  Table table;
  table.column("algorithm", Table::Align::left);
  for (const std::string& heading : headings) table.column(heading);
  for (const Contender& contender : report.contenders) {
    std::vector<std::string> row{std::string(to_string(contender.algorithm))};
    for (std::size_t i = 0; i < headings.size(); ++i) row.push_back(cell(contender, i));
    table.row(std::move(row));
  }
  return table;
}

std::vector<std::string> at_budgets(const ComparisonReport& report) {
  std::vector<std::string> headings;
  for (const std::int64_t budget : report.budgets)
    headings.push_back("at " + std::to_string(budget));
  return headings;
}

// "0.957 ±0.006 (0.013)"; one seed has no interval.
std::string summary_text(const std::vector<double>& values, int digits,
                         const std::function<std::string(double, int)>& number) {
  const SampleSummary s = summarize(values);
  std::string text = number(s.mean, digits);
  if (std::isfinite(s.ci95))
    text += " \u00b1" + number(s.ci95, digits) + " (" + number(s.sd, digits) + ")";
  return text;
}

// Regret in the unit of the objective: "0.12 %", "3.1 ms".
std::string regret_text(const std::vector<double>& values, Unit unit) {
  return summary_text(values, 0,
                      [unit](double value, int) { return format_quantity(value, unit); });
}

void print_single(std::ostream& out, const ComparisonReport& report, const Objective& objective) {
  const Unit of = unit(objective.key.metric);
  out << "\nregret: " << to_text(objective.key)
      << " short of the best of all, mean \u00b1 95 % (sd)\n"
      << table_of(report, at_budgets(report),
                  [&](const Contender& c, std::size_t i) {
                    return regret_text(regrets(c, report.truth, report.budgets[i]), of);
                  })
      << "\nevaluations to the best of all: median / mean\n"
      << table_of(report, {"evaluations"}, [&](const Contender& c, std::size_t) {
           return in_words(c, evaluations_to_optimum(c, report.truth));
         });
}

json objective_json(const ComparisonReport& report, const Objective& o, std::size_t j) {
  return {{"metric", to_text(o.key)},
          {"best", o.restored(report.truth.ideal[j])},
          {"reference", o.restored(report.truth.reference[j])},
          {"reference_is_given", o.reference.has_value()},
          {"maximised", maximised(o.key.metric)}};
}

json tables_json(const std::vector<TableConfig>& tables) {
  json all = json::array();
  for (const TableConfig& table : tables) {
    json metrics = json::array();
    for (const TableMetric& m : table.metrics) {
      metrics.push_back({{"metric", to_text(m.key)},
                         {"column", m.column},
                         {"factor", m.factor},
                         {"offset", m.offset},
                         {"fidelity", m.fidelity},
                         {"cost", m.cost}});
    }
    all.push_back({{"file", table.file.string()},
                   {"contents", table.hash},
                   {"architecture", table.architecture},
                   {"metrics", std::move(metrics)}});
  }
  return all;
}

json contender_json(const ComparisonReport& report, const Contender& contender) {
  json result{{"algorithm", to_string(contender.algorithm)}};
  for (const std::int64_t budget : report.budgets) {
    result["ratio"].push_back(summary_json(ratios(contender, budget), budget));
    if (report.truth.ideal.size() == 1)
      result["regret"].push_back(summary_json(regrets(contender, report.truth, budget), budget));
  }
  for (const double share : kShares) {
    json row = reach_json(contender, evaluations_to(contender, share));
    row["share"] = share;
    result["evaluations_to"].push_back(std::move(row));
  }
  if (report.truth.ideal.size() == 1)
    result["evaluations_to_optimum"] =
        reach_json(contender, evaluations_to_optimum(contender, report.truth));
  json mean_ratio = json::array();
  for (std::int64_t n = 1; n <= report.budgets.back(); ++n)
    mean_ratio.push_back(summarize(ratios(contender, n)).mean);
  result["mean_ratio"] = std::move(mean_ratio);
  const auto mean_s = of_all(contender, [](const Trace& t) { return t.mean_proposal_s; });
  const auto max_s = of_all(contender, [](const Trace& t) { return t.max_proposal_s; });
  result["proposal_cpu_s"] = {{"mean", summarize(mean_s).mean},
                              {"max", *std::max_element(max_s.begin(), max_s.end())}};
  for (const Trace& trace : contender.traces) result["evaluations"].push_back(trace.ratio.size());
  return result;
}

}  // namespace

std::string describe_truth(const ComparisonReport& report) {
  const Truth& truth = report.truth;
  std::ostringstream out;
  out << report.plan.config.name << ": " << truth.architectures << " architectures, "
      << truth.impossible.size() << " without a path from input to output, " << truth.feasible
      << " within the bounds; " << truth.front << " on the true front\nreference:";
  const std::vector<const Objective*> objectives = optimised(report);
  for (std::size_t j = 0; j < objectives.size(); ++j) {
    const Objective& o = *objectives[j];
    out << (j > 0 ? ", " : " ") << to_text(o.key) << ' '
        << format_quantity(o.restored(truth.reference[j]), unit(o.key.metric))
        << (o.reference ? " (given)" : " (worst of all)") << ", best "
        << format_quantity(o.restored(truth.ideal[j]), unit(o.key.metric));
  }
  out << '\n'
      << report.plan.seeds << (report.plan.seeds == 1 ? " seed" : " seeds") << " from "
      << report.plan.first_seed << ", batches of " << report.plan.config.batch << ", "
      << report.budgets.back() << " evaluations each\n";
  return out.str();
}

std::string to_text(const ComparisonReport& report) {
  std::ostringstream out;
  out << describe_truth(report)
      << "\nhypervolume over that of the true front: mean \u00b1 95 % (sd)\n"
      << table_of(report, at_budgets(report), [&](const Contender& c, std::size_t i) {
           return summary_text(ratios(c, report.budgets[i]), 4, fixed);
         });
  std::vector<std::string> shares;
  for (const double share : kShares) shares.push_back("to " + fixed(share, 2));
  out << "\nevaluations to a share of the true hypervolume: median / mean\n"
      << table_of(report, shares, [&](const Contender& c, std::size_t i) {
           return in_words(c, evaluations_to(c, kShares[i]));
         });
  if (report.truth.ideal.size() == 1) print_single(out, report, *optimised(report)[0]);
  out << "(\u2265: some runs did not get there and count with the evaluations that they made)\n"
      << "\nthe searcher's own time, CPU ms a proposal\n"
      << table_of(report, {"mean", "max"}, [](const Contender& c, std::size_t i) {
           const auto values = of_all(c, [i](const Trace& t) {
             return 1e3 * (i == 0 ? t.mean_proposal_s : t.max_proposal_s);
           });
           return fixed(
               i == 0 ? summarize(values).mean : *std::max_element(values.begin(), values.end()),
               3);
         });
  return out.str();
}

std::string to_json(const ComparisonReport& report) {
  const Truth& truth = report.truth;
  json result{{"name", report.plan.config.name},
              {"config", report.plan.config.file},
              {"space", report.plan.config.space},
              {"batch", report.plan.config.batch},
              {"population", report.plan.config.search.population},
              {"seeds", report.plan.seeds},
              {"first_seed", report.plan.first_seed},
              {"budgets", report.budgets},
              {"tables", tables_json(report.plan.config.tables)}};
  for (const Choice& choice : report.choices)
    result["choices"].push_back({{"name", choice.name}, {"options", choice.options}});
  json objectives = json::array(), bounds = json::array(), impossible = json::array();
  std::size_t axis = 0;
  for (const Objective& o : report.objectives) {
    if (o.optimised) objectives.push_back(objective_json(report, o, axis++));
    if (o.bound) bounds.push_back({{"metric", to_text(o.key)}, {"bound", *o.bound}});
  }
  for (const Genotype& genotype : truth.impossible) impossible.push_back(to_text(genotype));
  result["objectives"] = std::move(objectives);
  result["bounds"] = std::move(bounds);
  result["truth"] = {{"architectures", truth.architectures},
                     {"feasible", truth.feasible},
                     {"front", truth.front},
                     {"hypervolume", truth.hypervolume},
                     {"impossible", std::move(impossible)}};
  for (const Contender& contender : report.contenders)
    result["algorithms"].push_back(contender_json(report, contender));
  return result.dump(2);
}

}  // namespace hwnas
