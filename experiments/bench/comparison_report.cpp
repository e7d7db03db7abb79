#include "experiments/bench/comparison_report.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <sstream>

#include "experiments/bench/comparison_figures.h"
#include "experiments/sample_statistics.h"
#include "experiments/table.h"

namespace hwnas {
namespace {

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

// "batches of 8", or "batches of 33 (nsga2), 6 (surrogate)"
std::string batches(const ComparisonReport& report) {
  const std::vector<Contender>& all = report.contenders;
  std::string text = "batches of ";
  const bool same = std::all_of(all.begin(), all.end(),
                                [&](const Contender& c) { return c.batch == all.front().batch; });
  if (same) return text + std::to_string(all.front().batch);
  for (const Contender& c : all) {
    text += (&c == &all.front() ? "" : ", ") + std::to_string(c.batch) + " (" +
            std::string(to_string(c.algorithm)) + ")";
  }
  return text;
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
      << report.plan.first_seed << ", " << batches(report) << ", " << report.budgets.back()
      << " evaluations each\n";
  return out.str();
}

std::string ratio_table(const ComparisonReport& report) {
  std::ostringstream out;
  out << "hypervolume over that of the true front: mean \u00b1 95 % (sd)\n"
      << table_of(report, at_budgets(report), [&](const Contender& c, std::size_t i) {
           return summary_text(ratios(c, report.budgets[i]), 4, fixed);
         });
  return out.str();
}

std::string to_text(const ComparisonReport& report) {
  std::ostringstream out;
  out << describe_truth(report) << '\n' << ratio_table(report);
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

}  // namespace hwnas
