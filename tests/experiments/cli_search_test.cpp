// Searches through the program: resume, kill, crash, budgets that nothing meets, bad files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>

#include <chrono>
#include <thread>

#include "search/store/study.h"
#include "tests/experiments/program.h"

namespace hwnas::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string kCosts = R"(
name = "costs"
space = "tiny_image"
devices = ["stm32l4r5"]
[search]
batch = 8
population = 16
[budget]
trials = 40
[[objectives]]
metric = "parameters"
[[objectives]]
metric = "latency@stm32l4r5"
)";

std::string training_config(const std::filesystem::path& data, const std::string& extra = "") {
  return R"(
name = "train"
space = "tiny_image"
devices = ["stm32l4r5"]
[data]
set = "mnist"
directory = ")" +
         data.string() + R"("
validation_share = 0.2
[training]
batch = 32
learning_rate = 0.1
[search]
batch = 4
population = 4
[budget]
trials = 8
[[objectives]]
metric = "accuracy"
[[objectives]]
metric = "latency@stm32l4r5"
at_most = "60 ms"
)" + extra;
}

std::string dump(const std::filesystem::path& study) {
  return Study::open_readonly(study).dump();
}

// A run without training, and with, each in a folder made ready.
struct Costs {
  Folder folder;
  Costs() { write(folder / "run.toml", kCosts); }
  Result hwnas(const std::string& arguments) const {
    return run(folder.path(), kHwnas + " " + arguments);
  }
};

struct Training {
  Folder folder;
  explicit Training(const std::string& extra = "") {
    write_idx(folder.path(), 400, 40);
    write(folder / "run.toml", training_config(folder.path(), extra));
  }
  Result hwnas(const std::string& arguments) const {
    return run(folder.path(), kHwnas + " " + arguments);
  }
};

TEST(Search, CostsOnlyEndsInAFront) {
  Costs t;
  const Result r = t.hwnas("search run.toml");
  EXPECT_EQ(r.code, 0) << r.err;
  EXPECT_THAT(r.out, AllOf(HasSubstr("latency@stm32l4r5"), HasSubstr("\u2190 knee"),
                           HasSubstr("numbers: analytic")));
  EXPECT_THAT(r.err, HasSubstr("done; continue with: hwnas search costs.db"));
  EXPECT_EQ(t.hwnas("pareto costs.db").out, r.out);
  EXPECT_THAT(t.hwnas("status costs.db").out, HasSubstr("40 complete"));
  EXPECT_THAT(t.hwnas("status costs.db --json").out, HasSubstr("\"complete\": 40"));
  EXPECT_THAT(t.hwnas("pareto costs.db --json").out, HasSubstr("\"front\""));
}

TEST(Search, ShowExplainsATrial) {
  Costs t;
  ASSERT_EQ(t.hwnas("search run.toml").code, 0);
  const Result r = t.hwnas("show costs.db 3 --network net.toml");
  EXPECT_EQ(r.code, 0) << r.err;
  EXPECT_THAT(r.out, AllOf(StartsWith("trial 3: complete"), HasSubstr("stem.channels"),
                           HasSubstr("analytic"), HasSubstr("slowest layers")));
  EXPECT_EQ(t.hwnas("estimate ./net.toml --device stm32l4r5").code, 0);
  EXPECT_THAT(t.hwnas("show costs.db 3 --json").out, HasSubstr("\"genes\""));
  const Result none = t.hwnas("show costs.db 4000");
  EXPECT_EQ(none.code, 2);
}

TEST(Search, ContinuesFromTheConfigAndFromTheStudyAlone) {
  Costs whole, parts;
  ASSERT_EQ(whole.hwnas("search run.toml").code, 0);
  ASSERT_EQ(parts.hwnas("search run.toml --trials 10").code, 0);
  ASSERT_EQ(parts.hwnas("search run.toml --trials 20").code, 0);
  std::filesystem::remove(parts.folder / "run.toml");
  ASSERT_EQ(parts.hwnas("search costs.db --trials 40").code, 0);
  EXPECT_EQ(dump(parts.folder / "costs.db"), dump(whole.folder / "costs.db"));
}

TEST(Search, AnotherConfigIsRefusedAndSaysWhatDiffers) {
  Costs t;
  ASSERT_EQ(t.hwnas("search run.toml --trials 10").code, 0);
  const std::string before = dump(t.folder / "costs.db");
  Result r = t.hwnas("search run.toml --seed 2");
  EXPECT_EQ(r.code, 2);
  EXPECT_THAT(r.err, HasSubstr("seed"));
  std::string other = kCosts;
  other.replace(other.find("population = 16"), 15, "population = 12");
  write(t.folder / "run.toml", other);
  r = t.hwnas("search run.toml");
  EXPECT_EQ(r.code, 2);
  EXPECT_THAT(r.err, HasSubstr("search.population"));
  EXPECT_EQ(dump(t.folder / "costs.db"), before);
}

TEST(Search, ABudgetThatNothingMeetsIsFoundBeforeAnyTraining) {
  Training t("[[bounds]]\nmetric = \"storage@stm32l4r5\"\nat_most = \"1 KiB\"\n");
  const Result r = t.hwnas("search run.toml");
  EXPECT_EQ(r.code, 2);
  EXPECT_THAT(
      r.err,
      HasSubstr("meets the bounds: storage@stm32l4r5 must be at most 1.00 KiB, nearest found "));
  EXPECT_FALSE(std::filesystem::exists(t.folder / "train.db"));
}

TEST(Search, TrainsForRealAndKeepsTheWeights) {
  Training t;
  const Result r = t.hwnas("search run.toml");
  ASSERT_EQ(r.code, 0) << r.err;
  EXPECT_THAT(r.out, AllOf(HasSubstr("accuracy"), HasSubstr("trained (accuracy)")));
  EXPECT_THAT(t.hwnas("show train.db 0").out, HasSubstr("weights"));
  int weights = 0;
  for (const auto& entry : std::filesystem::directory_iterator(t.folder / "train.files"))
    weights += entry.path().extension() == ".pt";
  EXPECT_EQ(weights, 8);
}

TEST(Search, OneWorkerAndFourGiveTheSameStudy) {
  Training one, four;
  ASSERT_EQ(one.hwnas("search run.toml --workers 1").code, 0);
  ASSERT_EQ(four.hwnas("search run.toml --workers 4").code, 0);
  const auto neutral =
      [](std::string text,
         const std::filesystem::path& folder) {  // the data's place is in the config
        for (std::size_t at; (at = text.find(folder.string())) != std::string::npos;)
          text.erase(at, folder.string().size());
        return text;
      };
  EXPECT_EQ(neutral(dump(one.folder / "train.db"), one.folder.path()),
            neutral(dump(four.folder / "train.db"), four.folder.path()));
}

TEST(Search, KilledAndContinuedEqualsNeverKilled) {
  Training t;
  ASSERT_EQ(t.hwnas("search run.toml --study whole.db").code, 0);
  Rng rng(5);
  for (int i = 0; i < 20; ++i) {
    const pid_t child =
        start(t.folder.path(), "exec " + kHwnas + " search run.toml --study killed.db");
    std::this_thread::sleep_for(std::chrono::milliseconds(100 + rng.below(900)));
    kill(child, SIGKILL);
    finish(child, t.folder.path());
  }
  ASSERT_EQ(t.hwnas("search run.toml --study killed.db").code, 0);
  EXPECT_EQ(dump(t.folder / "killed.db"), dump(t.folder / "whole.db"));
}

TEST(Search, CtrlCLeavesAStudyThatContinues) {
  Training t;
  ASSERT_EQ(t.hwnas("search run.toml --study whole.db --trials 30").code, 0);
  std::filesystem::remove(t.folder / "stderr.txt");  // of the run before
  const pid_t child =
      start(t.folder.path(),
            "exec " + kHwnas + " search run.toml --study stopped.db --workers 1 --trials 30");
  for (int i = 0; i < 400 && slurp(t.folder / "stderr.txt").find("trial 1 ") == std::string::npos;
       ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(25));
  }
  kill(child, SIGINT);
  const Result r = finish(child, t.folder.path());
  EXPECT_EQ(r.code, 130) << r.err;
  EXPECT_THAT(r.err, HasSubstr("interrupted; continue with: hwnas search stopped.db"));
  ASSERT_EQ(t.hwnas("search stopped.db --trials 30").code, 0);
  EXPECT_EQ(dump(t.folder / "stopped.db"), dump(t.folder / "whole.db"));
}

// A stand-in for hwnas-trainer that crashes for real on one of its tasks, and else passes on the
// line.
TEST(Search, ATrainerThatCrashesCostsOneTrial) {
  Training t;
  write(t.folder / "trainer.sh",
        "#!/bin/bash\n"
        "exec 3<&0\n"
        "while IFS= read -r line <&3; do\n"
        "  case \"$line\" in *'\"task\":2'[!0-9]*) kill -SEGV $$ ;; *'\"task\":5'[!0-9]*) kill "
        "-KILL $$ ;; esac\n"
        "  printf '%s\\n' \"$line\"\n"
        "done | " +
            std::string(HWNAS_BIN_DIR) + "/hwnas-trainer \"$@\"\n");
  std::filesystem::permissions(t.folder / "trainer.sh", std::filesystem::perms::owner_all);
  write(t.folder / "run.toml",
        training_config(t.folder.path(), "[workers]\ncount = 1\ncommand = [\"" +
                                             (t.folder / "trainer.sh").string() + "\"]\n"));
  const Result r = t.hwnas("search run.toml");
  EXPECT_EQ(r.code, 0) << r.err;
  EXPECT_THAT(r.err, HasSubstr("trial 2 failed: trainer "));
  EXPECT_THAT(r.err, HasSubstr("trial 5 failed: trainer "));
  EXPECT_THAT(t.hwnas("status train.db").out, HasSubstr("8 complete"));
}

TEST(Search, ARunInWhichEverythingFailsEnds) {
  Training t;
  write(t.folder / "trainer.sh",
        "#!/bin/bash\n"
        "echo '{\"event\":\"ready\",\"protocol\":1,\"input\":[1,28,28],\"classes\":10,"
        "\"train_images\":1,\"validation_images\":1}'\n"
        "while IFS= read -r line; do echo '{\"event\":\"failed\",\"reason\":\"no luck\"}'; done\n");
  std::filesystem::permissions(t.folder / "trainer.sh", std::filesystem::perms::owner_all);
  write(t.folder / "run.toml",
        training_config(t.folder.path(),
                        "[workers]\ncommand = [\"" + (t.folder / "trainer.sh").string() + "\"]\n"));
  const Result r = t.hwnas("search run.toml");
  EXPECT_EQ(r.code, 2);
  EXPECT_THAT(r.err,
              HasSubstr("hwnas: every trial fails in stage 'training'; the last one: no luck"));
  EXPECT_THAT(t.hwnas("pareto train.db").out, HasSubstr("no trial is complete yet"));
}

TEST(Search, DamagedDataIsSaidBeforeAnythingElse) {
  Training t;
  std::filesystem::resize_file(t.folder / "train-images-idx3-ubyte", 5000);
  const Result r = t.hwnas("search run.toml");
  EXPECT_EQ(r.code, 2);
  EXPECT_THAT(r.err, HasSubstr("train-images-idx3-ubyte"));
  EXPECT_FALSE(std::filesystem::exists(t.folder / "train.db"));
}

TEST(Search, TheSecondProcessIsToldAndReadersWork) {
  Training t;
  const pid_t first = start(t.folder.path(), "exec " + kHwnas + " search run.toml --trials 200");
  for (int i = 0; i < 200 && !std::filesystem::exists(t.folder / "train.db"); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  Folder other;  // output of the second must not overwrite the first's
  const Result second = run(other.path(), kHwnas + " search " + (t.folder / "run.toml").string() +
                                              " --study " + (t.folder / "train.db").string());
  EXPECT_EQ(second.code, 2);
  EXPECT_THAT(second.err, HasSubstr("train.db"));
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(run(other.path(), kHwnas + " status " + (t.folder / "train.db").string()).code, 0);
  kill(first, SIGINT);
  EXPECT_EQ(finish(first, t.folder.path()).code, 130);
}

TEST(Search, ANewerStudyIsRefused) {
  Costs t;
  ASSERT_EQ(t.hwnas("search run.toml --trials 5").code, 0);
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open((t.folder / "costs.db").c_str(), &db), SQLITE_OK);
  sqlite3_exec(db, "PRAGMA user_version = 999", nullptr, nullptr, nullptr);
  sqlite3_close(db);
  for (const char* command : {"pareto costs.db", "status costs.db", "search run.toml"}) {
    const Result r = t.hwnas(command);
    EXPECT_EQ(r.code, 2) << command;
    EXPECT_THAT(r.err, AllOf(HasSubstr("costs.db"), HasSubstr("999")));
  }
}

TEST(Search, AFullDiskIsOneLineAndTheStudyContinues) {
  Costs t;
  const Result full = run(t.folder.path(), "ulimit -f 300; trap '' XFSZ; exec " + kHwnas +
                                               " search run.toml --trials 4000");
  EXPECT_EQ(full.code, 2) << full.err;
  EXPECT_THAT(full.err, HasSubstr("costs.db"));
  EXPECT_EQ(t.hwnas("search run.toml").code, 0);
}

TEST(Search, AFolderThatCannotBeWrittenIsOneLine) {
  Costs t;
  const Result r = t.hwnas("search run.toml --study /proc/study.db");
  EXPECT_EQ(r.code, 2);
  EXPECT_THAT(r.err, HasSubstr("/proc/study.db"));
}

}  // namespace
}  // namespace hwnas::testing
