#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "experiments/bench/comparison_figures.h"
#include "experiments/sample_statistics.h"

namespace hwnas {
namespace {

using nlohmann::json;

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
  json result{{"algorithm", to_string(contender.algorithm)}, {"batch", contender.batch}};
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

json report_json(const ComparisonReport& report) {
  const Truth& truth = report.truth;
  json result{
      {"name", report.plan.config.name},   {"config", report.plan.config.file},
      {"space", report.plan.config.space}, {"population", report.plan.config.search.population},
      {"seeds", report.plan.seeds},        {"first_seed", report.plan.first_seed},
      {"budgets", report.budgets},         {"tables", tables_json(report.plan.config.tables)}};
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
  return result;
}

}  // namespace

std::string to_json(const ComparisonReport& report) {
  return report_json(report).dump(2);
}

std::string to_json(const std::vector<ComparisonReport>& reports, const ComparisonReport& mean) {
  json result{{"mean", {{"name", mean.plan.config.name}}}};
  for (const ComparisonReport& report : reports) result["benches"].push_back(report_json(report));
  for (const Contender& contender : mean.contenders)
    result["mean"]["algorithms"].push_back(contender_json(mean, contender));
  return result.dump(2);
}

}  // namespace hwnas
