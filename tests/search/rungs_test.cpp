// Rungs: who goes on, and that neither workers, interruptions nor budgets change it.
#include "search/engine/rungs.h"

#include <cmath>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/search/run_support.h"

namespace hwnas {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using toy::Bracket;

const std::vector<Objective> kTwo{{{Metric::accuracy, ""}, true, {}},
                                  {{Metric::latency, "toy"}, true, {}}};

struct Point {
  double accuracy, latency;
};

Trial trial_at(TrialId id, Point point, double fidelity = 1) {
  Trial trial;
  trial.id = id;
  trial.measurements = {{{Metric::accuracy, ""}, Source::trained, fidelity, point.accuracy, {}},
                        {{Metric::latency, "toy"}, Source::analytic, 0, point.latency, {}}};
  return trial;
}

std::vector<Trial> trials_at(const std::vector<Point>& points) {
  std::vector<Trial> trials;
  for (const Point& point : points) trials.push_back(trial_at(std::ssize(trials), point));
  return trials;
}

std::vector<std::size_t> ranked(const std::vector<Trial>& cohort,
                                const std::vector<Objective>& objectives = kTwo,
                                const std::vector<Trial>& elders = {}) {
  std::vector<const Trial*> young, old;
  for (const Trial& trial : cohort) young.push_back(&trial);
  for (const Trial& trial : elders) old.push_back(&trial);
  return rank_at_rung(young, old, objectives, 1);
}

TEST(Rungs, FrontsThenCrowdingThenTheEarlierTrial) {
  // (error, latency): 0 (.5, 1), 1 (.4, 2), 2 (.2, 3) and 3 (.1, 9) are the first front, 4 (.5, 4)
  // and 5 (.6, 4) behind them, 6 the equal of 4. Crowding of 1: (.5 - .2) / .4 + (3 - 1) / 8 = 1;
  // of 2: (.4 - .1) / .4 + (9 - 2) / 8 = 1.625. The second front is 4 and 6, equal points, neither
  // with room around it.
  const auto cohort = trials_at({{.5, 1}, {.6, 2}, {.8, 3}, {.9, 9}, {.5, 4}, {.4, 4}, {.5, 4}});
  EXPECT_THAT(ranked(cohort), ElementsAre(0, 3, 2, 1, 4, 6, 5));
}

TEST(Rungs, WhatEldersHaveFoundNeedNotBeFoundAgain) {
  const auto cohort = trials_at({{.5, 1}, {.6, 2}, {.8, 3}});
  EXPECT_THAT(ranked(cohort), ElementsAre(0, 2, 1));
  // The elder dominates 1 and 2: 0 alone is left on the first front, those two span the second.
  EXPECT_THAT(ranked(cohort, kTwo, {trial_at(0, {.9, 1.5})}), ElementsAre(0, 1, 2));
  // This one dominates 0 as well: all three are one front behind it.
  EXPECT_THAT(ranked(cohort, kTwo, {trial_at(0, {.9, .5})}), ElementsAre(0, 2, 1));
  // One that dominates only 0 takes its place.
  EXPECT_THAT(ranked(cohort, kTwo, {trial_at(0, {.55, 1})}), ElementsAre(2, 1, 0));
}

TEST(Rungs, WhoeverBreaksABoundComesLast) {
  const std::vector<Objective> bounded{{{Metric::accuracy, ""}, true, .6},
                                       {{Metric::latency, "toy"}, true, {}}};
  // 0 lacks .3 of .6, 1 lacks .1; 2 and 3 keep the bound though nothing speaks for 3.
  const auto cohort = trials_at({{.3, 1}, {.5, 1}, {.9, 2}, {.6, 9}});
  EXPECT_THAT(ranked(cohort, bounded), ElementsAre(2, 3, 1, 0));
}

TEST(Rungs, TrainingLossStandsForTheErrorWhereAllHaveOne) {
  auto cohort = trials_at({{.7, 1}, {.8, 1}, {.9, 1}});
  EXPECT_THAT(ranked(cohort), ElementsAre(2, 1, 0));
  const double loss[] = {.2, .3, .1};
  for (std::size_t i = 0; i < 3; ++i)
    cohort[i].measurements.push_back(
        {{Metric::training_loss, ""}, Source::trained, 1, loss[i], {}});
  EXPECT_THAT(ranked(cohort), ElementsAre(2, 0, 1));
  cohort[2].measurements.pop_back();
  EXPECT_THAT(ranked(cohort), ElementsAre(2, 1, 0));
}

TEST(Rungs, OnlyWhatWasKnownAtTheRungCounts) {
  auto cohort = trials_at({{.7, 1}, {.8, 1}});
  cohort[0].measurements.push_back({{Metric::accuracy, ""}, Source::trained, 5, .99, {}});
  EXPECT_THAT(ranked(cohort), ElementsAre(1, 0));
  EXPECT_EQ(values_at_rung(cohort[0], kTwo, 1)[0], 1 - .7);
  EXPECT_EQ(values_at_rung(cohort[0], kTwo, 5)[0], 1 - .99);
  EXPECT_TRUE(std::isnan(values_at_rung(cohort[0], kTwo, 0)[0]));
}

TEST(Rungs, AnObjectiveThatOneLacksIsLeftOut) {
  auto cohort = trials_at({{.7, 3}, {.8, 2}, {.9, 1}});
  cohort[2].measurements.erase(cohort[2].measurements.begin());
  EXPECT_THAT(ranked(cohort), ElementsAre(2, 1, 0)) << "by latency alone";
}

TEST(Rungs, TheNearestNumberGoesOnAndAtLeastOne) {
  const Stage third(nullptr, 0.333, 1);
  const std::map<std::size_t, std::size_t> expected{{0, 0}, {1, 1}, {2, 1}, {4, 1},
                                                    {5, 2}, {9, 3}, {27, 9}};
  for (const auto& [of, on] : expected) EXPECT_EQ(kept(third, of), on) << of;
}

std::map<TrialState, int> states_of(const std::filesystem::path& path) {
  std::map<TrialState, int> states;
  for (const Trial& trial : Study::open_readonly(path).trials()) ++states[trial.state];
  return states;
}

TEST(Rungs, OneWorkerGivesTheSameStudyAsFour) {
  toy::Folder folder;
  Bracket one{.workers = 1, .most_ms = 1}, four{.workers = 4, .most_ms = 3};
  EXPECT_EQ(one.run(folder / "one.db", 20), Stopped::budget);
  EXPECT_EQ(four.run(folder / "four.db", 20), Stopped::budget);
  const std::string dump = toy::dump(folder / "one.db");
  for (const char* state : {"'complete'", "'stopped'", "'failed'", "'infeasible'"})
    EXPECT_THAT(dump, HasSubstr(state));
  EXPECT_EQ(dump, toy::dump(folder / "four.db"));
}

TEST(Rungs, CutsAreMadeAsRanksSayAndReasonsTellThem) {
  toy::Folder folder;
  Bracket().run(folder / "s.db", 20);
  const Study study = Study::open_readonly(folder / "s.db");
  const std::vector<Objective> objectives = toy::settings(20).objectives;
  const std::vector<Trial> trials = study.trials();
  // The first round: twelve proposals, none of them a duplicate of another's network.
  ASSERT_NE(trials[11].state, TrialState::running);
  std::vector<const Trial*> cohort;
  for (std::size_t i = 0; i < 12; ++i) {
    const bool at_first = find_at_rung(trials[i], {Metric::accuracy, ""}, 1) != nullptr;
    if (at_first) cohort.push_back(&trials[i]);
  }
  ASSERT_GE(cohort.size(), 4u);
  const std::vector<std::size_t> order = rank_at_rung(cohort, {}, objectives, 1);
  const std::size_t on = kept(Stage(nullptr, 1.0 / 3, 1), cohort.size());
  for (std::size_t place = 0; place < order.size(); ++place) {
    const Trial& trial = *cohort[order[place]];
    EXPECT_EQ(trial.stage == "first", place >= on) << trial.id;
    if (place < on) continue;
    EXPECT_EQ(trial.state, TrialState::stopped);
    EXPECT_EQ(trial.reason, "rung 'first': place " + std::to_string(place + 1) + " of " +
                                std::to_string(order.size()) + ", " + std::to_string(on) +
                                (on == 1 ? " goes on" : " go on"));
  }
}

TEST(Rungs, StoppedTrialsKeepTheirValuesAndAreOnNoFront) {
  toy::Folder folder;
  Bracket().run(folder / "s.db", 20);
  const Study study = Study::open_readonly(folder / "s.db");
  for (const Trial& trial : study.trials()) {
    if (trial.state != TrialState::stopped) continue;
    const Measurement* m = find(trial, {Metric::accuracy, ""});
    ASSERT_TRUE(m);
    EXPECT_EQ(m->fidelity, trial.stage == "first" ? 1 : 3);
    EXPECT_TRUE(study.artifacts(trial.id).empty()) << "a rung leaves no files";
  }
  EXPECT_FALSE(study.front().empty());
  for (const Trial& trial : study.front()) {
    EXPECT_EQ(trial.state, TrialState::complete);
    EXPECT_EQ(find(trial, {Metric::accuracy, ""})->fidelity, 9);
    EXPECT_NE(find_at_rung(trial, {Metric::accuracy, ""}, 1), nullptr);
    EXPECT_EQ(study.artifacts(trial.id).size(), 1u);
  }
}

TEST(Rungs, StoppedAnywhereAndContinuedEqualsNeverStopped) {
  // Requests the stop after so many trials have ended, in whatever stage the others are.
  class StopAfter final : public RunListener {
   public:
    explicit StopAfter(std::size_t trials) : left_(trials) {}
    void trial_ended(const Trial&, const Progress&) override {
      if (left_ > 0 && --left_ == 0) source.request_stop();
    }
    std::stop_source source;

   private:
    std::size_t left_;
  };
  toy::Folder folder;
  Bracket{.workers = 3}.run(folder / "whole.db", 20);
  const std::string whole = toy::dump(folder / "whole.db");
  int stops = 0;
  for (const std::size_t step : {1u, 2u, 5u}) {
    const auto path = folder / (std::to_string(step) + ".db");
    for (Stopped why = Stopped::request; why == Stopped::request; ++stops) {
      StopAfter listener(step);
      Bracket bracket{.workers = 3, .stop = listener.source.get_token(), .listener = &listener};
      why = bracket.run(path, 20);
    }
    EXPECT_EQ(toy::dump(path), whole) << step;
  }
  EXPECT_GE(stops, 12);
}

TEST(Rungs, ASmallBudgetIsTheBeginningOfALargerOne) {
  toy::Folder folder;
  Bracket().run(folder / "at_once.db", 24);
  for (const int budget : {1, 5, 6, 15, 24}) {
    Bracket().run(folder / "in_steps.db", budget);
    const auto states = states_of(folder / "in_steps.db");
    EXPECT_GE(states.at(TrialState::complete), budget);
    EXPECT_FALSE(states.contains(TrialState::running)) << "a round is whole or not there";
  }
  EXPECT_EQ(toy::dump(folder / "at_once.db"), toy::dump(folder / "in_steps.db"));
}

TEST(Rungs, ACohortOfOneGoesOn) {
  toy::Folder folder;
  Bracket{.batch = 1}.run(folder / "s.db", 10);
  const auto states = states_of(folder / "s.db");
  EXPECT_FALSE(states.contains(TrialState::stopped));
  EXPECT_EQ(states.at(TrialState::complete), 10);
}

// Trials of one network in several deployments are ranked each by its own costs, and trained once
// in each stage, also where the first of them was stopped and another goes on.
TEST(Rungs, ANetworkIsTrainedOnceInEachStage) {
  toy::Folder folder;
  class StopSoon final : public RunListener {
   public:
    void trial_ended(const Trial&, const Progress&) override {
      if (++ended_ == 7) source.request_stop();
    }
    std::stop_source source;

   private:
    int ended_ = 0;
  };
  Bracket one{.workers = 1, .deployment = toy::kDeployment};
  Bracket four{.workers = 4, .most_ms = 2, .deployment = toy::kDeployment};
  one.run(folder / "one.db", 30);
  four.run(folder / "four.db", 30);
  for (Stopped why = Stopped::request; why == Stopped::request;) {
    StopSoon listener;
    Bracket piece{
        .deployment = toy::kDeployment, .stop = listener.source.get_token(), .listener = &listener};
    why = piece.run(folder / "pieces.db", 30);
  }
  EXPECT_EQ(toy::dump(folder / "one.db"), toy::dump(folder / "four.db"));
  EXPECT_EQ(toy::dump(folder / "one.db"), toy::dump(folder / "pieces.db"));
  EXPECT_EQ(one.trained, four.trained);

  const SearchSpace space = toy::space(toy::kDeployment);
  std::map<std::pair<std::uint64_t, double>, std::pair<double, TrialState>> first;
  int shared = 0, outlived = 0;
  std::size_t different = 0;
  for (const Trial& trial : Study::open_readonly(folder / "one.db").trials()) {
    const std::uint64_t network = fingerprint(*live(space.decode(trial.genotype).network));
    for (const Measurement& m : trial.measurements) {
      if (m.key.metric != Metric::accuracy) continue;
      const auto [at, is_new] = first.try_emplace({network, m.fidelity}, m.value, trial.state);
      different += is_new;
      shared += !is_new;
      EXPECT_EQ(m.value, at->second.first) << trial.id;
      outlived += !is_new && m.fidelity == 1 && at->second.second == TrialState::stopped &&
                  trial.state == TrialState::complete;
    }
  }
  EXPECT_GT(shared, 10);
  EXPECT_GT(outlived, 0) << "or the test shows nothing of followers of a stopped trial";
  EXPECT_LT(one.trained, static_cast<int>(different) * 5 / 4) << "some training fails";
}

class Scripted final : public Searcher {
 public:
  explicit Scripted(int n) : left_(n) {}
  std::vector<Proposal> ask(int n) override {
    std::vector<Proposal> proposals;
    for (; n > 0 && left_ > 0; --n, --left_) {
      Genotype genotype = parse_genotype("0-0-0-0-0-0");
      genotype.genes[3] = static_cast<std::uint8_t>(asked_ % 4);
      genotype.genes[0] = static_cast<std::uint8_t>(asked_++ / 4);
      proposals.push_back({genotype, {}, "script"});
    }
    return proposals;
  }
  void tell(std::span<const Outcome> outcomes) override {
    told.insert(told.end(), outcomes.begin(), outcomes.end());
  }
  std::vector<Outcome> told;

 private:
  int left_, asked_ = 0;
};

struct Script {
  toy::Folder folder;
  RunSettings settings = toy::settings(100);
  std::vector<Trial> trials;
  Stopped why = Stopped::request;

  // `accuracy(trial, epochs)` after one and after nine epochs; one in two goes on.
  std::vector<Outcome> told(int n, double (*accuracy)(TrialId, double), double cost = 0) {
    class Charging final : public Evaluator {
     public:
      Charging(std::string name, double epochs, double cost, double (*accuracy)(TrialId, double))
          : cost_(cost), all_(parallel_evaluator(std::move(name), 1, [=](const Job& job) {
              Evaluation e;
              const double value = accuracy(job.trial, epochs);
              if (std::isnan(value)) e.failure = "out of luck";
              toy::add(e, {Metric::accuracy, ""}, Source::trained, epochs, value);
              return e;
            })) {}
      std::string_view name() const override { return all_->name(); }
      int concurrency() const override { return 1; }
      double cost() const override { return cost_; }
      void evaluate(std::span<const Job> jobs, const Done& done, std::stop_token stop) override {
        all_->evaluate(jobs, done, std::move(stop));
      }

     private:
      double cost_;
      std::unique_ptr<Evaluator> all_;
    };
    const SearchSpace space = toy::space();
    settings.objectives.resize(1);
    settings.reference = {1};
    settings.ideal = {0};
    Study study = Study::create_or_resume(folder / "s.db", toy::info(settings), toy::devices());
    Scripted searcher(n);
    Charging rung("rung", 1, cost, accuracy), full("full", 9, 9 * cost, accuracy);
    toy::Silent silent;
    why = run(space, searcher, {Stage(&rung, 0.5, 1), &full}, study, settings, silent, {});
    trials = study.trials();
    return searcher.told;
  }
};

TEST(Rungs, SearchersAreToldWhatEachRungSaid) {
  Script script;
  script.settings.batch = 4;
  script.settings.objectives[0].bound = {};
  const auto told = script.told(4, [](TrialId id, double epochs) {
    const double at_rung[] = {.5, .7, .6, std::nan("")};
    return at_rung[id] + (epochs > 1 ? .25 : 0);
  });
  ASSERT_EQ(told.size(), 4u);
  EXPECT_EQ(told[0].state,
            TrialState::stopped);  // third of three; the nearest to half goes on: two
  EXPECT_THAT(told[0].objectives, ElementsAre(.5));
  EXPECT_THAT(told[0].values, ElementsAre(.5));
  ASSERT_EQ(told[0].rungs.size(), 1u);
  EXPECT_EQ(told[1].state, TrialState::complete);
  EXPECT_THAT(told[1].objectives, ElementsAre(1 - .95));
  EXPECT_THAT(told[1].rungs.at(0), ElementsAre(1 - .7));
  EXPECT_EQ(told[3].state, TrialState::failed);
  EXPECT_TRUE(told[3].rungs.empty());
}

TEST(Rungs, ABoundOnWhatRungsMeasureIsCheckedAtTheEnd) {
  Script script;
  script.settings.batch = 4;
  script.settings.objectives[0].bound = .8;
  const auto told = script.told(4, [](TrialId id, double epochs) {
    const double at_rung[] = {.5, .7, .6, .65}, full[] = {.9, .75, .9, .85};
    return epochs > 1 ? full[id] : at_rung[id];
  });
  // None reaches the bound at the rung; those nearest to it go on, and one of them meets it.
  EXPECT_EQ(told[0].state, TrialState::stopped);
  EXPECT_NEAR(told[0].violation, .3 / .8, 1e-12);
  EXPECT_EQ(told[1].state, TrialState::infeasible);
  EXPECT_EQ(told[2].state, TrialState::stopped);
  EXPECT_EQ(told[3].state, TrialState::complete);
}

TEST(Rungs, ARoundThatMayCostTooMuchIsNotBegun) {
  // A round of four costs 4 * 1 + 2 * 9 = 22.
  const std::map<double, std::size_t> expected{{21, 0}, {22, 4}, {43.9, 4}, {44, 8}};
  for (const auto& [budget, trials] : expected) {
    Script script;
    script.settings.batch = 4;
    script.settings.budget.cost = budget;
    script.told(
        12, [](TrialId, double) { return .9; }, 1);
    EXPECT_EQ(script.trials.size(), trials) << budget;
    EXPECT_EQ(script.why, Stopped::budget);
  }
}

}  // namespace
}  // namespace hwnas
