// Runs whose evaluator is a table, through the program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <thread>

#include "tests/experiments/small_tables.h"
#include "tests/shared_data.h"

namespace hwnas::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// Non-dominated rows, by every pair.
std::set<Genotype> true_front(const std::vector<SmallRow>& rows) {
  std::set<Genotype> front;
  for (const SmallRow& a : rows) {
    const bool beaten = std::any_of(rows.begin(), rows.end(), [&](const SmallRow& b) {
      return b.accuracy_pct >= a.accuracy_pct && b.latency_ms <= a.latency_ms &&
             (b.accuracy_pct > a.accuracy_pct || b.latency_ms < a.latency_ms);
    });
    if (!beaten) front.insert(a.genotype);
  }
  return front;
}

std::set<Genotype> front(const Study& study) {
  std::set<Genotype> front;
  for (const Trial& trial : study.front()) front.insert(trial.genotype);
  return front;
}

TEST(TableRun, ExhaustedItFindsTheTrueFront) {
  const SmallRun t;
  const Result r = t.hwnas("search run.toml --trials 1000");
  ASSERT_EQ(r.code, 0) << r.err;
  EXPECT_THAT(r.out, HasSubstr("measured (latency) trained (accuracy)"));
  const Study study = t.study();
  EXPECT_EQ(study.trial_count(), 144);
  EXPECT_EQ(front(study), true_front(t.rows));
  for (const Trial& trial : study.trials()) {
    const auto row = std::find_if(t.rows.begin(), t.rows.end(), [&](const SmallRow& other) {
      return other.genotype == trial.genotype;
    });
    const Measurement* accuracy = find(trial, {Metric::accuracy, ""});
    ASSERT_TRUE(accuracy);
    EXPECT_EQ(accuracy->source, Source::trained);
    EXPECT_EQ(accuracy->fidelity, 200);
    EXPECT_NEAR(accuracy->value, row->accuracy_pct / 100, 1e-9);
    EXPECT_NEAR(find(trial, {Metric::latency, "board"})->value, row->latency_ms * 1e-3, 1e-9);
  }
}

TEST(TableRun, AColumnOfErrorsAndPackedFilesAreTheSame) {
  const SmallRun plain;
  ASSERT_EQ(plain.hwnas("search run.toml --trials 60").code, 0);
  SmallRun packed(small_config(
      "[[tables]]\nfile = \"small.csv.gz\"\narchitecture = \"arch\"\n[[tables.metrics]]\nmetric = "
      "\"accuracy\"\ncolumn = \"err\"\nunit = \"\"\ndirection = \"lower\"\nfidelity = 200\n" +
          kLatencyColumn,
      kTwoObjectives));
  const gzFile out = gzopen((packed.folder / "small.csv.gz").c_str(), "wb");
  gzputs(out, small_csv(packed.rows).c_str());
  gzclose(out);
  std::filesystem::remove(packed.folder / "small.csv");
  const Result r = packed.hwnas("search run.toml --trials 60");
  ASSERT_EQ(r.code, 0) << r.err;
  EXPECT_EQ(front(packed.study()), front(plain.study()));
  const auto a = plain.study().trials(), b = packed.study().trials();
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].genotype, b[i].genotype);
    EXPECT_NEAR(find(a[i], {Metric::accuracy, ""})->value,
                find(b[i], {Metric::accuracy, ""})->value, 1e-9);
  }
}

TEST(TableRun, TablesAreJoinedByArchitectureInWhateverOrder) {
  const SmallRun one;
  ASSERT_EQ(one.hwnas("search run.toml --trials 60").code, 0);
  SmallRun two(small_config(kTable + kAccuracyColumn +
                                "[[tables]]\nfile = \"other.csv\"\narchitecture = \"arch\"\n" +
                                kLatencyColumn,
                            kTwoObjectives));
  std::vector<SmallRow> reversed(two.rows.rbegin(), two.rows.rend());
  write(two.folder / "other.csv", small_csv(reversed));
  ASSERT_EQ(two.hwnas("search run.toml --trials 60").code, 0);
  EXPECT_EQ(front(two.study()), front(one.study()));
}

// Rows 0 to 4 of the table lack, each in its way.
TEST(TableRun, WhatATableLacksIsAFailedTrialWithItsReason) {
  SmallRun t;
  std::istringstream lines(small_csv(t.rows));
  std::string csv, line;
  const std::vector<std::string> cells{"", "NaN", "inf", "-1"};
  for (int i = -1; std::getline(lines, line); ++i) {
    if (i == 0) continue;  // no row
    if (i >= 1 && i <= 4) {
      const std::size_t begin = line.find(',') + 1;
      line.replace(begin, line.find(',', begin) - begin, cells[static_cast<std::size_t>(i - 1)]);
    }
    csv += line + "\n";
  }
  write(t.folder / "small.csv", csv);
  const Result r = t.hwnas("search run.toml --trials 1000");
  ASSERT_EQ(r.code, 0) << r.err;
  std::map<Genotype, std::string> failures;
  for (const Trial& trial : t.study().trials())
    if (trial.state == TrialState::failed) failures[trial.genotype] = trial.reason;
  EXPECT_EQ(failures.size(), 5u);
  // The latency is known in advance: the row lacks before anything is spent.
  EXPECT_EQ(failures[t.rows[0].genotype], "small.csv has no row for 0-0-0-0");
  for (int i = 1; i <= 4; ++i) {  // row i is in line i + 1: the header is in line 1, row 0 is gone
    EXPECT_EQ(failures[t.rows[static_cast<std::size_t>(i)].genotype],
              "small.csv, line " + std::to_string(i + 1) + ": acc200 of " +
                  to_text(t.rows[static_cast<std::size_t>(i)].genotype) +
                  " is empty, below zero or not finite");
  }
}

TEST(TableRun, OnlyTheHighestFidelityIsLookedUpAndPaid) {
  const std::string low =
      "[[tables.metrics]]\nmetric = \"accuracy\"\ncolumn = \"acc12\"\nunit = \"%\"\nfidelity = "
      "12\ncost = 0\n";
  SmallRun t(small_config(kTable + low + kAccuracyColumn + kLatencyColumn,
                          "[budget]\ncost = 5000\n" + kTwoObjectives));
  const Result r = t.hwnas("search run.toml");
  ASSERT_EQ(r.code, 0) << r.err;
  const Study study = t.study();
  EXPECT_EQ(study.trial_count(), 25);  // 5000 / 200
  for (const Trial& trial : study.trials()) {
    for (const Measurement& m : trial.measurements) EXPECT_NE(m.fidelity, 12);
  }
  EXPECT_THAT(r.err, HasSubstr("20 trials, 0 infeasible, 0 failed, cost 4000/5000"));
}

TEST(TableRun, WhatBreaksAKnownBoundCostsNothing) {
  const SmallRun t(
      small_config(kTable + kAccuracyColumn + kLatencyColumn,
                   "[budget]\ncost = 4100\n" + kTwoObjectives + "at_most = \"5 ms\"\n"));
  ASSERT_EQ(t.hwnas("search run.toml").code, 0);
  int complete = 0, infeasible = 0;
  for (const Trial& trial : t.study().trials()) {
    complete += trial.state == TrialState::complete;
    infeasible += trial.state == TrialState::infeasible;
  }
  EXPECT_EQ(complete, 20);
  EXPECT_GT(infeasible, 0);
  // The same with --cost, and a smaller cost is the beginning of a larger one.
  ASSERT_EQ(t.hwnas("search run.toml --study parts.db --cost 1000").code, 0);
  ASSERT_EQ(t.hwnas("search parts.db --cost 4100").code, 0);
  EXPECT_EQ(t.dump("parts.db"), t.dump());
}

// In a cell of three nodes many genotypes are one network; the table has a row for each.
TEST(TableRun, ArchitecturesAreToldApartByTheirRows) {
  SmallRun t;
  write(t.folder / "cell.toml", R"(name = "cell"
[input]
channels = 1
height = 8
width = 8
classes = 4
[cell]
nodes = 3
ops = ["none", "skip_connect", "nor_conv_3x3"]
[[stages]]
block = "conv"
channels = 4
kernel = 3
[[stages]]
block = "cell"
depth = 1
[[stages]]
block = "classifier"
)");
  std::string csv = "arch,acc\n";
  int live = 0;
  for (int a = 0; a < 3; ++a) {
    for (int b = 0; b < 3; ++b) {
      for (int c = 0; c < 3; ++c) {
        csv += std::to_string(a) + "-" + std::to_string(b) + "-" + std::to_string(c) + "," +
               std::to_string(0.3 + 0.01 * (9 * a + 3 * b + c)) + "\n";
        live += b > 0 || (a > 0 && c > 0);  // edges 1<-0, 2<-0, 2<-1
      }
    }
  }
  write(t.folder / "cell.csv", csv);
  const std::string table =
      "name = \"cell\"\nspace = \"./cell.toml\"\n[[tables]]\nfile = \"cell.csv\"\narchitecture = "
      "\"arch\"\n[[tables.metrics]]\nmetric = \"accuracy\"\ncolumn = \"acc\"\nunit = "
      "\"\"\n[search]\nalgorithm = \"random\"\n";
  write(t.folder / "run.toml", table + "[[objectives]]\nmetric = \"accuracy\"\n");
  ASSERT_EQ(t.hwnas("search run.toml").code, 0);
  std::map<TrialState, int> states;
  for (const Trial& trial : t.study("cell.db").trials()) {
    ++states[trial.state];
    if (trial.state == TrialState::failed) {
      EXPECT_EQ(trial.reason, "no path from input to output");
    }
  }
  EXPECT_EQ(states[TrialState::complete], live);
  EXPECT_EQ(states[TrialState::failed], 27 - live);
  // What has no path costs nothing: this pays for every other one.
  ASSERT_EQ(t.hwnas("search run.toml --study paid.db --cost " + std::to_string(live)).code, 0);
  EXPECT_GE(t.study("paid.db").trial_count(), live);
  EXPECT_THAT(t.hwnas("status paid.db").out, HasSubstr(std::to_string(live) + " complete"));
}

TEST(TableRun, GenesThatDecideNothingFindTheRowOfThoseThatDo) {
  SmallRun t;
  write(t.folder / "deep.toml", R"(name = "deep"
[input]
channels = 1
height = 8
width = 8
classes = 4
[[stages]]
block = "conv"
channels = 4
depth = [1, 2]
kernel = {each = [1, 3, 5]}
[[stages]]
block = "classifier"
)");
  // depth, kernel of block 1, kernel of block 2; that of block 2 decides nothing at depth 1.
  std::string csv = "arch,acc\n0-0-0,0.1\n0-1-2,0.2\n0-2-1,0.3\n";
  for (int a = 0; a < 3; ++a) {
    for (int b = 0; b < 3; ++b)
      csv += "1-" + std::to_string(a) + "-" + std::to_string(b) + ",0.5\n";
  }
  write(t.folder / "deep.csv", csv);
  write(t.folder / "run.toml",
        "name = \"deep\"\nspace = \"./deep.toml\"\n[[tables]]\nfile = \"deep.csv\"\narchitecture = "
        "\"arch\"\n[[tables.metrics]]\nmetric = \"accuracy\"\ncolumn = \"acc\"\nunit = "
        "\"\"\n[search]\nalgorithm = \"random\"\n[[objectives]]\nmetric = \"accuracy\"\n");
  const Result r = t.hwnas("search run.toml");
  ASSERT_EQ(r.code, 0) << r.err;
  const std::vector<Trial> trials = t.study("deep.db").trials();
  EXPECT_EQ(trials.size(), 12u);  // of 18 genotypes
  for (const Trial& trial : trials) {
    EXPECT_EQ(trial.state, TrialState::complete) << trial.reason;
    const double expected =
        trial.genotype.genes[0] == 1 ? 0.5 : 0.1 + 0.1 * trial.genotype.genes[1];
    EXPECT_NEAR(find(trial, {Metric::accuracy, ""})->value, expected, 1e-12);
  }
}

TEST(TableRun, DevicesOfBothKindsMix) {
  std::string config = small_config(kTable + kAccuracyColumn + kLatencyColumn,
                                    kTwoObjectives +
                                        "[[objectives]]\nmetric = \"energy@stm32l4r5\"\n"
                                        "[precision]\nweight_bits = 8\nactivation_bits = 8\n");
  config.insert(config.find("[[tables]]"), "devices = [\"stm32l4r5\"]\n");
  const SmallRun t(config);
  const Result r = t.hwnas("search run.toml --trials 20");
  ASSERT_EQ(r.code, 0) << r.err;
  EXPECT_THAT(r.out,
              AllOf(HasSubstr("numbers: analytic (energy, "), HasSubstr("measured (latency)")));
}

TEST(TableRun, OneWorkerAndFourGiveTheSameStudy) {
  const SmallRun t(
      small_config(kTable + kAccuracyColumn + kLatencyColumn, kTwoObjectives, "nsga2"));
  ASSERT_EQ(t.hwnas("search run.toml --workers 1 --study one.db").code, 0);
  ASSERT_EQ(t.hwnas("search run.toml --workers 4 --study four.db").code, 0);
  EXPECT_EQ(t.dump("one.db"), t.dump("four.db"));
}

TEST(TableRun, KilledAndContinuedEqualsNeverKilled) {
  const SmallRun t(
      small_config(kTable + kAccuracyColumn + kLatencyColumn, kTwoObjectives, "nsga2"));
  ASSERT_EQ(t.hwnas("search run.toml --study whole.db").code, 0);
  Rng rng(7);
  for (int i = 0; i < 12; ++i) {
    const pid_t child =
        start(t.folder.path(), "exec " + kHwnas + " search run.toml --study killed.db");
    std::this_thread::sleep_for(std::chrono::milliseconds(5 + rng.below(60)));
    kill(child, SIGKILL);
    finish(child, t.folder.path());
  }
  ASSERT_EQ(t.hwnas("search run.toml --study killed.db").code, 0);
  EXPECT_EQ(t.dump("killed.db"), t.dump("whole.db"));
}

TEST(TableRun, TheStudyFindsItsTableWhereverItIs) {
  const SmallRun t, whole;
  ASSERT_EQ(t.hwnas("search run.toml --trials 10").code, 0);
  ASSERT_EQ(whole.hwnas("search run.toml --trials 30").code, 0);
  const Folder elsewhere;
  std::filesystem::rename(t.folder / "small.db", elsewhere / "moved.db");
  std::filesystem::remove(t.folder / "run.toml");
  const Result r = run(elsewhere.path(), kHwnas + " search moved.db --trials 30");
  ASSERT_EQ(r.code, 0) << r.err;
  EXPECT_EQ(front(Study::open_readonly(elsewhere / "moved.db")), front(whole.study()));
}

TEST(TableRun, AChangedTableIsRefused) {
  const SmallRun t;
  ASSERT_EQ(t.hwnas("search run.toml --trials 10").code, 0);
  std::vector<SmallRow> other = t.rows;
  other[5].accuracy_pct += 1;
  write(t.folder / "small.csv", small_csv(other));
  Result r = t.hwnas("search run.toml --trials 20");
  EXPECT_EQ(r.code, 2);
  EXPECT_THAT(r.err, HasSubstr("belongs to another run: settings differs at line"));
  EXPECT_THAT(r.err, HasSubstr("table small.csv contents ="));
  r = t.hwnas("search small.db --trials 20");
  EXPECT_EQ(r.code, 2);
  EXPECT_THAT(r.err, AllOf(HasSubstr("tables[0].file"), HasSubstr("is no longer what it was")));
  std::filesystem::remove(t.folder / "small.csv");
  r = t.hwnas("search small.db --trials 20");
  EXPECT_EQ(r.code, 2);
  EXPECT_THAT(r.err, HasSubstr("small.csv has gone"));
  EXPECT_EQ(t.hwnas("pareto small.db").code, 0);  // looking needs no table
  EXPECT_EQ(t.hwnas("show small.db 0").code, 0);
}

std::string mistake(const std::string& config) {
  const SmallRun t(config);
  const Result r = t.hwnas("search run.toml");
  EXPECT_EQ(r.code, 2) << config;
  return r.err;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  EXPECT_NE(text.find(from), std::string::npos) << from;
  return text.replace(text.find(from), from.size(), to);
}

TEST(TableRun, MistakesInTheConfig) {
  const std::string good = small_config(kTable + kAccuracyColumn + kLatencyColumn, kTwoObjectives);
  const auto with = [&good](const std::string& from, const std::string& to) {
    return mistake(replaced(good, from, to));
  };
  EXPECT_EQ(with("unit = \"ms\"", "unit = \"mJ\""),
            "hwnas: run.toml:15: tables[0].metrics[1].unit = 'mJ': is no unit of latency; expected "
            "that of a time such as '20 ms' (ns, us, ms, s, min, h, day)\n");
  EXPECT_THAT(with("unit = \"%\"\n", ""), HasSubstr("tables[0].metrics[0].unit: is missing"));
  EXPECT_THAT(with("unit = \"%\"", "unit = \"\""),
              HasSubstr("small.csv:2: acc200 = '"));  // 51.2 is no share
  EXPECT_THAT(with("unit = \"%\"", "unit = \"\""),
              HasSubstr("; is its unit in the run config right?"));
  EXPECT_THAT(with("file = \"small.csv\"", "file = \"smal.csv\""), HasSubstr("tables[0].file = "));
  EXPECT_THAT(with("column = \"ms\"", "column = \"mss\""),
              HasSubstr("small.csv:1: no column 'mss'; did you mean 'ms'?"));
  EXPECT_THAT(with("architecture = \"arch\"", "architecture = \"acc12\""),
              HasSubstr("no architecture of space 'small'"));
  EXPECT_THAT(with("column = \"ms\"", "column = \"arch\""), HasSubstr("expected a number"));
  EXPECT_THAT(with("cost = 0", "cost = -1"), HasSubstr("tables[0].metrics[1].cost = -1"));
  EXPECT_THAT(with("cost = 0", "direction = \"higher\""),
              HasSubstr("latency is better where it is lower"));
  EXPECT_THAT(with("cost = 0", "direction = \"down\""),
              HasSubstr("expected \"higher\" or \"lower\""));
  EXPECT_THAT(with("cost = 0", "cots = 0"), HasSubstr("unknown key; did you mean 'cost'?"));
  EXPECT_THAT(mistake(small_config(kTable, kTwoObjectives)),
              HasSubstr("a table gives at least one metric or score"));
  EXPECT_THAT(mistake(small_config(kTable + kLatencyColumn + kLatencyColumn, kTwoObjectives)),
              HasSubstr("latency@board is given twice; tell rungs apart by their fidelity"));
  EXPECT_THAT(mistake(good + "[[bounds]]\nmetric = \"energy@board\"\nat_most = \"1 mJ\"\n"),
              HasSubstr("no table gives it; known: latency@board"));
  EXPECT_THAT(
      mistake(good + "[[bounds]]\nmetric = \"energy@bord\"\nat_most = \"1 mJ\"\n"),
      HasSubstr("device 'bord' is not in 'devices', nor in a table; did you mean 'board'?"));
  EXPECT_THAT(with("latency@board\"\ncolumn", "latency@board\"\ncolunm"), HasSubstr("column"));
  EXPECT_THAT(mistake(good + "[data]\nset = \"mnist\"\ndirectory = \"/usr\"\n"),
              HasSubstr("accuracy is trained here; leave out [data] and [training]"));
  EXPECT_THAT(
      mistake("devices = [\"stm32l4r5\"]\n" + replaced(good, "latency@board", "latency@stm32l4r5")),
      HasSubstr("give latency@stm32l4r5 another device name"));
  EXPECT_THAT(mistake(good + "[budget]\ncost = 199\n"),
              HasSubstr("budget.cost = 199: buys no trial: the look-ups of one cost 200"));
  EXPECT_THAT(mistake(replaced(good, "cost = 200", "cost = 0") + "[budget]\ncost = 199\n"),
              HasSubstr("budget.cost = 199: is of no use: nothing here has a cost"));
  const SmallRun t;
  EXPECT_THAT(t.hwnas("search run.toml --cost none").err, HasSubstr("--cost = none: expected"));
}

TEST(TableRun, MistakesInTheTable) {
  SmallRun t;
  write(t.folder / "small.csv", small_csv(t.rows) + "0-0-0-0,50,30,0.5,3,1\n");
  EXPECT_EQ(t.hwnas("search run.toml").err,
            "hwnas: " + (std::filesystem::canonical(t.folder.path()) / "small.csv").string() +
                ":146: arch = '0-0-0-0': is in line 2 already; expected one row for each "
                "architecture\n");
  write(t.folder / "small.csv", "arch,acc200,ms\n0-0-0-9,50,3\n");
  EXPECT_THAT(t.hwnas("search run.toml").err,
              HasSubstr("small.csv:2: arch = '0-0-0-9': no architecture of space 'small': choice"));
}

// A published benchmark, where there is a copy of it.
TEST(TableRun, NasBench201) {
  HWNAS_NEEDS_SHARED("nb201_cifar10_accuracy.csv.gz");
  HWNAS_NEEDS_SHARED("nb201_cifar10_devices.csv.gz");
  const auto table = [](const std::string& file) {
    return "[[tables]]\nfile = \"" + shared_path(file) + "\"\narchitecture = \"arch_str\"\n";
  };
  const SmallRun t("name = \"nb201\"\nspace = \"nasbench201\"\n" +
                   table("nb201_cifar10_accuracy.csv.gz") +
                   replaced(kAccuracyColumn, "acc200", "c10_valid_acc_200ep_pct") +
                   table("nb201_cifar10_devices.csv.gz") +
                   replaced(kLatencyColumn, "\"ms\"", "\"c10_edgegpu_latency_ms\"") +
                   "[budget]\ntrials = 200\n" + kTwoObjectives);
  const Result r = t.hwnas("search run.toml");
  ASSERT_EQ(r.code, 0) << r.err;
  std::map<TrialState, int> states;
  double best = 0;
  for (const Trial& trial : t.study("nb201.db").trials()) {
    ++states[trial.state];
    if (const Measurement* m = find(trial, {Metric::accuracy, ""})) best = std::max(best, m->value);
    if (trial.state == TrialState::failed) {
      EXPECT_EQ(trial.reason, "no path from input to output");
    }
  }
  EXPECT_EQ(states[TrialState::complete], 200);
  EXPECT_GT(best, 0.90);
  EXPECT_LT(best, 0.92);
}

TEST(TableRun, ATableThatLacksNearlyTheWholeSpaceEndsInWords) {
  HWNAS_NEEDS_SHARED("fbnet_cifar100_devices.csv.gz");
  const SmallRun t("name = \"fbnet\"\nspace = \"fbnet\"\n[[tables]]\nfile = \"" +
                   shared_path("fbnet_cifar100_devices.csv.gz") +
                   "\"\narchitecture = \"op_idx\"\n[[tables.metrics]]\nmetric = "
                   "\"latency@pixel3\"\ncolumn = \"pixel3_latency_ms\"\nunit = "
                   "\"ms\"\n[[objectives]]\nmetric = \"latency@pixel3\"\n[[objectives]]\nmetric = "
                   "\"macs\"\n");
  const Result r = t.hwnas("search run.toml");
  EXPECT_EQ(r.code, 2);
  EXPECT_THAT(r.err, HasSubstr("every trial fails in stage 'table'; the last one: "
                               "fbnet_cifar100_devices.csv.gz has no row for "));
}

}  // namespace
}  // namespace hwnas::testing
