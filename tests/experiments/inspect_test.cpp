// Looking at studies through the program: pick, lineage, diff.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "experiments/front_report.h"
#include "search/store/study.h"
#include "tests/experiments/program.h"

namespace hwnas::testing {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string config(int seed, const std::string& device = "stm32l4r5") {
  return "name = \"costs\"\nspace = \"tiny_image\"\nseed = " + std::to_string(seed) +
         "\ndevices = [\"" + device +
         "\"]\n[search]\nalgorithm = \"nsga2\"\nbatch = 8\npopulation = 16\n[budget]\ntrials = 48\n"
         "[[objectives]]\nmetric = \"parameters\"\n[[objectives]]\nmetric = \"latency@" +
         device + "\"\n";
}

// Two runs that differ in their seed, and one on another device.
class Inspect : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new Folder;
    const auto search = [](const std::string& name, const std::string& text) {
      write(*folder_ / (name + ".toml"), text);
      const Result r = hwnas("search " + name + ".toml --study " + name + ".db");
      ASSERT_EQ(r.code, 0) << r.err;
    };
    search("a", config(1));
    search("b", config(2));
    search("other", config(1, "stm32h743"));
  }
  static void TearDownTestSuite() { delete folder_; }

  static Result hwnas(const std::string& arguments) {
    return run(folder_->path(), kHwnas + " " + arguments);
  }
  static Study study(const std::string& name) { return Study::open_readonly(*folder_ / name); }
  static json printed(const std::string& arguments) {
    const Result r = hwnas(arguments);
    EXPECT_EQ(r.code, 0) << arguments << r.err;
    return json::parse(r.out);
  }
  static std::string problem(const std::string& arguments) {
    const Result r = hwnas(arguments);
    EXPECT_EQ(r.code, 2) << arguments;
    EXPECT_EQ(std::count(r.err.begin(), r.err.end(), '\n'), 1) << r.err;
    return r.err;
  }
  static Folder* folder_;
};
Folder* Inspect::folder_ = nullptr;

const MetricKey kLatency{Metric::latency, "stm32l4r5"}, kParameters{Metric::parameters, ""};

double value(const Trial& trial, const MetricKey& key) {
  return find(trial, key)->value;
}

TEST_F(Inspect, PickTakesTheBestThatKeepsTheConditions) {
  // The same by hand, from all trials.
  double limit = 0;
  std::vector<double> latencies;
  const std::vector<Trial> trials = study("a.db").trials();
  for (const Trial& t : trials) latencies.push_back(value(t, kLatency));
  std::sort(latencies.begin(), latencies.end());
  limit = latencies[latencies.size() / 2];
  const Trial* best = nullptr;
  std::size_t among = 0;
  for (const Trial& t : trials) {
    if (!(value(t, kLatency) < limit)) continue;
    ++among;
    if (best == nullptr || value(t, kParameters) < value(*best, kParameters)) best = &t;
  }
  const std::string where =
      " --where \"latency@stm32l4r5 < " + std::to_string(1e6 * limit) + " us\" --best ";
  const json picked = printed("pick a.db --json" + where + "parameters");
  EXPECT_EQ(picked.at("trial"), best->id);
  EXPECT_EQ(picked.at("among"), among);
  EXPECT_EQ(picked.at("values").at("parameters").at("value"), value(*best, kParameters));
  EXPECT_EQ(hwnas("pick a.db --id" + where + "parameters").out, std::to_string(best->id) + "\n");
  const Result text = hwnas("pick a.db" + where + "parameters");
  EXPECT_THAT(text.out, AllOf(HasSubstr("trial " + std::to_string(best->id) + ", of " +
                                        std::to_string(among) + " complete ones with latency"),
                              HasSubstr("best in parameters"), HasSubstr("\u2190 picked"),
                              HasSubstr("hwnas show a.db " + std::to_string(best->id)),
                              HasSubstr("hwnas export a.db ")));
}

TEST_F(Inspect, PickLeavesRoomForWhatFollows) {
  const std::vector<Trial> trials = study("a.db").trials();
  double least = INFINITY;
  for (const Trial& t : trials) least = std::min(least, value(t, kParameters));
  const Trial* fastest = nullptr;
  for (const Trial& t : trials) {
    if (value(t, kParameters) > least + 2000) continue;
    if (fastest == nullptr || value(t, kLatency) < value(*fastest, kLatency)) fastest = &t;
  }
  EXPECT_EQ(
      printed("pick a.db --json --best \"parameters within 2 k, latency@stm32l4r5\"").at("trial"),
      fastest->id);
  // Without a preference the knee of the front, as `pareto` marks it.
  const FrontReport front = report_front(study("a.db"));
  EXPECT_EQ(printed("pick a.db --json").at("trial"),
            front.front[static_cast<std::size_t>(front.knee)].id);
  EXPECT_EQ(hwnas("pick a.db --knee").out, hwnas("pick a.db").out);
  // What is no objective may be asked for, too.
  EXPECT_EQ(hwnas("pick a.db --best energy@stm32l4r5").code, 0);
}

TEST_F(Inspect, PickSaysWhatCannotBe) {
  EXPECT_THAT(problem("pick a.db --where \"latency@stm32l4r5 < 1 us\""),
              HasSubstr("--where = latency@stm32l4r5 < 1 us: no complete trial keeps it; the "
                        "lowest is "));
  EXPECT_THAT(problem("pick a.db --where \"latency@stm32l4r5 < 20\""), HasSubstr("--where = "));
  EXPECT_THAT(problem("pick a.db --where latency"), HasSubstr("expected METRIC < VALUE"));
  EXPECT_THAT(problem("pick a.db --where \"latancy@x < 1 ms\""),
              HasSubstr("unknown metric 'latancy'; did you mean 'latency'?"));
  EXPECT_THAT(problem("pick a.db --where \"latency@v100 < 1 ms\""),
              HasSubstr("no trial has a value of latency@v100; known: "));
  EXPECT_THAT(problem("pick a.db --best accuracy"), HasSubstr("no trial has a value of accuracy"));
  EXPECT_THAT(problem("pick a.db --best \"parameters within x\""), HasSubstr("--best = "));
  EXPECT_THAT(problem("pick a.db --best parameters --knee"), HasSubstr("do not go together"));
  // Each is kept by some, but the smallest is not the slowest.
  const std::vector<Trial> trials = study("a.db").trials();
  double least = INFINITY, slowest = 0;
  for (const Trial& t : trials) {
    least = std::min(least, value(t, kParameters));
    slowest = std::max(slowest, value(t, kLatency));
  }
  char both[200];
  std::snprintf(both, sizeof both,
                "pick a.db --where \"parameters <= %.0f\" --where \"latency@stm32l4r5 >= %.12f s\"",
                least, slowest * (1 - 1e-9));
  EXPECT_THAT(problem(both), HasSubstr("no complete trial keeps all conditions, though each is "
                                       "kept by some; trial "));
}

TEST_F(Inspect, ParetoAsTableForOthersAndAsPlot) {
  const FrontReport front = report_front(study("a.db"));
  std::istringstream csv(hwnas("pareto a.db --csv").out);
  std::string line;
  std::getline(csv, line);
  EXPECT_EQ(line.substr(0, 20), "trial,genotype,knee,");
  std::vector<std::string> names;
  for (std::size_t at = 0; at < line.size(); at = line.find(',', at) + 1) {
    names.push_back(line.substr(at, line.find(',', at) - at));
    if (line.find(',', at) == std::string::npos) break;
  }
  const auto column =
      std::find(names.begin(), names.end(), "\"latency@stm32l4r5\"") - names.begin();
  ASSERT_LT(column, static_cast<std::ptrdiff_t>(names.size()));
  for (const Trial& trial : front.front) {
    ASSERT_TRUE(std::getline(csv, line));
    std::istringstream cells(line);
    std::string cell;
    for (std::ptrdiff_t i = 0; i <= column; ++i) {
      std::getline(cells, cell, ',');
      if (i == 0) {
        EXPECT_EQ(cell, std::to_string(trial.id));
      }
    }
    EXPECT_EQ(std::stod(cell), value(trial, kLatency));
  }
  EXPECT_FALSE(std::getline(csv, line));
  const std::string plot = hwnas("pareto a.db --plot").out;
  EXPECT_THAT(plot, AllOf(HasSubstr("\u25cf"), HasSubstr("\u25c6"), HasSubstr("latency@stm32l4r5"),
                          HasSubstr("on the front, hypervolume")));
  EXPECT_THAT(problem("pareto a.db --csv --json"), HasSubstr("do not go together"));
  EXPECT_EQ(hwnas("pareto a.db --svg a.svg").code, 0);
  const std::string svg = slurp(*folder_ / "a.svg");
  EXPECT_THAT(svg, AllOf(HasSubstr("<svg "), HasSubstr("latency@stm32l4r5"), HasSubstr("</svg>")));
  for (const Trial& trial : front.front)
    EXPECT_THAT(svg, HasSubstr("<title>trial " + std::to_string(trial.id) + "</title>"));
  EXPECT_THAT(problem("pareto a.db --svg no/such/a.svg"), HasSubstr("cannot be written"));
}

TEST_F(Inspect, LineageGoesBackToSamples) {
  const Study s = study("a.db");
  const Trial* child = nullptr;
  const std::vector<Trial> trials = s.trials();
  for (const Trial& t : trials) {
    if (!t.parents.empty()) child = &t;
  }
  ASSERT_NE(child, nullptr);
  const std::string id = std::to_string(child->id);
  const Result r = hwnas("lineage a.db " + id);
  EXPECT_EQ(r.code, 0) << r.err;
  EXPECT_THAT(r.out, AllOf(HasSubstr("trial " + id + ", "), HasSubstr("\u2514\u2500 trial "),
                           HasSubstr("sample"), HasSubstr(" \u2192 ")));
  const json all = printed("lineage a.db --json " + id);
  EXPECT_EQ(all.at(0).at("trial"), child->id);
  std::vector<TrialId> parents;
  for (const json& parent : all.at(0).at("parents")) parents.push_back(parent.at("trial"));
  EXPECT_EQ(parents, child->parents);
  for (const json& entry : all) {
    for (const json& parent : entry.at("parents")) {
      EXPECT_TRUE(std::any_of(all.begin(), all.end(), [&](const json& other) {
        return other.at("trial") == parent.at("trial");
      }));
    }
  }
  EXPECT_THAT(hwnas("lineage a.db 0").out, Not(HasSubstr("\n\u2514")));
  EXPECT_THAT(hwnas("lineage a.db " + id + " --depth 1").out.size(), ::testing::Le(r.out.size()));
  EXPECT_THAT(problem("lineage a.db 999"), HasSubstr("--ID = 999"));
}

TEST_F(Inspect, DiffTellsWhatOnlyOneReaches) {
  const json same = printed("diff a.db a.db --json");
  EXPECT_TRUE(same.at("studies").at(0).at("only_here").empty());
  EXPECT_EQ(same.at("studies").at(0).at("hypervolume"), same.at("studies").at(1).at("hypervolume"));
  EXPECT_TRUE(same.at("differences").empty());
  // By hand: a point that nothing on the other front equals or beats.
  const json differ = printed("diff a.db b.db --json");
  EXPECT_TRUE(differ.at("differences").empty()) << differ;
  const std::vector<Trial> a = study("a.db").front(), b = study("b.db").front();
  std::vector<TrialId> only;
  for (const Trial& t : a) {
    if (std::none_of(b.begin(), b.end(), [&](const Trial& o) {
          return value(o, kLatency) <= value(t, kLatency) &&
                 value(o, kParameters) <= value(t, kParameters);
        }))
      only.push_back(t.id);
  }
  std::vector<TrialId> got = differ.at("studies").at(0).at("only_here");
  std::sort(got.begin(), got.end());
  EXPECT_EQ(got, only);
  EXPECT_THAT(hwnas("diff a.db b.db").out,
              AllOf(HasSubstr("a.db: "), HasSubstr("their numbers compare"),
                    HasSubstr("only b.db reaches")));
  EXPECT_THAT(problem("diff a.db other.db"),
              HasSubstr("other.db: optimises parameters, latency@stm32h743, but a.db parameters, "
                        "latency@stm32l4r5"));
  EXPECT_THAT(problem("diff a.db none.db"), HasSubstr("none.db: no such file"));
}

}  // namespace
}  // namespace hwnas::testing
