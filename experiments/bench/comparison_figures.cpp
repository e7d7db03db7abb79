#include "experiments/bench/comparison_figures.h"

#include <algorithm>
#include <cmath>

#include "experiments/sample_statistics.h"

namespace hwnas {

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

Reach reach(const Contender& contender, const std::vector<double>& needed) {
  std::vector<double> made = needed;
  for (std::size_t i = 0; i < made.size(); ++i) {
    if (std::isinf(made[i])) made[i] = static_cast<double>(contender.traces[i].ratio.size());
  }
  const auto reached =
      std::count_if(needed.begin(), needed.end(), [](double n) { return std::isfinite(n); });
  return {median(needed), summarize(made).mean, static_cast<int>(reached)};
}

ComparisonReport mean_of(const std::vector<ComparisonReport>& reports) {
  ComparisonReport mean = reports.front();
  mean.truth = {};
  mean.objectives.clear();
  const auto n = static_cast<double>(reports.size());
  mean.plan.config.name = "mean of";
  for (const ComparisonReport& report : reports)
    mean.plan.config.name += (&report == &reports.front() ? " " : ", ") + report.plan.config.name;
  for (std::size_t c = 0; c < mean.contenders.size(); ++c) {
    for (std::size_t t = 0; t < mean.contenders[c].traces.size(); ++t) {
      Trace trace{mean.contenders[c].traces[t].seed, {}, {}, 0, 0};
      trace.ratio.assign(static_cast<std::size_t>(mean.budgets.back()), 0);
      for (const ComparisonReport& report : reports) {
        const Trace& one = report.contenders[c].traces[t];
        for (std::size_t i = 0; i < trace.ratio.size(); ++i)
          trace.ratio[i] += after(one.ratio, static_cast<std::int64_t>(i) + 1) / n;
        trace.mean_proposal_s += one.mean_proposal_s / n;
        trace.max_proposal_s = std::max(trace.max_proposal_s, one.max_proposal_s);
      }
      mean.contenders[c].traces[t] = std::move(trace);
    }
  }
  return mean;
}

}  // namespace hwnas
