#include "search/store/study.h"
#include "search/store/front.h"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "space/rng.h"
#include "tests/search/study_support.h"

namespace hwnas {
namespace {

using namespace toy;
using testing::HasSubstr;

const MetricKey kAccuracy{Metric::accuracy, ""}, kLatency{Metric::latency, "toy"},
    kEnergy{Metric::energy, "toy"}, kThroughput{Metric::throughput, "toy"};

TEST(Study, GivesBackWhatItWasGiven) {
  toy::Folder folder;
  StudyInfo info = toy::info(toy::settings(10));
  info.seed = 0xFEDCBA9876543210u;
  info.name = "it's a \"study\"";
  Trial first = trial(0), second = trial(1);
  second.parents = {0, 12, 345};
  second.origin = "crossover+mutate";
  Evaluation costs, training;
  costs.measurements = {{kLatency, Source::analytic, 0, 1.5e-3, {}}};
  training.measurements = {{kAccuracy, Source::trained, 5, 0.1 + 0.2, 0.01}};
  training.artifacts = {{"weights", "weights/1.pt"}};
  training.seconds = 12;
  training.environment = "a machine";
  training.curve = {{1, 0.75, {}}, {2, 0.5, 0.625}};
  {
    Study study = make(folder / "s.db", info);
    study.admit(std::vector{first, second});
    study.record(std::vector<Study::Landed>{{1, "costs", &costs, TrialState::running, ""}});
    study.record(std::vector<Study::Landed>{{1, "training", &training, TrialState::complete, ""},
                                            {0, "costs", nullptr, TrialState::failed, "why\nnot"}});
  }
  EXPECT_FALSE(fs::exists(folder / "s.db.lock"));
  EXPECT_FALSE(fs::exists(folder / "s.db-wal"));
  const Study study = Study::open_readonly(folder / "s.db");
  EXPECT_EQ(study.info().name, info.name);
  EXPECT_EQ(study.info().seed, info.seed);
  EXPECT_EQ(study.info().config, info.config);
  EXPECT_EQ(study.info().space, info.space);
  EXPECT_EQ(study.info().identity, info.identity);
  EXPECT_EQ(study.info().reference, info.reference);
  EXPECT_EQ(study.info().ideal, info.ideal);
  ASSERT_EQ(study.info().objectives.size(), 3u);
  EXPECT_EQ(study.info().objectives[1].key, kLatency);
  EXPECT_EQ(study.info().objectives[1].bound, 2e-3);
  EXPECT_FALSE(study.info().objectives[2].optimised);
  EXPECT_EQ(study.devices().at(0).text, "peak = 1\n");
  EXPECT_EQ(study.trial_count(), 2);
  EXPECT_EQ(study.trial(0)->state, TrialState::failed);
  EXPECT_EQ(study.trial(0)->reason, "why\nnot");
  EXPECT_FALSE(study.trial(2));
  const Trial read = *study.trial(1);
  EXPECT_EQ(read.genotype, second.genotype);
  EXPECT_EQ(read.fingerprint, second.fingerprint);
  EXPECT_EQ(read.seed, second.seed);
  EXPECT_EQ(read.parents, second.parents);
  EXPECT_EQ(read.origin, second.origin);
  EXPECT_EQ(read.stage, "training");
  EXPECT_EQ(find(read, kLatency)->value, 1.5e-3);
  EXPECT_EQ(find(read, kAccuracy)->value, 0.1 + 0.2);
  EXPECT_EQ(find(read, kAccuracy)->stddev, 0.01);
  EXPECT_EQ(find(read, kAccuracy)->fidelity, 5);
  EXPECT_EQ(study.artifacts(1).at(0).path, "weights/1.pt");
  EXPECT_EQ(study.trials().at(1).measurements.size(), 2u);
  EXPECT_EQ(query(folder / "s.db", "SELECT * FROM timings"),
            std::vector<std::string>{"1|'training'|12|'a machine'"});
  EXPECT_EQ(study.environment(1, "training"), "a machine");
  EXPECT_EQ(study.environment(1, "costs"), "");
  const std::vector<CurvePoint> curve = study.curve(1, "training");
  ASSERT_EQ(curve.size(), 2u);
  EXPECT_EQ(curve[0].loss, 0.75);
  EXPECT_EQ(curve[0].accuracy, std::nullopt);
  EXPECT_EQ(curve[1].epoch, 2);
  EXPECT_EQ(curve[1].accuracy, 0.625);
  EXPECT_EQ(query(folder / "s.db", "SELECT * FROM summed_losses"),
            std::vector<std::string>{"1|'training'|2|1.25"});
}

TEST(Study, DumpsTheSameWhateverTheOrderOfLanding) {
  toy::Folder folder;
  std::vector<Evaluation> evaluations(4);
  for (std::size_t i = 0; i < 4; ++i) {
    evaluations[i].measurements = {
        {kLatency, Source::analytic, 0, 0.1 * static_cast<double>(i), {}}};
    evaluations[i].seconds = static_cast<double>(i);
  }
  for (const auto& [name, order] :
       {std::pair{"a.db", std::vector{0, 1, 2, 3}}, {"b.db", {3, 1, 0, 2}}}) {
    Study study = make(folder / name);
    study.admit(std::vector{trial(0), trial(1), trial(2), trial(3)});
    for (const int i : order) {
      auto& evaluation = evaluations[static_cast<std::size_t>(i)];
      evaluation.seconds += 1;
      study.record(std::vector<Study::Landed>{{i, "costs", &evaluation, TrialState::complete, ""}});
    }
  }
  const std::string dump = toy::dump(folder / "a.db");
  EXPECT_EQ(dump, toy::dump(folder / "b.db"));
  EXPECT_THAT(dump,
              HasSubstr("measurements|3|'latency'|'toy'|'analytic'|0|0.30000000000000004|null\n"));
  EXPECT_THAT(dump, testing::Not(HasSubstr("timings")));
}

TEST(Study, ReadersDoNotBlockTheWriterNorSeeHalfATransaction) {
  toy::Folder folder;
  Study writer = make(folder / "s.db");
  writer.admit(std::vector{trial(0)});
  Database reader(folder / "s.db", Database::Mode::read);
  reader.execute("BEGIN");
  EXPECT_EQ(reader.integer("SELECT count(*) FROM trials"), 1);
  writer.admit(std::vector{trial(1), trial(2)});
  EXPECT_EQ(reader.integer("SELECT count(*) FROM trials"), 1);
  reader.execute("COMMIT");
  EXPECT_EQ(reader.integer("SELECT count(*) FROM trials"), 3);
}

TEST(Study, ATransactionIsAllOrNothing) {
  toy::Folder folder;
  Study study = make(folder / "s.db");
  study.admit(std::vector{trial(0)});
  EXPECT_NE(error_of([&] {
              study.admit(std::vector{trial(1), trial(0)});
            }),
            "");  // 0 is there already
  EXPECT_EQ(study.trial_count(), 1);
  study.admit(std::vector{trial(1)});
  EXPECT_EQ(study.trial_count(), 2);
}

// `n` complete trials with values on a coarse grid, so that there are ties; some miss a value.
std::vector<Trial> random_trials(int n, std::span<const Objective> objectives, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<Trial> trials;
  for (int i = 0; i < n; ++i) {
    Trial t = trial(i, rng.chance(0.9) ? TrialState::complete : TrialState::infeasible);
    for (const Objective& objective : objectives) {
      if (rng.chance(0.05)) continue;
      t.measurements.push_back({objective.key, Source::analytic, 0, 0.05 * rng.below(20), {}});
      if (rng.chance(0.8))
        t.measurements.push_back({objective.key, Source::trained, 1, 0.05 * rng.below(20), {}});
      if (rng.chance(0.3))
        t.measurements.push_back({objective.key, Source::trained, 2, 0.05 * rng.below(20), {}});
    }
    trials.push_back(std::move(t));
  }
  return trials;
}

TEST(Study, TheViewAndFrontAgree) {
  toy::Folder folder;
  const std::vector<Objective> all{
      {kAccuracy, true, {}}, {kLatency, true, {}}, {kThroughput, true, {}}, {kEnergy, true, {}}};
  for (std::size_t m = 1; m <= 4; ++m) {
    const auto path = folder / (std::to_string(m) + ".db");
    StudyInfo info = toy::info(toy::settings(10));
    info.objectives.assign(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(m));
    info.objectives.push_back({{Metric::memory, "toy"}, false, 1e9});
    Study study = make(path, info);
    const std::vector<Trial> trials = random_trials(400, info.objectives, m);
    study.admit(trials);
    for (const Trial& t : trials) {
      Evaluation evaluation;
      evaluation.measurements = t.measurements;
      study.record(std::vector<Study::Landed>{{t.id, "all", &evaluation, t.state, ""}});
    }
    std::vector<std::string> front;
    for (const Trial& t : study.front()) front.push_back(std::to_string(t.id));
    EXPECT_GE(front.size(), 1u);
    EXPECT_EQ(query(path, "SELECT trial FROM pareto_front"), front) << m << " objectives";
    for (const Trial& t : study.front()) EXPECT_EQ(t.state, TrialState::complete);
  }
}

TEST(Study, OneFrontNeverMixesSources) {
  toy::Folder folder;
  StudyInfo info = toy::info(toy::settings(10));
  info.objectives = {{kAccuracy, true, {}}};
  Study study = make(folder / "s.db", info);
  study.admit(std::vector{trial(0), trial(1), trial(2)});
  Evaluation predicted, trained, both;
  predicted.measurements = {{kAccuracy, Source::predicted, 50, 0.99, 0.1}};
  trained.measurements = {{kAccuracy, Source::trained, 5, 0.80, {}}};
  toy::add(both, kAccuracy, Source::predicted, 50, 0.95, 0.1);
  toy::add(both, kAccuracy, Source::trained, 5, 0.70);
  study.record(std::vector<Study::Landed>{{0, "a", &predicted, TrialState::complete, ""}});
  EXPECT_EQ(query(folder / "s.db", "SELECT * FROM pareto_front"),
            std::vector<std::string>{"0|'3-0-255'|0.98999999999999999"});
  study.record(std::vector<Study::Landed>{{1, "a", &trained, TrialState::complete, ""},
                                          {2, "a", &both, TrialState::complete, ""}});
  ASSERT_EQ(study.front().size(), 1u);
  EXPECT_EQ(study.front()[0].id, 1) << "trained values alone count once there are any";
  EXPECT_EQ(query(folder / "s.db", "SELECT trial, accuracy FROM pareto_front"),
            std::vector<std::string>{"1|0.80000000000000004"});
  EXPECT_EQ(query(folder / "s.db", "SELECT source FROM front_sources"),
            std::vector<std::string>{"'trained'"});
  EXPECT_EQ(query(folder / "s.db", "SELECT accuracy FROM trial_wide WHERE trial = 2"),
            std::vector<std::string>{"0.69999999999999996"});
}

TEST(Study, WideRowsHaveAColumnForEachMetricAndDevice) {
  toy::Folder folder;
  toy::search(folder / "s.db", 10, 2, 1);
  const Study study = Study::open_readonly(folder / "s.db");
  for (const Trial& t : study.trials()) {
    const auto rows = query(folder / "s.db",
                            "SELECT \"latency@toy\", accuracy, \"storage@toy\", fingerprint FROM "
                            "trial_wide WHERE trial = " +
                                std::to_string(t.id));
    ASSERT_EQ(rows.size(), 1u);
    char expected[160];
    const Measurement* accuracy = find(t, kAccuracy);
    char value[40] = "null";
    if (accuracy) std::snprintf(value, sizeof value, "%.17g", accuracy->value);
    std::snprintf(expected, sizeof expected, "%.17g|%s|null|'%016llx'", find(t, kLatency)->value,
                  value, static_cast<unsigned long long>(t.fingerprint));
    EXPECT_EQ(rows[0], expected);
  }
}

TEST(Study, TheQueriesOfTheReadmeRun) {
  toy::Folder folder;
  toy::search(folder / "s.db", 20, 2, 1);
  std::istringstream readme(bytes(std::string(HWNAS_SOURCE_DIR) + "/search/store/README.md"));
  std::string line, sql;
  int queries = 0;
  for (bool inside = false; std::getline(readme, line);) {
    if (inside && line == "```") {
      EXPECT_GE(query(folder / "s.db", sql).size(), 1u) << sql;
      ++queries;
      inside = false;
    } else if (inside) {
      sql += line + "\n";
    } else if (line == "```sql") {
      inside = true;
      sql.clear();
    }
  }
  EXPECT_EQ(queries, 3);
}

// One by one gives the front of all, whatever the order, also where better sources come later.
TEST(KeptFront, IsTheFrontOfAll) {
  Rng rng(5);
  const MetricKey a{Metric::accuracy, ""}, b{Metric::parameters, ""}, c{Metric::macs, ""};
  for (int round = 0; round < 200; ++round) {
    std::vector<Objective> objectives{
        {.key = a}, {.key = b}, {.key = c, .optimised = round % 2 == 0}};
    KeptFront kept(objectives);
    kept.restart({});
    std::vector<Trial> trials;
    int restarts = 0;
    for (TrialId id = 0; id < 40; ++id) {
      Trial trial;
      trial.id = id;
      trial.state = rng.chance(0.9) ? TrialState::complete : TrialState::failed;
      for (const MetricKey& key : {a, b, c}) {
        if (rng.chance(0.05)) continue;
        const bool trained = key == a && rng.chance(0.3);
        trial.measurements.push_back({key, trained ? Source::trained : Source::analytic,
                                      trained ? static_cast<double>(rng.below(3)) : 0.0,
                                      static_cast<double>(rng.below(12))});
      }
      trials.push_back(trial);
      if (trial.state == TrialState::complete && !kept.add(trial)) {
        kept.restart(trials);
        ++restarts;
      }
      std::set<TrialId> all;
      for (const std::size_t i : front_of(trials, objectives)) all.insert(trials[i].id);
      ASSERT_EQ(kept.ids(), all) << "round " << round << ", trial " << id;
    }
    EXPECT_LE(restarts, 10);
  }
}

}  // namespace
}  // namespace hwnas
