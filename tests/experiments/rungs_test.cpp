// Rungs as a user meets them: the config, a run on a table, status and show.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "experiments/run_config.h"
#include "space/input_error.h"
#include "tests/experiments/small_tables.h"

namespace hwnas::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kRungColumn = R"([[tables.metrics]]
metric = "accuracy"
column = "acc12"
unit = "%"
fidelity = 12
cost = 12
)";

// The small table with both fidelities; `rest` after its objectives.
std::string config(const std::string& rest, const std::string& algorithm = "nsga2") {
  return "name = \"small\"\nspace = \"./small_space.toml\"\n" + kTable + kAccuracyColumn +
         kRungColumn + kLatencyColumn + "[search]\nalgorithm = \"" + algorithm +
         "\"\npopulation = 8\n" + kTwoObjectives + rest;
}

const std::string kRungs = "[rungs]\nfidelities = [12]\nkeep = 0.25\n";

std::map<TrialState, int> states(const Study& study) {
  std::map<TrialState, int> states;
  for (const Trial& trial : study.trials()) ++states[trial.state];
  return states;
}

TEST(RungsRun, GoesOnWithTheBestOfARoundAndSaysSo) {
  const SmallRun t(config(kRungs + "[budget]\ncost = 2000\n"));
  const Result r = t.hwnas("search run.toml --workers 1");
  ASSERT_EQ(r.code, 0) << r.err;
  // Two get through: a round has 2 / 0.25 = 8 proposals and costs 8 * 12 + 2 * 200 = 496.
  EXPECT_THAT(r.err, AllOf(HasSubstr("of 8 proposals a round 2 go on after 'table@12'"),
                           HasSubstr("stopped: rung 'table@12': place 3 of 8, 2 go on"),
                           HasSubstr("stopped, 0 infeasible")));
  const Study study = t.study();
  const auto counts = states(study);
  EXPECT_EQ(counts.at(TrialState::complete), 8);
  EXPECT_EQ(counts.at(TrialState::stopped), 24);
  for (const Trial& trial : study.front())
    EXPECT_EQ(find(trial, {Metric::accuracy, ""})->fidelity, 200);

  EXPECT_THAT(t.hwnas("status small.db").out,
              HasSubstr("trials 32: 8 complete, 0 infeasible, 0 failed, 24 stopped at a rung, 0 "
                        "unfinished"));
  TrialId stopped = -1;
  for (const Trial& trial : study.trials())
    if (trial.state == TrialState::stopped) stopped = trial.id;
  EXPECT_THAT(t.hwnas("show small.db " + std::to_string(stopped)).out,
              AllOf(HasSubstr(": stopped in stage 'table@12': rung 'table@12': place "),
                    HasSubstr("trained, 12 epochs"), Not(HasSubstr("200 epochs"))));
}

TEST(RungsRun, WorkersBudgetsAndResumesDoNotShow) {
  for (const char* algorithm :
       {"random", "nsga2", "regularized_evolution", "local_search", "surrogate"}) {
    const SmallRun t(config(kRungs, algorithm));
    ASSERT_EQ(t.hwnas("search run.toml --trials 12 --workers 1 --study one.db").code, 0);
    ASSERT_EQ(t.hwnas("search run.toml --trials 12 --workers 4 --study four.db").code, 0);
    ASSERT_EQ(t.hwnas("search run.toml --trials 3 --study steps.db").code, 0);
    ASSERT_EQ(t.hwnas("search run.toml --trials 12 --study steps.db").code, 0);
    EXPECT_EQ(t.dump("one.db"), t.dump("four.db")) << algorithm;
    EXPECT_EQ(t.dump("one.db"), t.dump("steps.db")) << algorithm;
  }
}

TEST(RungsRun, RungsDecideTheTrials) {
  const SmallRun t(config(kRungs));
  ASSERT_EQ(t.hwnas("search run.toml --trials 2").code, 0);
  write(t.folder / "run.toml", config("[rungs]\nfidelities = [12]\nkeep = 0.2\n"));
  const Result r = t.hwnas("search run.toml --trials 2");
  EXPECT_EQ(r.code, 2);
  EXPECT_THAT(r.err, HasSubstr("belongs to another run"));
}

TEST(RungsRun, WhereNothingIsSaidARungCostsWhatFollowsIt) {
  const SmallRun t(config("[rungs]\nfidelities = [12]\n"));
  const RunConfig c = RunConfig::load(t.folder / "run.toml");
  ASSERT_EQ(c.rungs.size(), 1u);
  EXPECT_DOUBLE_EQ(c.rungs[0].keep, 12.0 / 200);
  EXPECT_EQ(c.batch, 33);  // 2 / 0.06
  write(t.folder / "run.toml", config("[rungs]\nfidelities = [12]\n", "surrogate"));
  const RunConfig surrogate = RunConfig::load(t.folder / "run.toml");
  EXPECT_DOUBLE_EQ(surrogate.rungs[0].keep, 1.0 / 3);
  EXPECT_EQ(surrogate.batch, 6);
}

TEST(RungsRun, ABenchCountsWhatRungsCostInWholeEvaluations) {
  const SmallRun t(config(kRungs));
  const Result r =
      t.hwnas("bench search run.toml --algorithms random --seeds 1 --budgets 19 --json");
  ASSERT_EQ(r.code, 0) << r.err;
  // 19 evaluations are worth 3800, which buys seven rounds of 496: 3472, or 17.36 evaluations.
  std::string squeezed = r.out;
  std::erase_if(squeezed, [](char c) { return c == ' ' || c == '\n'; });
  EXPECT_THAT(squeezed, HasSubstr("\"evaluations\":[18]"));
}

TEST(RungsRun, ABenchGivesEachAlgorithmItsOwnUsualRounds) {
  const SmallRun t(config("[rungs]\nfidelities = [12]\n"));
  const std::string bench = "bench search run.toml --algorithms nsga2,surrogate --seeds 1 ";
  EXPECT_THAT(t.hwnas(bench + "--budgets 6").out,
              HasSubstr("batches of 33 (nsga2), 6 (surrogate), 6 evaluations each"));
  EXPECT_THAT(t.hwnas(bench + "--budgets 6 --batch 4").out, HasSubstr(", batches of 4, 6 eval"));
}

std::string message(const std::string& rest) {
  const SmallRun t(config(rest));
  const Result r = t.hwnas("search run.toml");
  EXPECT_EQ(r.code, 2) << rest;
  return r.err.substr(0, r.err.find('\n'));
}

TEST(RungsRun, Mistakes) {
  EXPECT_THAT(message("[rungs]\n"),
              HasSubstr("rungs = a table: has no rung; give fidelities = [...] of "
                        "[[tables]], or [[rungs.stages]] of a training"));
  EXPECT_THAT(message("[rungs]\nfidelities = [13]\n"),
              HasSubstr("rungs.fidelities = [ 13 ]: no objective is in a table at fidelity 13 and, "
                        "at a cost, at a higher one"));
  EXPECT_THAT(message("[rungs]\nfidelities = [200]\n"), HasSubstr("at fidelity 200 and"));
  EXPECT_THAT(message("[rungs]\nfidelities = [12, 12]\n"),
              HasSubstr("a rung tells more than the one before it: expected rising order"));
  EXPECT_THAT(message("[rungs]\nfidelities = [12]\nkeep = 1\n"), HasSubstr("rungs.keep = 1: "));
  EXPECT_THAT(message("[rungs]\nfidelities = [12]\nasynchronous = true\n"),
              HasSubstr("rungs.asynchronous"));
  EXPECT_THAT(message("[[rungs.stages]]\nepochs = 1\n"),
              HasSubstr("are trainings; here look-ups in tables are rungs: write fidelities = "));
  EXPECT_THAT(message(kRungs + "[budget]\ncost = 400\n"),
              HasSubstr("buys no round: the look-ups of one of 8 cost 496"));
}

TEST(RungConfig, TrainingsOfFewerEpochsOrImages) {
  const std::string head =
      "space = 'tiny_image'\n[data]\nset = 'mnist'\ndirectory = '/usr'\n[training]\nepochs = 9\n"
      "[[objectives]]\nmetric = 'accuracy'\n";
  const auto read = [&head](const std::string& rest) {
    return RunConfig::parse(head + rest, "r.toml");
  };
  const auto error = [&read](const std::string& rest) -> std::string {
    try {
      read(rest);
    } catch (const InputError& e) {
      return e.what();
    }
    return "";
  };
  const RunConfig c = read(
      "[search]\nalgorithm = 'nsga2'\n[[rungs.stages]]\nepochs = 1\ndata_share = 0.5\n"
      "[[rungs.stages]]\nepochs = 3\n");
  ASSERT_EQ(c.rungs.size(), 2u);
  EXPECT_EQ(c.rungs[0].fidelity, 0.5);
  EXPECT_DOUBLE_EQ(c.rungs[0].keep, 0.5 / 3);
  EXPECT_EQ(c.rungs[1].fidelity, 3);
  EXPECT_DOUBLE_EQ(c.rungs[1].keep, 3.0 / 9);
  EXPECT_EQ(c.batch, 36);  // 2 / (1/6 * 1/3)
  EXPECT_EQ(read("[search]\nbatch = 5\n[rungs]\nkeep = 0.4\n[[rungs.stages]]\nepochs = 3\n").batch,
            5);
  EXPECT_EQ(read("[rungs]\nkeep = 0.4\n[[rungs.stages]]\nepochs = 3\n").rungs[0].keep, 0.4);
  EXPECT_NE(deciding_settings(c), deciding_settings(read("")));
  EXPECT_EQ(error("[[rungs.stages]]\nepochs = 9\n"),
            "r.toml:10: rungs.stages[0].epochs = 9: is no less than the full training of 9 epochs; "
            "a rung has fewer epochs or a data_share below 1");
  EXPECT_EQ(error("[[rungs.stages]]\nepochs = 1\nresolution = 14\n").substr(0, 43),
            "r.toml:11: rungs.stages[0].resolution = 14:");
}

}  // namespace
}  // namespace hwnas::testing
