#include "search/engine/run.h"

#include <cmath>
#include <limits>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "search/pareto.h"
#include "space/input_error.h"
#include "tests/search/run_support.h"

namespace hwnas {
namespace {

using testing::HasSubstr;

std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

// Proposes what it is given, a batch at a time, and remembers what it is told.
class ScriptedSearcher final : public Searcher {
 public:
  explicit ScriptedSearcher(std::vector<Genotype> script) : script_(std::move(script)) {}
  std::vector<Proposal> ask(int n) override {
    asked.push_back(n);
    std::vector<Proposal> proposals;
    for (; n > 0 && next_ < script_.size(); --n)
      proposals.push_back({script_[next_++], {}, "script"});
    return proposals;
  }
  void tell(std::span<const Outcome> outcomes) override {
    told.emplace_back(outcomes.begin(), outcomes.end());
  }
  std::vector<int> asked;
  std::vector<std::vector<Outcome>> told;

 private:
  std::vector<Genotype> script_;
  std::size_t next_ = 0;
};

class Recorder final : public RunListener {
 public:
  void trial_ended(const Trial& trial, const Progress& progress) override {
    ended.push_back(trial.id);
    last = progress;
  }
  std::vector<TrialId> ended;
  Progress last;
};

struct Scripted {
  toy::Folder folder;
  RunSettings settings = toy::settings(100);
  Recorder recorder;

  // One stage, which is `evaluate`.
  Stopped run(ScriptedSearcher& searcher, std::function<Evaluation(const Job&)> evaluate,
              const SearchSpace& space = toy::space()) {
    Study study = Study::create_or_resume(folder / "s.db", toy::info(settings), toy::devices());
    const auto stage = parallel_evaluator("all", 2, std::move(evaluate));
    return hwnas::run(space, searcher, {stage.get()}, study, settings, recorder, {});
  }
  std::vector<Trial> trials() { return Study::open_readonly(folder / "s.db").trials(); }
};

Evaluation everything(const Job& job) {
  Evaluation all = toy::costs_of(job);
  all.measurements.push_back({{Metric::accuracy, ""}, Source::trained, 1, 0.9, {}});
  return all;
}

// Genes of the toy space: channels, kernel, stride, channels, kernel, depth of the skips.
Genotype genes(std::string_view text) {
  return parse_genotype(text);
}

TEST(Run, OneWorkerGivesTheSameStudyAsFour) {
  toy::Folder folder;
  EXPECT_EQ(toy::search(folder / "one.db", 40, 1, 3), Stopped::budget);
  EXPECT_EQ(toy::search(folder / "four.db", 40, 4, 9), Stopped::budget);
  const std::string one = toy::dump(folder / "one.db");
  EXPECT_THAT(one, HasSubstr("'infeasible'"));
  EXPECT_THAT(one, HasSubstr("'failed'"));
  EXPECT_EQ(one, toy::dump(folder / "four.db"));
}

TEST(Run, EndsWithExactlyTheBudgetOfCompleteTrials) {
  toy::Folder folder;
  for (const int budget : {1, 5, 13}) {
    const auto path = folder / (std::to_string(budget) + ".db");
    toy::search(path, budget, 2, 1);
    int complete = 0;
    for (const Trial& trial : Study::open_readonly(path).trials()) {
      complete += trial.state == TrialState::complete;
      EXPECT_NE(trial.state, TrialState::running);
    }
    EXPECT_EQ(complete, budget);
  }
}

TEST(Run, ALargerBudgetGoesOnAsIfItHadBeenGivenAtOnce) {
  toy::Folder folder;
  toy::search(folder / "at_once.db", 30, 2, 1);
  for (const int budget : {4, 11, 30}) toy::search(folder / "in_steps.db", budget, 2, 1);
  EXPECT_EQ(toy::dump(folder / "at_once.db"), toy::dump(folder / "in_steps.db"));
}

TEST(Run, RunAgainChangesNothing) {
  toy::Folder folder;
  toy::search(folder / "s.db", 15, 2, 1);
  const std::string before = toy::dump(folder / "s.db");
  Recorder recorder;
  EXPECT_EQ(toy::search(folder / "s.db", 15, 2, 1, {}, &recorder), Stopped::budget);
  EXPECT_TRUE(recorder.ended.empty()) << "nothing is evaluated again";
  EXPECT_EQ(toy::dump(folder / "s.db"), before);
}

TEST(Run, StoppedAndContinuedEqualsNeverStopped) {
  toy::Folder folder;
  toy::search(folder / "whole.db", 40, 3, 3);
  int stops = 0;
  for (std::size_t n = 1;; n += 2) {
    std::stop_source stop;
    toy::StopAfter listener(stop, n);
    const Stopped why = toy::search(folder / "pieces.db", 40, 3, 3, stop.get_token(), &listener);
    if (why == Stopped::budget) break;
    ASSERT_EQ(why, Stopped::request);
    ++stops;
  }
  EXPECT_GE(stops, 4);
  EXPECT_EQ(toy::dump(folder / "whole.db"), toy::dump(folder / "pieces.db"));
}

// Trials of one network in several deployments: trained once, whoever asks, however often the run
// is interrupted.
TEST(Run, ANetworkIsTrainedOnceHoweverItIsDeployed) {
  class StopSoon final : public RunListener {
   public:
    void trial_ended(const Trial&, const Progress&) override {
      if (++ended_ == 3) source.request_stop();
    }
    std::stop_source source;

   private:
    int ended_ = 0;
  };
  toy::Folder folder;
  int one = 0, four = 0, pieces = 0;
  toy::search(folder / "one.db", 60, 1, 1, {}, nullptr, toy::kDeployment, &one);
  toy::search(folder / "four.db", 60, 4, 3, {}, nullptr, toy::kDeployment, &four);
  for (Stopped why = Stopped::request; why == Stopped::request;) {
    StopSoon listener;
    why = toy::search(folder / "pieces.db", 60, 3, 2, listener.source.get_token(), &listener,
                      toy::kDeployment, &pieces);
  }
  const std::string dump = toy::dump(folder / "one.db");
  EXPECT_EQ(dump, toy::dump(folder / "four.db"));
  EXPECT_EQ(dump, toy::dump(folder / "pieces.db"));

  const SearchSpace space = toy::space(toy::kDeployment);
  std::map<std::uint64_t, std::pair<TrialId, double>> first;
  int trained = 0, shared = 0;
  const Study study = Study::open_readonly(folder / "one.db");
  for (const Trial& trial : study.trials()) {
    const Measurement* m = find(trial, {Metric::accuracy, ""});
    if (!m) continue;
    const auto [at, is_new] = first.try_emplace(
        fingerprint(*live(space.decode(trial.genotype).network)), trial.id, m->value);
    (is_new ? trained : shared) += 1;
    EXPECT_EQ(m->value, at->second.second) << trial.id << " and " << at->second.first;
    EXPECT_EQ(study.artifacts(trial.id).at(0).path,
              "weights/" + std::to_string(at->second.first) + ".pt");
  }
  EXPECT_GT(shared, 10);
  EXPECT_GE(one, trained);  // some training fails
  EXPECT_LT(one, trained + shared);
  EXPECT_EQ(one, four);
}

TEST(Run, AStopBeforeTheFirstTrialTriesNothing) {
  toy::Folder folder;
  std::stop_source source;
  source.request_stop();
  EXPECT_EQ(toy::search(folder / "s.db", 10, 2, 1, source.get_token()), Stopped::request);
  EXPECT_EQ(Study::open_readonly(folder / "s.db").trial_count(), 0);
}

TEST(Run, TimeOnlyDecidesWhenToStop) {
  toy::Folder folder;
  const SearchSpace space = toy::space();
  RunSettings settings = toy::settings(40);
  const auto costs = parallel_evaluator("costs", 2, toy::costs_of);
  toy::SlowEvaluator training("training", 2, 4, toy::training_of);
  toy::Silent silent;
  settings.budget.seconds = 0.03;
  Stopped why = Stopped::time;
  int runs = 0;
  for (; why == Stopped::time && runs < 1000; ++runs) {
    Study study = Study::create_or_resume(folder / "s.db", toy::info(settings), toy::devices());
    toy::GreedySearcher searcher(space.cardinalities(), settings.seed);
    why = run(space, searcher, {costs.get(), &training}, study, settings, silent, {});
  }
  EXPECT_EQ(why, Stopped::budget);
  EXPECT_GT(runs, 1);
  toy::search(folder / "whole.db", 40, 2, 1);
  EXPECT_EQ(toy::dump(folder / "s.db"), toy::dump(folder / "whole.db"));
}

TEST(Run, ReplayThatDivergesSaysWhere) {
  Scripted run;
  ScriptedSearcher first({genes("0-0-0-0-0-0"), genes("1-0-0-0-0-0"), genes("2-0-0-0-0-0")});
  run.run(first, everything);
  const std::string before = toy::dump(run.folder / "s.db");
  ScriptedSearcher other({genes("0-0-0-0-0-0"), genes("1-1-0-0-0-0"), genes("2-0-0-0-0-0")});
  EXPECT_EQ(
      error_of([&] { run.run(other, everything); }),
      "trial 1: the study diverges from this run: it holds genotype 1-0-0-0-0-0, the search now "
      "asks for 1-1-0-0-0-0 (was it made by another version, or edited?)");
  EXPECT_EQ(toy::dump(run.folder / "s.db"), before);
}

TEST(Run, ADuplicateIsToldTheEarlierTrial) {
  Scripted run;
  run.settings.batch = 2;
  // The second of two skips changes nothing: another genotype, the same network.
  const SearchSpace space = toy::space();
  const Genotype plain = genes("0-0-0-1-0-0"), same = genes("0-0-0-1-0-1");
  ASSERT_EQ(fingerprint(space.decode(plain)), fingerprint(space.decode(same)));
  ScriptedSearcher searcher({plain, genes("1-0-0-0-0-0"), same, plain, genes("2-0-0-0-0-0"), same});
  EXPECT_EQ(run.run(searcher, everything), Stopped::exhausted);
  EXPECT_EQ(run.trials().size(), 3u);
  ASSERT_EQ(searcher.told.size(), 3u);
  const Outcome& first = searcher.told[0][0];
  for (const Outcome& outcome : searcher.told[1]) {
    EXPECT_EQ(outcome.id, 0);
    EXPECT_EQ(outcome.objectives, first.objectives);
  }
  EXPECT_EQ(searcher.told[1][0].genotype, same);
  EXPECT_EQ(searcher.told[2][0].id, 0) << "in the order of trials";
  EXPECT_EQ(searcher.told[2][1].id, 2);
}

TEST(Run, TellsObjectivesMinimisedAndViolationsRelative) {
  Scripted run;
  run.settings.objectives = {{{Metric::accuracy, ""}, true, {}},
                             {{Metric::latency, "toy"}, true, 0.02},
                             {{Metric::energy, "toy"}, false, 0.5}};
  ScriptedSearcher searcher({genes("0-0-0-0-0-0"), genes("1-0-0-0-0-0")});
  run.run(searcher, [](const Job& job) {
    Evaluation e;
    toy::add(e, {Metric::accuracy, ""}, Source::trained, 1, 0.75);
    toy::add(e, {Metric::latency, "toy"}, Source::analytic, 0, job.trial == 0 ? 0.01 : 0.03);
    toy::add(e, {Metric::energy, "toy"}, Source::analytic, 0, job.trial == 0 ? 0.25 : 0.75);
    return e;
  });
  const std::vector<Outcome>& told = searcher.told.at(0);
  EXPECT_EQ(told[0].objectives, (std::vector<double>{0.25, 0.01}));
  EXPECT_EQ(told[0].violation, 0);
  EXPECT_EQ(told[1].state, TrialState::infeasible);
  EXPECT_TRUE(told[1].objectives.empty());
  EXPECT_NEAR(told[1].violation, 0.5 + 0.5, 1e-12);
  EXPECT_EQ(run.trials()[1].reason,
            "latency@toy is 30.0 ms, bound 20.0 ms; energy@toy is 750 mJ, bound 500 mJ");
}

TEST(Run, NothingInfeasibleReachesALaterStage) {
  toy::Folder folder;
  const SearchSpace space = toy::space();
  const RunSettings settings = toy::settings(20);
  Study study = Study::create_or_resume(folder / "s.db", toy::info(settings), toy::devices());
  toy::GreedySearcher searcher(space.cardinalities(), 1);
  const auto costs = parallel_evaluator("costs", 2, toy::costs_of);
  std::atomic<int> broken = 0;
  const auto training = parallel_evaluator("training", 2, [&](const Job& job) {
    if (1e-8 * static_cast<double>(macs(job.candidate->network)) > 2e-3) ++broken;
    return toy::training_of(job);
  });
  toy::Silent silent;
  run(space, searcher, {costs.get(), training.get()}, study, settings, silent, {});
  EXPECT_EQ(broken, 0);
  int infeasible = 0;
  for (const Trial& trial : study.trials()) infeasible += trial.stage == "costs";
  EXPECT_GT(infeasible, 0) << "or the test shows nothing";
}

TEST(Run, WhatFailsIsAFailedTrialWithItsReason) {
  Scripted run;
  ScriptedSearcher searcher({genes("0-0-0-0-0-0"), genes("1-0-0-0-0-0"), genes("2-0-0-0-0-0"),
                             genes("0-1-0-0-0-0"), genes("9-0-0-0-0-0"), genes("0-2-0-0-0-0")});
  run.run(searcher, [](const Job& job) {
    Evaluation e = everything(job);
    if (job.trial == 0) e.failure = "exit code 3: out of paper";
    if (job.trial == 1) e.measurements[0].value = std::nan("");
    if (job.trial == 2) e.measurements[1].value = std::numeric_limits<double>::infinity();
    if (job.trial == 3) e.measurements.pop_back();
    if (job.trial == 5) e.measurements.push_back(e.measurements.back());
    return e;
  });
  const std::vector<Trial> trials = run.trials();
  ASSERT_EQ(trials.size(), 6u);
  for (const Trial& trial : trials) EXPECT_EQ(trial.state, TrialState::failed);
  EXPECT_EQ(trials[0].reason, "exit code 3: out of paper");
  EXPECT_EQ(trials[1].reason, "latency@toy is not a number");
  EXPECT_EQ(trials[2].reason, "energy@toy is infinite");
  EXPECT_EQ(trials[3].reason, "no stage gave accuracy");
  EXPECT_THAT(trials[4].reason, HasSubstr("is 9; it has only 3 options"));
  EXPECT_EQ(trials[5].reason, "accuracy is given twice");
  EXPECT_EQ(run.recorder.last.failed, 6);
  EXPECT_EQ(searcher.told[0][0].state, TrialState::failed);
}

TEST(Run, ANetworkWithoutAPathFails) {
  Scripted run;
  const SearchSpace cells =
      SearchSpace::load(std::string(HWNAS_SOURCE_DIR) + "/space/spaces/nasbench201.toml");
  const Genotype dead{std::vector<std::uint8_t>(cells.cardinalities().size(), 0)};
  ASSERT_EQ(live(cells.decode(dead).network), std::nullopt) << "option 0 of every edge is 'none'";
  ScriptedSearcher searcher({dead, dead});
  run.run(searcher, everything, cells);
  ASSERT_EQ(run.trials().size(), 1u);
  EXPECT_EQ(run.trials()[0].reason, "no path from input to output");
  EXPECT_EQ(run.trials()[0].state, TrialState::failed);
}

TEST(Run, EvaluatorsSeeLiveNetworks) {
  Scripted run;
  std::atomic<int> identities = 0;
  ScriptedSearcher searcher({genes("0-0-0-1-0-0")});
  run.run(searcher, [&](const Job& job) {
    for (const Layer& layer : job.candidate->network.layers())
      identities += layer.op == Op::identity;
    return everything(job);
  });
  EXPECT_EQ(identities, 0);
}

TEST(Run, EndsWhereTheSearcherOnlyRepeatsItself) {
  class Stuck final : public Searcher {
   public:
    std::vector<Proposal> ask(int) override {
      return {{parse_genotype("0-0-0-0-0-0"), {}, "stuck"}};
    }
    void tell(std::span<const Outcome>) override {}
  };
  toy::Folder folder;
  const RunSettings settings = toy::settings(10);
  Study study = Study::create_or_resume(folder / "s.db", toy::info(settings), toy::devices());
  Stuck searcher;
  const auto all = parallel_evaluator("all", 1, everything);
  toy::Silent silent;
  EXPECT_EQ(run(toy::space(), searcher, {all.get()}, study, settings, silent, {}),
            Stopped::exhausted);
  EXPECT_EQ(study.trial_count(), 1);
}

TEST(Run, ProposalsAreBoundedWhereNothingIsFeasible) {
  toy::Folder folder;
  const SearchSpace space = toy::space();
  RunSettings settings = toy::settings(10);
  settings.objectives[1].bound = 1e-30;
  for (const auto& [proposals, why] :
       {std::pair{17, Stopped::budget}, std::pair{25, Stopped::budget}}) {
    settings.budget.proposals = proposals;
    Study study = Study::create_or_resume(folder / "s.db", toy::info(settings), toy::devices());
    toy::GreedySearcher searcher(space.cardinalities(), 3);
    const auto all = parallel_evaluator("all", 1, everything);
    toy::Silent silent;
    EXPECT_EQ(run(space, searcher, {all.get()}, study, settings, silent, {}), why);
    EXPECT_EQ(study.trial_count(), proposals);
  }
}

TEST(Run, ProgressCountsAndMeasuresTheFront) {
  Scripted run;
  run.settings.objectives = {{{Metric::accuracy, ""}, true, {}},
                             {{Metric::latency, "toy"}, true, {}}};
  run.settings.reference = {1, 10};
  run.settings.ideal = {0, 0};
  ScriptedSearcher searcher({genes("0-0-0-0-0-0"), genes("1-0-0-0-0-0"), genes("2-0-0-0-0-0")});
  run.run(searcher, [](const Job& job) {
    const double accuracy[] = {0.5, 0.8, 0.5}, latency[] = {5, 8, 6};
    const auto i = static_cast<std::size_t>(job.trial);
    Evaluation e;
    toy::add(e, {Metric::accuracy, ""}, Source::trained, 1, accuracy[i]);
    toy::add(e, {Metric::latency, "toy"}, Source::analytic, 0, latency[i]);
    return e;
  });
  // Points (error, latency) (0.5, 5) and (0.2, 8) in the box (1, 10): the third is dominated.
  // 0.5 * 0.5 + 0.3 * 0.2 = 0.31.
  EXPECT_EQ(run.recorder.ended, (std::vector<TrialId>{0, 1, 2}));
  EXPECT_EQ(run.recorder.last.complete, 3);
  EXPECT_EQ(run.recorder.last.front, 2u);
  EXPECT_NEAR(run.recorder.last.hypervolume, 0.31, 1e-12);
}

}  // namespace
}  // namespace hwnas
