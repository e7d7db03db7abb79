// A study on a cluster: a real Slurm of four nodes on this machine (tests/cluster/slurm.sh), whose
// nodes die, are drained and come back, and whose jobs are preempted. In rounds the study equals a
// local run's whatever happens.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <thread>

#include "tests/experiments/program.h"

namespace hwnas::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const char* const kLauncher =
    R"(launcher = ["srun", "--exact", "--nodes=1", "--ntasks=1", "--cpus-per-task=1", "--unbuffered", "--quiet"])";

class Cluster : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (system("command -v slurmctld slurmd munged >/dev/null 2>&1") != 0 || geteuid() != 0) return;
    folder_ = new Folder;
    up_ = script("start") == 0;
  }
  static void TearDownTestSuite() {
    if (folder_) script("stop");
    delete folder_;
  }
  void SetUp() override {
    if (!folder_) GTEST_SKIP() << "needs Debian's slurm-wlm and munge, and root";
    ASSERT_TRUE(up_) << "Slurm does not start";
    std::filesystem::create_directory(here_ / "data");
    write_idx(here_ / "data", 4000, 50);
  }

  static int script(const std::string& action, const std::string& node = "") {
    return system((std::string(HWNAS_SOURCE_DIR) + "/tests/cluster/slurm.sh " + action + " " +
                   (*folder_ / "slurm").string() + " " + node)
                      .c_str());
  }
  Result in_cluster(const std::string& command) {
    return run(here_.path(), ". " + (*folder_ / "slurm" / "env").string() + "; " + command);
  }

  void write_config(const std::string& file, const std::string& workers,
                    const std::string& search = "") {
    write(here_ / file, R"(
name = "c"
space = "tiny_image"
devices = ["stm32l4r5"]
[data]
set = "mnist"
directory = ")" + (here_ / "data").string() +
                            R"("
validation_share = 0.2
[training]
epochs = )" + std::to_string(epochs_) +
                            R"(
batch = 32
learning_rate = 0.1
[workers]
count = 4
)" + workers + R"(
[search]
batch = 4
)" + search + R"(
[budget]
trials = )" + std::to_string(trials_) +
                            R"(
[[objectives]]
metric = "accuracy"
[[objectives]]
metric = "latency@stm32l4r5"
at_most = "60 ms"
)");
  }

  // All that a study found, as text; what it was told of launchers is not part of it.
  std::string found(const std::string& study) {
    const Result result =
        run(here_.path(),
            "sqlite3 " + study +
                " 'SELECT * FROM trial_wide ORDER BY 1; SELECT trial, source, fidelity, metric, "
                "device, value, stddev FROM measurements ORDER BY 1, 2, 3, 4'");
    EXPECT_GT(result.out.size(), 1000u) << result.err;
    return result.out;
  }

  std::string local() {
    write_config("local.toml", "");
    const Result result = run(here_.path(), kHwnas + " search local.toml --study local.db");
    EXPECT_EQ(result.code, 0) << result.err;
    return found("local.db");
  }

  bool within(double seconds, const std::function<bool()>& holds) {
    for (int i = 0; i < seconds * 5; ++i) {
      if (holds()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
    return false;
  }
  std::string job_state(const std::string& job) {
    return in_cluster("squeue -h -t all -o %T -j " + job).out;
  }
  bool trained(const std::string& study, int trials) {
    const Result result = run(here_.path(), "sqlite3 " + study +
                                                " \"SELECT count(*) FROM trials WHERE stage = "
                                                "'training' AND state != 'running'\" 2>/dev/null");
    return result.code == 0 && std::atoi(result.out.c_str()) >= trials;
  }
  std::string submit(const std::string& options) {
    const Result result =
        in_cluster(kHwnas + " sbatch c.toml --option=--partition=short " + options);
    EXPECT_THAT(result.out, HasSubstr("Submitted batch job ")) << result.err;
    if (result.code != 0) return "";
    return std::to_string(std::atoi(result.out.c_str() + result.out.find_last_of(' ')));
  }

  static inline Folder* folder_ = nullptr;
  static inline bool up_ = false;
  Folder here_;
  int epochs_ = 1, trials_ = 24;
};

TEST_F(Cluster, AJobFindsWhatALocalRunFinds) {
  write_config("c.toml", kLauncher);
  const std::string job = submit("--option=--ntasks=5");
  ASSERT_NE(job, "");
  ASSERT_TRUE(within(120, [&] { return job_state(job) == "COMPLETED\n"; }))
      << slurp(here_ / "c.log");
  EXPECT_EQ(found("c.db"), local());
  EXPECT_THAT(slurp(here_ / "c.log"), Not(HasSubstr("worker")));
}

// The node that is killed takes its trainer with it: one retry elsewhere. The drained one finishes.
// Both come back.
TEST_F(Cluster, ANodeDiesAnotherIsDrainedBothReturn) {
  write_config("c.toml", kLauncher);
  const std::string job = submit("--option=--nodes=4 --option=--ntasks=8");
  ASSERT_NE(job, "");
  ASSERT_TRUE(within(60, [&] { return trained("c.db", 2); })) << slurp(here_ / "c.log");
  script("kill", "n3");
  in_cluster("scontrol update nodename=n2 state=drain reason=test");
  ASSERT_TRUE(within(60, [&] { return trained("c.db", 10); })) << slurp(here_ / "c.log");
  const std::string workers = run(here_.path(), kHwnas + " workers c.db").out;
  EXPECT_THAT(workers, HasSubstr("busy"));
  script("revive", "n3");
  in_cluster("scontrol update nodename=n2 state=resume");
  ASSERT_TRUE(within(120, [&] { return job_state(job) == "COMPLETED\n"; }))
      << slurp(here_ / "c.log");
  EXPECT_THAT(slurp(here_ / "c.log"), HasSubstr("is tried again"));
  EXPECT_EQ(found("c.db"), local());
  EXPECT_TRUE(within(30, [&] {
    return in_cluster("sinfo -h -N -p short -o %T").out == "idle\nidle\nidle\nidle\n";
  }));
}

// Somebody more important takes all nodes: the job is killed, queued again, and goes on.
TEST_F(Cluster, PreemptedItGoesOn) {
  epochs_ = 5;  // or the run is over before Slurm has thought about it
  trials_ = 12;
  write_config("c.toml", kLauncher);
  const std::string job = submit("--option=--nodes=4 --option=--ntasks=8");
  ASSERT_NE(job, "");
  ASSERT_TRUE(within(60, [&] { return trained("c.db", 1); })) << slurp(here_ / "c.log");
  EXPECT_EQ(in_cluster("srun --partition=urgent --nodes=4 --exclusive sleep 3").code, 0);
  EXPECT_FALSE(trained("c.db", trials_)) << "it was over too soon: the test is void";
  ASSERT_TRUE(within(150, [&] { return job_state(job) == "COMPLETED\n"; }))
      << slurp(here_ / "c.log");
  EXPECT_THAT(slurp(here_ / "c.log"), HasSubstr("DUE TO PREEMPTION"));
  EXPECT_EQ(found("c.db"), local());
}

// The time limit is two minutes away at once: hwnas is asked to end, the job queues itself again.
TEST_F(Cluster, CutOffByTheTimeLimitItGoesOn) {
  epochs_ = 6;  // Slurm looks at limits once a minute
  write_config("c.toml", kLauncher);
  const std::string job =
      submit("--option=--ntasks=5 --option=--signal=B:USR1@55 --option=--time=1");
  const auto restarts = [&] {
    const std::string words = in_cluster("scontrol show job " + job).out;
    const auto at = words.find("Restarts=");
    return at == std::string::npos ? 0 : std::atoi(words.c_str() + at + 9);
  };
  ASSERT_TRUE(within(90, [&] { return restarts() > 0; })) << slurp(here_ / "c.log");
  EXPECT_THAT(slurp(here_ / "c.log"), HasSubstr("interrupted; continue with"));
  ASSERT_TRUE(within(150, [&] {
    in_cluster("scontrol update jobid=" + job + " timelimit=60 starttime=now");
    return job_state(job) == "COMPLETED\n";
  })) << slurp(here_ / "c.log");
  EXPECT_EQ(found("c.db"), local());
}

TEST_F(Cluster, TrialsAreProposedAsNodesGetFree) {
  write_config("c.toml", kLauncher, "asynchronous = true");
  const std::string job = submit("--option=--ntasks=5");
  ASSERT_NE(job, "");
  ASSERT_TRUE(within(120, [&] { return job_state(job) == "COMPLETED\n"; }))
      << slurp(here_ / "c.log");
  EXPECT_EQ(
      run(here_.path(), "sqlite3 c.db \"SELECT count(*) FROM trials WHERE state = 'complete'\"")
          .out,
      "24\n");
  const std::string before = found("c.db");
  EXPECT_EQ(in_cluster(kHwnas + " search c.toml --study c.db").code, 0);
  EXPECT_EQ(found("c.db"), before);
}

}  // namespace
}  // namespace hwnas::testing
