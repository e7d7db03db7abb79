// [workers] through the program: launchers, lost trainers, who works, jobs of Slurm.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <thread>

#include "tests/experiments/program.h"

namespace hwnas::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class Workers : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(here_ / "data");
    write_idx(here_ / "data", 2000, 50);
  }

  void write_config(const std::string& workers, const std::string& search = "", int epochs = 1) {
    write(here_ / "w.toml", R"(
name = "w"
space = "tiny_image"
devices = ["stm32l4r5"]
[data]
set = "mnist"
directory = "data"
validation_share = 0.2
[training]
batch = 32
learning_rate = 0.1
epochs = )" + std::to_string(epochs) +
                                R"(
[workers]
)" + workers + R"(
[search]
batch = 4
)" + search + R"(
[budget]
trials = 8
[[objectives]]
metric = "accuracy"
[[objectives]]
metric = "latency@stm32l4r5"
at_most = "60 ms"
)");
  }

  Result hwnas(const std::string& words) { return run(here_.path(), kHwnas + " " + words); }
  std::string found(const std::string& study) {
    const std::string out =
        run(here_.path(), "sqlite3 " + study + " 'SELECT * FROM trial_wide ORDER BY 1'").out;
    EXPECT_GT(out.size(), 300u);
    return out;
  }
  std::string plain() {
    write_config("count = 2");
    const Result result = hwnas("search w.toml --study plain.db");
    EXPECT_EQ(result.code, 0) << result.err;
    return found("plain.db");
  }
  static bool within(double seconds, const std::function<bool()>& holds) {
    for (int i = 0; i < seconds * 10; ++i) {
      if (holds()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    return false;
  }
  // The trainers that were started from this folder's data.
  int trainers() {
    return std::atoi(run(here_.path(), "pgrep -fc '[h]wnas-trainer.*" + here_.path().string() + "'")
                         .out.c_str());
  }

  Folder here_;
};

// Passes input and output on, as srun does, and ends when it is asked to, but tells nobody.
const std::string kBareWrapper =
    R"(launcher = ["sh", "-c", "exec 3<&0; \"$@\" <&3 & wait", "sh"]
)";

TEST_F(Workers, ALauncherStartsThem) {
  write_config("count = 2\n" + kBareWrapper);
  const Result result = hwnas("search w.toml --study there.db");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(found("there.db"), plain());
  EXPECT_THAT(result.err,
              HasSubstr("continue with: hwnas search w.toml --study there.db --trials N"));
  EXPECT_TRUE(within(5, [&] { return trainers() == 0; }));
}

// The first trainers die at their first task, in different ways; the study does not show it.
TEST_F(Workers, LostOnesCostARetry) {
  for (const std::string how : {"kill -9 $$", "echo rubbish; sleep 100", "exit 3"}) {
    write(here_ / "mean.sh",
          "#!/bin/sh\nif mkdir taken 2>/dev/null; then\n"
          "  \"$@\" < /dev/null  # the greeting\n  read task\n  " +
              how + "\nfi\nexec \"$@\"\n");
    run(here_.path(), "rm -rf taken s.db s.files");
    write_config("count = 2\nlauncher = [\"sh\", \"./mean.sh\"]");
    const Result result = hwnas("search w.toml --study s.db");
    EXPECT_EQ(result.code, 0) << how << result.err;
    EXPECT_THAT(result.err, HasSubstr("is tried again")) << how;
    EXPECT_EQ(found("s.db"), plain()) << how;
    run(here_.path(), "rm plain.db; rm -rf plain.files");
  }
}

TEST_F(Workers, WithoutRetriesALossIsAFailedTrial) {
  write(here_ / "mean.sh",
        "#!/bin/sh\nif mkdir taken 2>/dev/null; then\n  \"$@\" < /dev/null\n  read task\n"
        "  echo no more paper >&2; exit 3\nfi\nexec \"$@\"\n");
  write_config("count = 1\nretries = 0\nlauncher = [\"sh\", \"./mean.sh\"]");
  EXPECT_EQ(hwnas("search w.toml").code, 0);
  const Result shown = hwnas("show w.db 0");
  EXPECT_THAT(shown.out, HasSubstr("trainer exit code 3: no more paper"));
}

TEST_F(Workers, NoTrainerOutlivesAKilledSearch) {
  write_config("count = 2\nsilence_limit = \"20 s\"\n" + kBareWrapper, "", 500);
  const pid_t search = start(here_.path(), "exec " + kHwnas + " search w.toml");
  ASSERT_TRUE(within(60, [&] { return trainers() >= 2; }));
  std::this_thread::sleep_for(std::chrono::seconds(2));  // in the middle of a training
  kill(search, SIGKILL);
  EXPECT_EQ(finish(search, here_.path()).code, 128 + SIGKILL);
  EXPECT_TRUE(within(12, [&] { return trainers() == 0; })) << "a trainer is left";
}

TEST_F(Workers, AreShownAndMayJoinAndLeave) {
  write_config("count = 1", "", 40);
  EXPECT_THAT(hwnas("workers w.db").err, HasSubstr("w.db: no such file"));
  const pid_t search = start(here_.path(), "exec " + kHwnas + " search w.toml > log 2>&1");
  const auto workers = [&] {
    write(here_ / "ask.sh", kHwnas + " workers w.db > shown 2>&1");
    return system(("cd " + here_.path().string() + " && sh ask.sh").c_str()) == 0
               ? slurp(here_ / "shown")
               : "";
  };
  EXPECT_TRUE(within(60, [&] { return workers().find("busy") != std::string::npos; }));
  EXPECT_THAT(workers(), AllOf(HasSubstr("training"), HasSubstr("LibTorch"), HasSubstr(" ago")));
  EXPECT_EQ(system(("cd " + here_.path().string() + " && " + kHwnas +
                    " workers w.db --count 3 >/dev/null")
                       .c_str()),
            0);
  EXPECT_TRUE(within(30, [&] { return workers().find("\n     2  training") != std::string::npos; }))
      << workers();
  EXPECT_EQ(trainers(), 3);
  EXPECT_EQ(system(("cd " + here_.path().string() + " && " + kHwnas +
                    " workers w.db --count 1 --json > json")
                       .c_str()),
            0);
  EXPECT_THAT(slurp(here_ / "json"), HasSubstr("\"phase\": \"busy\""));
  kill(search, SIGKILL);
  finish(search, here_.path());
  EXPECT_TRUE(within(12, [&] { return trainers() == 0; }));
  std::this_thread::sleep_for(std::chrono::seconds(11));
  EXPECT_THAT(workers(), HasSubstr("the run was killed, or it is between trainings"));
  const Result late = hwnas("workers w.db --count 2");
  EXPECT_EQ(late.code, 2);
  EXPECT_THAT(late.err, HasSubstr("w.db: --count = 2: no search trains for this study now"));
}

TEST_F(Workers, MistakesAreOneLine) {
  const std::pair<std::string, std::string> mistakes[] = {
      {"launcher = [\"\"]", "workers.launcher = [ '' ]: expected a program and its arguments"},
      {"silence_limit = \"5 s\"", "expected at least 20 s, or 0 for none"},
      {"retries = -1", "workers.retries"},
      {"gpus = [\"0 1\"]", "expected one GPU in each place"},
      {"launcher = [\"/no/such/launcher\"]\ncount = 1",
       "cannot start '/no/such/launcher': No such file or directory"},
      {"launcher = [\"false\"]\ncount = 1", "'false' does not start: exit code 1"},
      {"launcher = [\"sh\"]",
       "workers.count = 0: with a launcher, say how many trainers it may start"}};
  for (const auto& [workers, message] : mistakes) {
    write_config(workers);
    const Result result = run(here_.path(), "unset SLURM_NTASKS; " + kHwnas + " search w.toml");
    EXPECT_EQ(result.code, 2) << workers;
    EXPECT_THAT(result.err, HasSubstr(message));
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  }
  write_config("count = 1",
               "asynchronous = true\n[rungs]\nkeep = 0.5\n[[rungs.stages]]\nepochs = 1", 2);
  EXPECT_THAT(hwnas("search w.toml").err, HasSubstr("does not go with rungs"));
}

TEST_F(Workers, AJobOfSlurmInWords) {
  write_config("count = 1");
  const Result script =
      hwnas("sbatch w.toml --print --trials 9 --option=--ntasks=4 --option=--time=10");
  EXPECT_EQ(script.code, 0);
  EXPECT_THAT(script.out,
              AllOf(StartsWith("#!/bin/sh\n#SBATCH --job-name=hwnas-w\n"),
                    HasSubstr("\n#SBATCH --ntasks=4\n#SBATCH --time=10\n"),
                    HasSubstr("hwnas' search '" + (here_ / "w.toml").string() + "' --study '" +
                              (here_ / "w.db").string() + "' --trials 9 &")));
  write(here_ / "script.sh", script.out);
  EXPECT_EQ(run(here_.path(), "sh -n script.sh").code, 0);
  const Result nowhere = run(here_.path(), "PATH=/nowhere " + kHwnas + " sbatch w.toml");
  EXPECT_EQ(nowhere.code, 2);
  EXPECT_EQ(nowhere.err, "hwnas: there is no sbatch here; --print shows the script\n");
  EXPECT_THAT(hwnas("sbatch w.toml --option=long").err,
              HasSubstr("--option = long: expected an option of sbatch"));
  EXPECT_THAT(hwnas("sbatch w.toml --study 'a b.db'").err, HasSubstr("has no blank"));
  EXPECT_THAT(hwnas("sbatch no.toml").err, HasSubstr("no.toml"));
}

}  // namespace
}  // namespace hwnas::testing
