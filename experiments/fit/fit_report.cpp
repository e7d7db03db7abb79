#include "experiments/fit/fit_report.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <ostream>

#include "experiments/sample_statistics.h"
#include "experiments/table.h"
#include "space/units.h"

namespace hwnas {
namespace {

struct Line {
  const char* heading;
  const char* key;
  double FitQuality::*value;
  bool share;
};
constexpr std::array<Line, 5> kLines{
    {{"Spearman", "spearman", &FitQuality::spearman, false},
     {"Kendall tau-b", "kendall", &FitQuality::kendall, false},
     {"mean error", "mape", &FitQuality::mape, true},
     {"within 10 %", "within_10_percent", &FitQuality::within_10_percent, true},
     {"in the 90 % interval", "coverage_90", &FitQuality::coverage_90, true}}};

SampleSummary summary(const std::vector<FitQuality>& qualities, double FitQuality::*value) {
  std::vector<double> values;
  for (const FitQuality& q : qualities) values.push_back(q.*value);
  return summarize(values);
}

std::string text(const SampleSummary& s, bool share, bool with_sd) {
  char line[64];
  if (share) {
    std::snprintf(line, sizeof line, with_sd ? "%.1f ± %.1f %%" : "%.1f %%", 100 * s.mean,
                  100 * s.sd);
  } else {
    std::snprintf(line, sizeof line, with_sd ? "%.3f ± %.3f" : "%.3f", s.mean, s.sd);
  }
  return line;
}

nlohmann::json as_json(const std::vector<FitQuality>& qualities) {
  nlohmann::json all = nlohmann::json::object();
  for (const Line& line : kLines) {
    const SampleSummary s = summary(qualities, line.value);
    all[line.key] = {{"mean", s.mean}, {"sd", s.sd}};
  }
  return all;
}

}  // namespace

std::string quality_text(const std::vector<FitQuality>& qualities) {
  return "Spearman " + text(summary(qualities, &FitQuality::spearman), false, false) +
         ", mean error " + text(summary(qualities, &FitQuality::mape), true, false) +
         ", within 10 % " + text(summary(qualities, &FitQuality::within_10_percent), true, false);
}

void print_fit(std::ostream& out, const FitReport& report, const DeviceFit& fit,
               const FitResult& result) {
  const Measurements& m = fit.measurements();
  const std::size_t rows = m.measured().size();
  out << report.target << " on space " << report.space << ": ";
  if (report.samples > 0) {
    out << report.samples << " of " << rows << " measured rows, drawn with " << report.seeds
        << (report.seeds == 1 ? " seed" : " seeds") << "; figures are of the others\n";
  } else {
    out << "all " << rows << " measured rows; figures are of tenths left out of a fit\n";
  }
  if (!report.sources.empty())
    out << report.sources.size() << " columns of other devices are known\n";
  if (!report.prior.empty()) out << "prior: " << report.prior << '\n';
  Table table;
  table.column("", Table::Align::left);
  table.column(report.method);
  table.column("op-count ridge");
  const bool several = report.seeds > 1;
  for (const Line& line : kLines) {
    table.row({line.heading, text(summary(result.method, line.value), line.share, several),
               text(summary(result.op_count_ridge, line.value), line.share, several)});
  }
  out << '\n' << table << '\n';
  out << "adapts in " << format_quantity(summarize(result.seconds).mean, Unit::second);
  if (!report.sources.empty())
    out << ", once it has learned from the others in "
        << format_quantity(fit.learn_seconds(), Unit::second);
  out << '\n';
  if (m.without_value > 0)
    out << "skipped: " << m.without_value << " rows without a value above 0\n";
  if (m.without_network > 0)
    out << "skipped: " << m.without_network << " rows in which nothing reaches the output\n";
  if (!report.file.empty())
    out << "wrote " << report.file << (report.samples > 0 ? ", learned with seed 1" : "")
        << "; see: hwnas devices show " << report.file << '\n';
}

void print_fit_json(std::ostream& out, const FitReport& report, const DeviceFit& fit,
                    const FitResult& result) {
  const Measurements& m = fit.measurements();
  const std::size_t rows = m.measured().size();
  const SampleSummary seconds = summarize(result.seconds);
  nlohmann::json json{
      {"space", report.space},
      {"csv", report.csv},
      {"target", report.target},
      {"metric", to_string(m.metric)},
      {"architecture", m.architecture_column},
      {"method", report.method},
      {"sources", report.sources},
      {"samples", report.samples > 0 ? report.samples : rows},
      {"cross_validated", report.samples == 0},
      {"seeds", report.seeds},
      {"measured_rows", rows},
      {"unseen_rows", result.unseen},
      {"skipped", {{"without_value", m.without_value}, {"without_network", m.without_network}}},
      {"metrics", as_json(result.method)},
      {"op_count_ridge", as_json(result.op_count_ridge)},
      {"adapt_s", {{"mean", seconds.mean}, {"sd", seconds.sd}}},
      {"learn_sources_s", fit.learn_seconds()}};
  json["prior"] = report.prior.empty() ? nlohmann::json() : nlohmann::json(report.prior);
  json["file"] = report.file.empty() ? nlohmann::json() : nlohmann::json(report.file);
  out << json.dump(2) << '\n';
}

}  // namespace hwnas
