// Trainings apart from the search, through the program: train, reproduce, teachers, rungs that
// continue.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "experiments/run_config.h"
#include "experiments/sample_statistics.h"
#include "search/store/study.h"
#include "tests/experiments/program.h"

namespace hwnas::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string config(const fs::path& data, const std::string& extra) {
  return R"(
name = "t"
space = "tiny_image"
[data]
set = "mnist"
directory = ")" +
         data.string() + R"("
validation_share = 0.2
[training]
batch = 32
learning_rate = 0.1
[search]
algorithm = "random"
batch = 4
[budget]
trials = 2
[[objectives]]
metric = "accuracy"
[[objectives]]
metric = "parameters"
at_most = 20000
)" + extra;
}

// A study of a few trials on made-up images.
struct Trained {
  Folder folder;
  explicit Trained(const std::string& extra = "", bool searched = true) {
    write_idx(folder.path(), 400, 50);
    write(folder / "run.toml", config(folder.path(), extra));
    if (!searched) return;
    const Result r = hwnas("search run.toml --workers 1");
    EXPECT_EQ(r.code, 0) << r.err;
  }
  Result hwnas(const std::string& arguments) const {
    return run(folder.path(), kHwnas + " " + arguments);
  }
  Study study() const { return Study::open_readonly(folder / "t.db"); }
  std::string file(const fs::path& path) const { return slurp(folder / path); }
  void sql(const std::string& text) const {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open((folder / "t.db").c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, text.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(db);
  }
};

// n = 10, p = 1/2, z = 1.96: (0.5 + 0.19207) / 1.38415 = 0.5, half 1.95996 / 1.38415 *
// sqrt(0.025 + 0.0096036) = 0.26341. The published interval of 5 in 10 is 0.2366 to 0.7634.
TEST(Wilson, IsThePublishedInterval) {
  const Interval half = wilson_interval(0.5, 10);
  EXPECT_NEAR(half.low, 0.2366, 5e-5);
  EXPECT_NEAR(half.high, 0.7634, 5e-5);
  EXPECT_NEAR(wilson_interval(0, 10).high, 0.2775, 5e-5);  // z^2 / (n + z^2)
  EXPECT_NEAR(wilson_interval(1, 10).high, 1, 1e-12);
  EXPECT_NEAR(wilson_interval(1, 10).low, 10 / 13.8415, 1e-4);  // n / (n + z^2)
  // n = 100, p = 0.9, z = 1.96: (0.9 + 0.01921 +- 1.96 sqrt(0.0009 + 0.000096)) / 1.038415
  EXPECT_NEAR(wilson_interval(0.9, 100).low, 0.82563, 1e-5);
  EXPECT_NEAR(wilson_interval(0.9, 100).high, 0.94477, 1e-5);
}

TEST(Train, TestsOnceAndRecordsApartFromTheSearch) {
  const Trained t;
  const std::string before = t.study().dump();
  const Result r = t.hwnas("train t.db 1 --epochs 3 --set augment=[] --set batch=16");
  ASSERT_EQ(r.code, 0) << r.err;
  EXPECT_THAT(r.err, AllOf(HasSubstr("trial 1: "), HasSubstr("3 epochs of 400 images"),
                           HasSubstr("epoch 3/3: loss ")));
  EXPECT_THAT(r.out,
              AllOf(HasSubstr("trained for 3 epochs on 400 images, those of validation among"),
                    HasSubstr("test accuracy "), HasSubstr("% (95 % interval "),
                    HasSubstr("50 images, looked at once")));
  EXPECT_EQ(t.study().dump(), before);
  const std::vector<FinalTraining> finals = t.study().finals(1);
  ASSERT_EQ(finals.size(), 1u);
  EXPECT_EQ(finals[0].epochs, 3);
  EXPECT_EQ(finals[0].images, 400);
  EXPECT_EQ(finals[0].test_images, 50);
  EXPECT_EQ(finals[0].validation, std::nullopt);
  EXPECT_THAT(finals[0].settings,
              AllOf(HasSubstr("training.batch = 16\n"), HasSubstr("training.epochs = 3\n")));
  EXPECT_THAT(finals[0].environment, HasSubstr("LibTorch "));
  const fs::path files = fs::path("t.files") / finals[0].folder;
  for (const char* name : {"weights.pt", "network.toml", "settings.txt", "result.json"})
    EXPECT_TRUE(fs::exists(t.folder / files / name)) << name;
  EXPECT_FALSE(fs::exists(t.folder / files / "checkpoint"));
  // Again: what was found is read, nothing is trained or tested.
  t.sql("DELETE FROM finals");
  const Result again = t.hwnas("train t.db 1 --epochs 3 --set augment=[] --set batch=16");
  EXPECT_EQ(again.out, r.out);
  EXPECT_THAT(again.err, Not(HasSubstr("epoch")));
  EXPECT_EQ(t.study().finals(1).at(0).test_accuracy, finals[0].test_accuracy);
  const Result validated = t.hwnas("train t.db 1 --epochs 1 --keep-validation --json");
  ASSERT_EQ(validated.code, 0) << validated.err;
  const auto j = nlohmann::json::parse(validated.out);
  EXPECT_EQ(j.at("images"), 320);
  EXPECT_GT(j.at("validation_accuracy"), 0);
  EXPECT_EQ(t.study().finals(1).size(), 2u);
}

// The program with its trainer, killed in the middle of an epoch; and interrupted.
TEST(Train, KilledItGoesOnToTheSameWeights) {
  const Trained t;
  const std::string command = "train t.db 0 --epochs 20 --checkpoint-every '1 ms' -o ";
  for (const int signal : {SIGKILL, SIGINT}) {
    const std::string name = signal == SIGKILL ? "killed" : "interrupted";
    const pid_t child = start(t.folder.path(), "exec " + kHwnas + " " + command + name);
    for (int i = 0; i < 2400 && !fs::exists(t.folder / name / "checkpoint"); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(25));
    ASSERT_TRUE(fs::exists(t.folder / name / "checkpoint"));
    kill(child, signal);
    const Result stopped = finish(child, t.folder.path());
    EXPECT_EQ(stopped.code, signal == SIGKILL ? 128 + SIGKILL : 130);
    EXPECT_FALSE(fs::exists(t.folder / name / "result.json"));
    const Result r = t.hwnas(command + name);
    ASSERT_EQ(r.code, 0) << r.err;
    EXPECT_THAT(r.err, HasSubstr("continues in epoch "));
  }
  ASSERT_EQ(t.hwnas(command + "whole").code, 0);
  const std::string whole = t.file("whole/weights.pt");
  EXPECT_GT(whole.size(), 1000u);
  EXPECT_TRUE(t.file("killed/weights.pt") == whole);
  EXPECT_TRUE(t.file("interrupted/weights.pt") == whole);
}

TEST(Train, LearnsFromATeacher) {
  const Trained t;
  ASSERT_EQ(t.hwnas("train t.db 0 --epochs 2 -o teacher").code, 0);
  const Result taught = t.hwnas("train t.db 1 --epochs 2 --distill 0 --set distillation.weight=1");
  ASSERT_EQ(taught.code, 0) << taught.err;
  EXPECT_THAT(taught.err, HasSubstr("with teacher 0"));
  EXPECT_THAT(t.study().finals(1).at(0).settings, HasSubstr("training.distillation = "));
  ASSERT_EQ(t.hwnas("train t.db 1 --epochs 2 --distill teacher -o a").code, 0);
  ASSERT_EQ(t.hwnas("train t.db 1 --epochs 2 --distill t.db:0 -o b").code, 0);
  ASSERT_EQ(t.hwnas("train t.db 1 --epochs 2 -o plain").code, 0);
  EXPECT_TRUE(t.file("a/weights.pt") == t.file("b/weights.pt")) << "the same teacher";
  EXPECT_FALSE(t.file("a/weights.pt") == t.file("plain/weights.pt"));
}

TEST(Train, ANetworkMayBeATeacherOfASearch) {
  const Trained t;
  ASSERT_EQ(t.hwnas("show t.db 0 --network big.toml").code, 0);
  const Result r = t.hwnas("train t.db ./big.toml --epochs 1 -o big");
  ASSERT_EQ(r.code, 0) << r.err;
  write(t.folder / "taught.toml",
        config(t.folder.path(), "[training.distillation]\nteacher = \"big\"\ntemperature = 2\n"));
  ASSERT_EQ(t.hwnas("search taught.toml --study taught.db").code, 0);
  const Study taught = Study::open_readonly(t.folder / "taught.db");
  EXPECT_THAT(taught.info().settings, HasSubstr(" at 2, weight 0.5"));
  EXPECT_NE(find(*taught.trial(0), {Metric::training_loss, ""})->value,
            find(*t.study().trial(0), {Metric::training_loss, ""})->value);
  EXPECT_EQ(t.hwnas("reproduce taught.db 0").code, 0);
  // Another teacher under the same name is another run.
  ASSERT_EQ(t.hwnas("train t.db 1 --epochs 1 -o other").code, 0);
  fs::rename(t.folder / "big", t.folder / "gone");
  EXPECT_THAT(t.hwnas("search taught.db --trials 3").err,
              HasSubstr("training.distillation.teacher = big: expected a trial, STUDY.db:ID, or a "
                        "folder with network.toml and weights.pt"));
  EXPECT_EQ(t.hwnas("pareto taught.db").code, 0) << "looking needs no teacher";
  fs::rename(t.folder / "other", t.folder / "big");
  EXPECT_THAT(
      t.hwnas("search taught.db --trials 3").err,
      HasSubstr("belongs to another run: settings differs at line 24: 'training.distillation"));
}

TEST(Train, BeginsWithTheWeightsOfAnother) {
  const Trained t;
  const Result r = t.hwnas("train t.db 1 --epochs 1 --start-from 0 -o a");
  ASSERT_EQ(r.code, 0) << r.err;
  EXPECT_THAT(r.err, AllOf(HasSubstr("begins with "), HasSubstr("trial0.pt")));
  EXPECT_THAT(t.study().finals(1).at(0).settings, HasSubstr("training.start_from = "));
  ASSERT_EQ(t.hwnas("train t.db 1 --epochs 1 --start-from t.db:0 -o b").code, 0);
  ASSERT_EQ(t.hwnas("train t.db 1 --epochs 1 -o plain").code, 0);
  EXPECT_TRUE(t.file("a/weights.pt") == t.file("b/weights.pt"));
  EXPECT_FALSE(t.file("a/weights.pt") == t.file("plain/weights.pt"));
}

TEST(Train, CandidatesMayBeginWithTheirParents) {
  const std::string search = "\n[search]\nalgorithm = \"nsga2\"\npopulation = 4\nbatch = 4\n";
  const auto config_of = [&](const fs::path& data, bool inherit) {
    std::string text = config(data, "");
    const std::string old = "[search]\nalgorithm = \"random\"\nbatch = 4\n";
    text.replace(text.find(old), old.size(), search.substr(1));
    if (inherit) text.insert(text.find("batch = 32"), "start_from = \"parents\"\n");
    return text;
  };
  const Trained t("", false);
  write(t.folder / "warm.toml", config_of(t.folder.path(), true));
  write(t.folder / "cold.toml", config_of(t.folder.path(), false));
  for (const char* command : {"search cold.toml --study cold.db --trials 12",
                              "search warm.toml --study warm.db --trials 12",
                              "search warm.toml --study again.db --trials 8 --workers 1",
                              "search again.db --trials 12 --workers 2"}) {
    const Result r = t.hwnas(command);
    ASSERT_EQ(r.code, 0) << command << r.err;
  }
  const auto loss = [](const Trial& trial) {
    const Measurement* m = find(trial, {Metric::training_loss, ""});
    return m ? m->value : 0;
  };
  const Study warm = Study::open_readonly(t.folder / "warm.db");
  const Study again = Study::open_readonly(t.folder / "again.db");
  const Study cold = Study::open_readonly(t.folder / "cold.db");
  TrialId child = -1;
  for (const Trial& trial : warm.trials()) {
    ASSERT_TRUE(again.trial(trial.id).has_value());
    EXPECT_EQ(loss(*again.trial(trial.id)), loss(trial)) << trial.id;
    if (trial.parents.empty()) {
      EXPECT_EQ(loss(*cold.trial(trial.id)), loss(trial)) << trial.id;
    } else if (child < 0 && trial.state == TrialState::complete) {
      child = trial.id;
    }
  }
  ASSERT_GE(child, 0);
  ASSERT_EQ(cold.trial(child)->genotype, warm.trial(child)->genotype) << "the first generation";
  EXPECT_NE(loss(*cold.trial(child)), loss(*warm.trial(child)));
  const Result again_now = t.hwnas("reproduce warm.db " + std::to_string(child));
  EXPECT_EQ(again_now.code, 0) << again_now.out;
}

// The accuracy is that of chips, the worst of the times; what it would be without is shown beside
// it.
TEST(Train, OnNoisyCells) {
  const auto searched = [](const Trained& t, const std::string& name, const std::string& noise) {
    std::string text = config(t.folder.path(), noise);
    text.insert(text.find("[data]"), "devices = [\"pcm_64_core\"]\n");
    write(t.folder / (name + ".toml"), text);
    const Result r = t.hwnas("search " + name + ".toml --study " + name + ".db --workers 1");
    EXPECT_EQ(r.code, 0) << r.err;
    const Study study = Study::open_readonly(t.folder / (name + ".db"));
    return find(*study.trial(0), {Metric::accuracy, ""})->value;
  };
  const std::string noise =
      "[training.noise]\ndevice = \"pcm_64_core\"\ntimes = [\"0 s\", \"1 day\"]\ndraws = 3\n";
  const Trained t("", false);
  const double clean = searched(t, "clean", "");
  const double chips = searched(t, "chips", noise);
  const double calm = searched(t, "calm", noise + "aware = false\n");
  const double recalibrated = searched(t, "recalibrated", noise + "recalibrated = true\n");
  EXPECT_NE(chips, clean);
  EXPECT_NE(chips, calm);
  EXPECT_NE(chips, recalibrated);
  EXPECT_EQ(t.hwnas("reproduce recalibrated.db 0").code, 0);
  EXPECT_THAT(Study::open_readonly(t.folder / "recalibrated.db").info().settings,
              HasSubstr("training.noise = pcm_64_core aware, recalibrated, 3 draws at 0 86400"));
}

TEST(Train, MistakesAreOneLine) {
  const Trained t;
  const auto problem = [&](const std::string& arguments) {
    const Result r = t.hwnas("train " + arguments);
    EXPECT_EQ(r.code, 2) << arguments;
    EXPECT_EQ(std::count(r.err.begin(), r.err.end(), '\n'), 1) << r.err;
    return r.err;
  };
  EXPECT_THAT(problem("t.db 99"), HasSubstr("--ID = 99: expected a whole number from 0 to "));
  EXPECT_THAT(problem("t.db 0 --set epoch=3"),
              HasSubstr("--set:1: epoch = 3: unknown key; did you mean 'epochs'?"));
  EXPECT_THAT(problem("t.db 0 --set batch=0"), HasSubstr("batch = 0"));
  EXPECT_THAT(problem("t.db 0 --set nonsense"), HasSubstr("--set"));
  EXPECT_THAT(problem("t.db 0 --epochs 0"), HasSubstr("--epochs = 0"));
  EXPECT_THAT(problem("t.db 0 --checkpoint-every soon"), HasSubstr("--checkpoint-every = soon"));
  EXPECT_THAT(problem("t.db 0 --distill 77"), HasSubstr("has no trial 77"));
  EXPECT_THAT(problem("t.db 0 --distill nowhere"),
              HasSubstr("--distill = nowhere: expected a trial, STUDY.db:ID, or a folder"));
  EXPECT_THAT(problem("t.db 0 --start-from nowhere"),
              HasSubstr("--start-from = nowhere: expected a trial, STUDY.db:ID, or a folder"));
  EXPECT_THAT(problem("t.db 0 --set start_from=\\\"x\\\""),
              HasSubstr("training.start_from = x: expected a trial"));
  EXPECT_THAT(problem("none.db 0"), HasSubstr("none.db: no such file"));
  EXPECT_THAT(problem("t.db no_such_network"), HasSubstr("no_such_network"));
  ASSERT_EQ(t.hwnas("train t.db 0 --epochs 1 -o out").code, 0);
  EXPECT_THAT(problem("t.db 0 --epochs 2 -o out"),
              HasSubstr("out: holds another training: 'training.epochs = 1', not 'training.epochs "
                        "= 2'; choose another folder"));
  write(t.folder / "out" / "result.json", "{");
  EXPECT_THAT(problem("t.db 0 --epochs 1 -o out"),
              HasSubstr("result.json: is damaged; remove it to train again"));
}

const std::string kFinals =
    "[[final]]\nmetric = \"parameters\"\nat_most = 20000\ntraining = {epochs = 2, batch = 16}\n"
    "[[final]]\nmetric = \"parameters\"\nat_most = 19999\ntraining = {epochs = 2, batch = 16}\n"
    "[[final]]\nmetric = \"macs\"\nat_most = 90e6\ntraining = {epochs = 3, augment = []}\n"
    "candidates = 2\ncandidate_epochs = 1\n"
    "[[final]]\nmetric = \"macs\"\nat_most = 80e6\n"
    "training = {epochs = 2, distillation = {teacher = \"final 3\", temperature = 2}}\n";

TEST(Finals, AreTrainedAfterTheSearch) {
  Trained t("", false);
  write(t.folder / "run.toml", config(t.folder.path(), kFinals));
  // Killed while they are trained.
  const pid_t child = start(t.folder.path(), "exec " + kHwnas + " search run.toml --workers 2");
  for (int i = 0; i < 400 && !fs::exists(t.folder / "t.files"); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  std::this_thread::sleep_for(std::chrono::milliseconds(3000));
  kill(child, SIGKILL);
  finish(child, t.folder.path());
  const Result r = t.hwnas("search run.toml --workers 2");
  ASSERT_EQ(r.code, 0) << r.err;
  EXPECT_THAT(
      r.out,
      AllOf(HasSubstr("best within parameters at most 20.0 k: trial "),
            HasSubstr("best within macs at most 90.0 M: trial "),
            HasSubstr("trained for 3 epochs on 400 images, those of validation among "
                      "them\ntest accuracy "),
            HasSubstr("chosen on validation among trial "), HasSubstr(", taught by trial ")));
  const Study study = t.study();
  std::size_t finals = 0;
  for (const Trial& trial : study.trials()) {
    for (const FinalTraining& f : study.finals(trial.id)) {
      ++finals;
      EXPECT_TRUE(fs::exists(t.folder / "t.files" / f.folder / "weights.pt"));
    }
  }
  EXPECT_EQ(finals, 3u) << "two bounds chose one trial, to be trained alike";
  // The best of the search, and told again without training.
  const Result again = t.hwnas("train t.db");
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_THAT(r.out, HasSubstr(again.out));
  EXPECT_THAT(again.err, HasSubstr("this training is over; its result is read from its folder"));
  EXPECT_THAT(t.hwnas("train t.db --epochs 3").err,
              HasSubstr("--epochs goes with the number of a trial"));
}

TEST(Finals, MistakesAreOneLine) {
  Trained t("", false);
  const auto problem = [&](const std::string& finals, const std::string& arguments = "") {
    write(t.folder / "run.toml", config(t.folder.path(), finals));
    const Result r = t.hwnas("search run.toml --workers 1" + arguments);
    EXPECT_EQ(r.code, 2) << finals;
    return r.err;
  };
  EXPECT_THAT(problem("[[final]]\nat_most = 3\n"), HasSubstr("final[0].metric: is missing"));
  EXPECT_THAT(problem("[[final]]\nmetric = \"parameters\"\n"),
              HasSubstr("final[0].at_most: is missing"));
  EXPECT_THAT(problem("[[final]]\nmetric = \"accuracy\"\nat_least = 0.5\n"),
              HasSubstr("final[0].metric = 'accuracy': expected what the best is to be within"));
  EXPECT_THAT(problem("[[final]]\nmetric = \"macs\"\nat_most = 9\ncandidates = 0\n"),
              HasSubstr("final[0].candidates = 0: expected a whole number from 1 to 1000"));
  EXPECT_THAT(problem("[[final]]\nmetric = \"macs\"\nat_most = 9\ntraining = {epoch = 3}\n"),
              HasSubstr("final[0].training.epoch = 3: unknown key; did you mean 'epochs'?"));
  const std::string taught =
      "[[final]]\nmetric = \"macs\"\nat_most = 9\ntraining = {distillation = {teacher = \"final ";
  EXPECT_THAT(problem(taught + "1\"}}\n"), HasSubstr("'final 1' cannot teach; expected"));
  EXPECT_THAT(problem(taught + "2\"}}\n"), HasSubstr("'final 2' cannot teach"));
  EXPECT_THAT(problem(taught + "0\"}}\n"), HasSubstr("'final 0' cannot teach"));
  EXPECT_THAT(problem(taught + "one\"}}\n"), HasSubstr("expected a trial, STUDY.db:ID"));
  EXPECT_THAT(problem("[[final]]\nmetric = \"parameters\"\nat_most = 3\n"),
              HasSubstr("no trained trial is within this bound; search on, or loosen it"));
  const Trained none;
  EXPECT_THAT(none.hwnas("train t.db").err,
              HasSubstr("t.db: its config has no [[final]]: say the number of a trial"));
}

TEST(Reproduce, SaysWhetherItIsTheSameToTheLastDigit) {
  const Trained t;
  const Result r = t.hwnas("reproduce t.db 1");
  EXPECT_EQ(r.code, 0) << r.err;
  EXPECT_THAT(r.out,
              AllOf(HasSubstr("trial 1, stage 'training'"), HasSubstr("accuracy"),
                    HasSubstr("training loss"), HasSubstr("matches: the same to the last digit")));
  t.sql(
      "UPDATE measurements SET value = value + 1e-12 WHERE trial = 1 AND metric = 'accuracy';"
      "UPDATE timings SET environment = 'another machine'");
  const Result other = t.hwnas("reproduce t.db 1");
  EXPECT_EQ(other.code, 1);
  EXPECT_THAT(other.out, AllOf(HasSubstr("<- differs"), HasSubstr("does not match"),
                               HasSubstr("recorded on    hwnas " HWNAS_VERSION ", another machine"),
                               HasSubstr("now on         hwnas " HWNAS_VERSION ", LibTorch ")));
  t.sql("UPDATE timings SET environment = ''");
  EXPECT_THAT(t.hwnas("reproduce t.db 1").out, HasSubstr("(the study does not say)"));
  t.sql("DELETE FROM measurements WHERE trial = 0");
  const Result untrained = t.hwnas("reproduce t.db 0");
  EXPECT_EQ(untrained.code, 2);
  EXPECT_THAT(untrained.err, HasSubstr("trial 0 was not trained"));
}

const std::string kRungs =
    "[rungs]\ncontinue = true\nkeep = 0.5\n[[rungs.stages]]\nepochs = 1\n"
    "[[rungs.stages]]\nepochs = 2\n";

std::string with_epochs(std::string text) {
  return text.replace(text.find("batch = 32"), 10, "batch = 32\nepochs = 4");
}

TEST(RungsContinue, KilledAnywhereTheStudyIsTheSame) {
  Trained t(kRungs, false);
  write(t.folder / "run.toml", with_epochs(config(t.folder.path(), kRungs)));
  ASSERT_EQ(t.hwnas("search run.toml --workers 2 --study t.db").code, 0);
  Rng rng(3);
  for (int i = 0; i < 6; ++i) {
    const pid_t child =
        start(t.folder.path(), "exec " + kHwnas + " search run.toml --workers 1 --study killed.db");
    std::this_thread::sleep_for(std::chrono::milliseconds(600 + rng.below(1500)));
    kill(child, SIGKILL);
    finish(child, t.folder.path());
  }
  ASSERT_EQ(t.hwnas("search run.toml --study killed.db").code, 0);
  EXPECT_EQ(Study::open_readonly(t.folder / "killed.db").dump(), t.study().dump());
  for (const auto& entry : fs::directory_iterator(t.folder / "t.files"))
    EXPECT_EQ(entry.path().extension(), ".pt") << "no state is left behind";
  // A trial that went on has its curve in parts, each epoch counted once or resumed.
  const Study study = t.study();
  for (const Trial& trial : study.trials()) {
    if (trial.state != TrialState::complete) continue;
    EXPECT_EQ(study.curve(trial.id, "training 1 epoch on 320 images").size(), 1u);
    const std::vector<CurvePoint> last = study.curve(trial.id, "training");
    ASSERT_FALSE(last.empty());
    EXPECT_EQ(last.front().epoch, 2);  // where the second rung's cooldown began: 2 * 0.8 epochs
    EXPECT_EQ(last.back().epoch, 4);
    EXPECT_EQ(last.back().accuracy, find(trial, {Metric::accuracy, ""})->value);
    const Result r = t.hwnas("reproduce t.db " + std::to_string(trial.id));
    EXPECT_EQ(r.code, 0) << r.out;
  }
}

TEST(RungsContinue, IsForTrainings) {
  Trained t("", false);
  write(t.folder / "run.toml", with_epochs(config(t.folder.path(), kRungs)));
  const RunConfig c = RunConfig::load(t.folder / "run.toml");
  EXPECT_TRUE(c.rungs_continue);
  EXPECT_EQ(c.training->cooldown, 0.2);
}

}  // namespace
}  // namespace hwnas::testing
