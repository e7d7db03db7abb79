// hwnas bench search on a small space, against the truth computed here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "experiments/sample_statistics.h"
#include "tests/experiments/small_tables.h"
#include "tests/shared_data.h"

namespace hwnas::testing {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

json without_times(json bench) {
  for (json& algorithm : bench["algorithms"]) algorithm.erase("proposal_cpu_s");
  return bench;
}

// Area between the front (error, ms) and the reference, by cutting the plane at every error.
double area(const std::vector<SmallRow>& rows, double worst_error, double worst_ms) {
  std::vector<double> cuts{worst_error};
  for (const SmallRow& row : rows) cuts.push_back(1 - row.accuracy_pct / 100);
  std::sort(cuts.begin(), cuts.end());
  double sum = 0;
  for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
    double least = worst_ms;
    for (const SmallRow& row : rows) {
      if (1 - row.accuracy_pct / 100 <= cuts[i]) least = std::min(least, row.latency_ms);
    }
    sum +=
        (std::min(cuts[i + 1], worst_error) - std::min(cuts[i], worst_error)) * (worst_ms - least);
  }
  return sum;
}

TEST(SampleStatistics, StudentQuantiles) {  // tables of the t distribution
  EXPECT_NEAR(student_quantile(0.975, 1), 12.706, 5e-4);
  EXPECT_NEAR(student_quantile(0.975, 2), 4.303, 5e-4);
  EXPECT_NEAR(student_quantile(0.975, 9), 2.262, 5e-4);
  EXPECT_NEAR(student_quantile(0.975, 19), 2.093, 5e-4);
  EXPECT_NEAR(student_quantile(0.95, 30), 1.697, 5e-4);
}

TEST(SampleStatistics, OfAFewValues) {
  const std::vector<double> values{1, 2, 3, 4};
  const SampleSummary s = summarize(values);
  EXPECT_DOUBLE_EQ(s.mean, 2.5);
  EXPECT_NEAR(s.sd, std::sqrt(5.0 / 3), 1e-12);
  EXPECT_NEAR(s.ci95, 3.182 * std::sqrt(5.0 / 3) / 2, 1e-3);
  EXPECT_DOUBLE_EQ(median(values), 2.5);
  EXPECT_TRUE(std::isinf(summarize(std::vector<double>{1}).ci95));
  EXPECT_TRUE(std::isinf(median(std::vector<double>{1, INFINITY, INFINITY})));
}

TEST(BenchSearch, TheTruthIsThatOfTheTable) {
  const SmallRun t;
  const Result r = t.hwnas("bench search run.toml --seeds 2 --budgets 10,144 --json");
  ASSERT_EQ(r.code, 0) << r.err;
  const json bench = json::parse(r.out);
  double best = 0, worst = 100, worst_ms = 0;
  for (const SmallRow& row : t.rows) {
    best = std::max(best, row.accuracy_pct / 100);
    worst = std::min(worst, row.accuracy_pct / 100);
    worst_ms = std::max(worst_ms, row.latency_ms);
  }
  EXPECT_EQ(bench["truth"]["architectures"], 144);
  EXPECT_NEAR(bench["objectives"][0]["best"].get<double>(), best, 1e-9);
  EXPECT_NEAR(bench["objectives"][0]["reference"].get<double>(), worst, 1e-9);
  EXPECT_NEAR(bench["objectives"][1]["reference"].get<double>(), worst_ms * 1e-3, 1e-9);
  EXPECT_NEAR(bench["truth"]["hypervolume"].get<double>(), area(t.rows, 1 - worst, worst_ms) * 1e-3,
              1e-9);
  const json& random = bench["algorithms"][0];
  EXPECT_EQ(random["algorithm"], "random");
  EXPECT_LT(random["ratio"][0]["mean"].get<double>(), 1);
  EXPECT_NEAR(random["ratio"][1]["mean"].get<double>(), 1, 1e-12);  // the whole space
}

TEST(BenchSearch, RatiosAreThoseOfTheSearchesThemselves) {
  const SmallRun t(small_config(
      kTable + kAccuracyColumn + kLatencyColumn,
      "[[objectives]]\nmetric = \"accuracy\"\nreference = \"40 %\"\n[[objectives]]\nmetric = "
      "\"latency@board\"\nreference = \"30 ms\"\n",
      "nsga2"));
  const Result r =
      t.hwnas("bench search run.toml --algorithms nsga2 --seeds 3 --seed 5 --budgets 12,30 --json");
  ASSERT_EQ(r.code, 0) << r.err;
  const json bench = json::parse(r.out);
  const double whole = area(t.rows, 0.6, 30);
  for (int i = 0; i < 3; ++i) {
    const std::string name = std::to_string(i) + ".db";
    ASSERT_EQ(
        t.hwnas("search run.toml --trials 30 --seed " + std::to_string(5 + i) + " --study " + name)
            .code,
        0);
    std::vector<SmallRow> tried;
    for (const Trial& trial : t.study(name).trials()) {
      if (trial.state != TrialState::complete) continue;
      tried.push_back(*std::find_if(t.rows.begin(), t.rows.end(), [&](const SmallRow& row) {
        return row.genotype == trial.genotype;
      }));
      if (tried.size() == 12) {
        EXPECT_NEAR(bench["algorithms"][0]["ratio"][0]["values"][i].get<double>(),
                    area(tried, 0.6, 30) / whole, 1e-9);
      }
    }
    EXPECT_NEAR(bench["algorithms"][0]["ratio"][1]["values"][i].get<double>(),
                area(tried, 0.6, 30) / whole, 1e-9);
  }
}

TEST(BenchSearch, AnyNumberOfThreadsGivesTheSame) {
  const SmallRun t;
  const std::string command =
      "bench search run.toml --algorithms random,nsga2 --seeds 4 --budgets 20,40 --json --threads ";
  const Result one = t.hwnas(command + "1"), four = t.hwnas(command + "4");
  ASSERT_EQ(one.code, 0) << one.err;
  EXPECT_EQ(without_times(json::parse(one.out)), without_times(json::parse(four.out)));
}

TEST(BenchSearch, OneObjectiveHasRegretAndAnOptimum) {
  const SmallRun t(small_config(kTable + kAccuracyColumn + kLatencyColumn,
                                "[[objectives]]\nmetric = \"accuracy\"\n"));
  Result r = t.hwnas("bench search run.toml --algorithms random --seeds 5 --budgets 20,144 --json");
  ASSERT_EQ(r.code, 0) << r.err;
  const json random = json::parse(r.out)["algorithms"][0];
  EXPECT_GT(random["regret"][0]["mean"].get<double>(), 0);
  EXPECT_EQ(random["regret"][1]["mean"].get<double>(), 0);
  EXPECT_EQ(random["evaluations_to_optimum"]["reached"], 5);
  double mean = 0;
  for (const json& n : random["evaluations_to_optimum"]["values"]) mean += n.get<double>() / 5;
  EXPECT_NEAR(random["evaluations_to_optimum"]["mean_at_least"].get<double>(), mean, 1e-9);
  r = t.hwnas("bench search run.toml --algorithms random --seeds 5 --budgets 2");
  EXPECT_THAT(r.out, AllOf(HasSubstr("regret: accuracy short of the best of all"),
                           HasSubstr("not reached"), HasSubstr("CPU ms a proposal")));
}

TEST(BenchSearch, BoundsNarrowTheTruth) {
  const SmallRun t(small_config(kTable + kAccuracyColumn + kLatencyColumn,
                                kTwoObjectives + "at_most = \"5 ms\"\n"));
  const Result r = t.hwnas("bench search run.toml --seeds 2 --budgets 30 --json");
  ASSERT_EQ(r.code, 0) << r.err;
  const auto within = std::count_if(t.rows.begin(), t.rows.end(),
                                    [](const SmallRow& row) { return row.latency_ms <= 5; });
  const json bench = json::parse(r.out);
  EXPECT_EQ(bench["truth"]["feasible"], within);
  EXPECT_LE(bench["objectives"][1]["reference"].get<double>(), 5e-3);
  // What breaks the known bound is no evaluation: all of 30 within it are found in a space of few.
  EXPECT_EQ(bench["algorithms"][0]["evaluations"][0], std::min<std::int64_t>(within, 30));
}

TEST(BenchSearch, SpacesOfCostModelsAloneHaveATruthToo) {
  SmallRun t(
      "name = \"costs\"\nspace = \"./small_space.toml\"\n[[objectives]]\nmetric = "
      "\"parameters\"\n[[objectives]]\nmetric = \"macs\"\n");
  const Result r = t.hwnas("bench search run.toml --seeds 2 --budgets 20");
  EXPECT_EQ(r.code, 0) << r.err;
  EXPECT_THAT(r.out, StartsWith("costs: 144 architectures, "));
}

TEST(BenchSearch, ThePlotNamesWhatItShows) {
  const SmallRun t;
  ASSERT_EQ(t.hwnas("bench search run.toml --algorithms random,nsga2 --seeds 3 --budgets 40 --svg "
                    "plot.svg")
                .code,
            0);
  const std::string svg = slurp(t.folder / "plot.svg");
  EXPECT_THAT(svg, AllOf(StartsWith("<svg "), HasSubstr("small: accuracy, latency@board"),
                         HasSubstr(">random<"), HasSubstr(">nsga2<"), HasSubstr(">evaluations<"),
                         HasSubstr("mean of 3 seeds")));
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_EQ(svg.find("inf"), std::string::npos);
}

TEST(BenchSearch, SeveralConfigsHaveAMean) {
  const SmallRun t;
  write(t.folder / "costs.toml",
        "name = \"costs\"\nspace = \"./small_space.toml\"\n[[objectives]]\nmetric = "
        "\"parameters\"\n[[objectives]]\nmetric = \"macs\"\n");
  const std::string command =
      "bench search run.toml,costs.toml --algorithms random --seeds 2 --budgets 20";
  const json all = json::parse(t.hwnas(command + " --json").out);
  ASSERT_EQ(all["benches"].size(), 2u);
  for (int seed = 0; seed < 2; ++seed) {
    double sum = 0;
    for (const json& bench : all["benches"])
      sum += bench["algorithms"][0]["ratio"][0]["values"][seed].get<double>();
    EXPECT_NEAR(all["mean"]["algorithms"][0]["ratio"][0]["values"][seed].get<double>(), sum / 2,
                1e-12);
  }
  EXPECT_THAT(t.hwnas(command).out, HasSubstr("\nmean of small, costs\nhypervolume over that"));
}

TEST(BenchSearch, ATableThatDoesNotCoverItsSpaceIsRefused) {
  SmallRun t;
  std::vector<SmallRow> fewer(t.rows.begin(), t.rows.end() - 3);
  write(t.folder / "small.csv", small_csv(fewer));
  const Result r = t.hwnas("bench search run.toml");
  EXPECT_EQ(r.code, 2);
  EXPECT_EQ(r.err,
            "hwnas: run.toml: 3 of 144 architectures lack in the tables; a bench needs them all; "
            "the first: small.csv has no row for 3-2-3-0\n");
}

TEST(BenchSearch, Mistakes) {
  const SmallRun t;
  const auto message = [&t](const std::string& arguments) {
    const Result r = t.hwnas("bench " + arguments);
    EXPECT_EQ(r.code, 2) << arguments;
    return r.err;
  };
  EXPECT_EQ(message("serach run.toml"), "hwnas: expected 'hwnas bench search CONFIG'\n");
  EXPECT_THAT(message("search"), HasSubstr("CONFIG is missing"));
  EXPECT_THAT(message("search run.toml --algorithms nsga3"),
              HasSubstr("--algorithms = nsga3: not known here; did you mean 'nsga2'?"));
  EXPECT_THAT(message("search run.toml --algorithms nsga2,nsga2"), HasSubstr("is named twice"));
  EXPECT_THAT(message("search run.toml --budgets 50,x"),
              HasSubstr("--budgets = x: expected evaluations, such as 50,100,200"));
  EXPECT_THAT(message("search run.toml --seeds 0"), HasSubstr("--seeds = 0"));
  EXPECT_THAT(message("search run.toml --svg /proc/x.svg"),
              HasSubstr("--svg = /proc/x.svg: cannot be written"));
  EXPECT_THAT(message("search fashion_mnist"), HasSubstr("a bench does not train"));
  write(t.folder / "wide.toml",
        "space = \"fbnet\"\n[[objectives]]\nmetric = \"macs\"\n[[objectives]]\nmetric = "
        "\"parameters\"\n");
  EXPECT_THAT(message("search wide.toml"),
              HasSubstr("space 'fbnet' has 10^21.0 architectures; a bench needs the truth about "
                        "all of them, and 2 million at most"));
  write(t.folder / "run.toml",
        small_config(kTable + kAccuracyColumn + kLatencyColumn,
                     "[[objectives]]\nmetric = \"accuracy\"\nreference = \"99 %\"\n"));
  EXPECT_THAT(message("search run.toml"),
              HasSubstr("no architecture is better than the references of all objectives"));
}

TEST(BenchSearch, NasBench201) {
  HWNAS_NEEDS_SHARED("nb201_cifar10_accuracy.csv.gz");
  const SmallRun t("name = \"nb201\"\nspace = \"nasbench201\"\n[[tables]]\nfile = \"" +
                   shared_path("nb201_cifar10_accuracy.csv.gz") +
                   "\"\narchitecture = \"arch_str\"\n[[tables.metrics]]\nmetric = "
                   "\"accuracy\"\ncolumn = \"c10_valid_acc_200ep_pct\"\nunit = "
                   "\"%\"\n[[objectives]]\nmetric = \"accuracy\"\n");
  const Result r = t.hwnas(
      "bench search run.toml --algorithms random,regularized_evolution --seeds 3 --budgets 100 "
      "--json");
  ASSERT_EQ(r.code, 0) << r.err;
  const json bench = json::parse(r.out);
  EXPECT_EQ(bench["truth"]["architectures"], 15625);
  double best = 0;
  for (const auto& row : read_csv(shared_path("nb201_cifar10_accuracy.csv.gz")))
    best = std::max(best, std::stod(row.at("c10_valid_acc_200ep_pct")));
  EXPECT_NEAR(bench["objectives"][0]["best"].get<double>(), best / 100, 1e-9);
}

}  // namespace
}  // namespace hwnas::testing
