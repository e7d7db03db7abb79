#include "search/engine/process_pool.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hwnas {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

const std::string kWorker = std::string(HWNAS_BIN_DIR) + "/fake_worker";

std::vector<TaskResult> run_all(ProcessPool& pool, const std::vector<std::string>& tasks,
                                std::stop_token stop = {}, std::stop_token kill = {}) {
  std::vector<TaskResult> results(tasks.size());
  std::vector<int> calls(tasks.size(), 0);
  pool.run(
      tasks, [](std::size_t, const std::string& line) { return line.rfind("done", 0) == 0; },
      [&](std::size_t i, TaskResult result) {
        results[i] = std::move(result);
        ++calls[i];
      },
      stop, kill);
  EXPECT_THAT(calls, testing::Each(1));
  return results;
}

TaskResult run_one(ProcessPool& pool, const std::string& task) {
  return run_all(pool, {task})[0];
}

// Whether the process runs (a zombie does not).
bool runs(int pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(stat)), {});
  if (text.empty()) return false;
  const char state = text[text.rfind(')') + 2];
  return state != 'Z' && state != 'X';
}

bool ends_within(int pid, double seconds) {
  for (int i = 0; i < seconds * 100; ++i) {
    if (!runs(pid)) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

bool has_children() {
  return waitpid(-1, nullptr, WNOHANG) >= 0;
}

TEST(ProcessPool, AnswersEveryTaskAndShowsEveryLine) {
  ProcessPool pool({.command = {kWorker}, .processes = 3});
  EXPECT_EQ(pool.greeting(), "hello 1");
  std::vector<std::string> tasks;
  for (int i = 0; i < 50; ++i) tasks.push_back("echo " + std::to_string(i));
  int progress = 0;
  std::vector<std::string> lines(tasks.size());
  pool.run(
      tasks,
      [&](std::size_t, const std::string& line) {
        progress += line == "progress";
        return line.rfind("done", 0) == 0;
      },
      [&](std::size_t i, TaskResult result) { lines[i] = result.line; }, {}, {});
  EXPECT_EQ(progress, 50);
  for (int i = 0; i < 50; ++i)
    EXPECT_EQ(lines[static_cast<std::size_t>(i)], "done " + std::to_string(i));
}

TEST(ProcessPool, WorksOnAsManyTasksAtOnceAsItHasProcesses) {
  ProcessPool pool({.command = {kWorker}, .processes = 4});
  run_all(pool, {"pid", "pid", "pid", "pid"});
  const auto start = std::chrono::steady_clock::now();
  run_all(pool, {"slow 400", "slow 400", "slow 400", "slow 400"});
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(1200));
}

TEST(ProcessPool, LongLinesPassBothWays) {
  ProcessPool pool({.command = {kWorker}});
  EXPECT_EQ(run_one(pool, "length " + std::string(3'000'000, 'x')).line, "done 3000000");
  EXPECT_EQ(run_one(pool, "echo " + std::string(3'000'000, 'y')).line.size(), 3'000'005u);
}

TEST(ProcessPool, ADeathCostsItsTaskAndIsPutInWords) {
  ProcessPool pool({.command = {kWorker}});
  EXPECT_EQ(run_one(pool, "segfault").failure, "killed by signal 11 (segmentation fault)");
  EXPECT_EQ(run_one(pool, "exit 3").failure, "exit code 3: out of paper");
  EXPECT_EQ(run_one(pool, "exit 0").failure, "exit code 0: out of paper");
  EXPECT_EQ(run_one(pool, "abort").failure, "killed by signal 6 (aborted)");
  EXPECT_EQ(run_one(pool, "spin").failure, "killed by signal 9 (killed; out of memory?)");
  EXPECT_THAT(run_one(pool, "eat").failure,
              AllOf(StartsWith("killed by signal 6 (aborted): "), HasSubstr("bad_alloc")));
  EXPECT_EQ(run_one(pool, "echo still here").line, "done still here");
}

TEST(ProcessPool, OthersGoOnWhileOneDies) {
  ProcessPool pool({.command = {kWorker}, .processes = 2});
  const auto results = run_all(pool, {"segfault", "echo a", "exit 1", "echo b", "abort", "echo c"});
  EXPECT_EQ(results[1].line, "done a");
  EXPECT_EQ(results[3].line, "done b");
  EXPECT_EQ(results[5].line, "done c");
  for (const int i : {0, 2, 4}) EXPECT_FALSE(results[static_cast<std::size_t>(i)].failure.empty());
}

TEST(ProcessPool, AHangEndsAtTheTimeLimit) {
  ProcessPool pool({.command = {kWorker}, .time_limit_s = 0.3});
  const TaskResult result = run_one(pool, "hang");
  EXPECT_EQ(result.failure, "no answer within 0.3 s");
  EXPECT_GE(result.seconds, 0.3);
  EXPECT_LT(result.seconds, 3);
  EXPECT_EQ(run_one(pool, "echo next").line, "done next");
}

TEST(ProcessPool, EndlessOutputIsBounded) {
  ProcessPool pool({.command = {kWorker}});
  EXPECT_EQ(run_one(pool, "endless").failure, "wrote a line without end (more than 16 MiB)");
  EXPECT_EQ(run_one(pool, "chatter").failure, "wrote without end (more than 64 MiB for one task)");
  EXPECT_EQ(run_one(pool, "echo next").line, "done next");
}

TEST(ProcessPool, AChildWithoutAVoiceIsReplaced) {
  ProcessPool pool({.command = {kWorker}});
  EXPECT_EQ(run_one(pool, "mute").failure, "closed its output");
  EXPECT_EQ(run_one(pool, "orphan").failure, "exit code 4");
  EXPECT_EQ(run_one(pool, "echo next").line, "done next");
}

TEST(ProcessPool, ErrorsOfAnyLengthBlockNobody) {
  ProcessPool pool({.command = {kWorker}});
  EXPECT_EQ(run_one(pool, "complain").line, "done complaining");
}

TEST(ProcessPool, AnIdleDeathCostsNothing) {
  ProcessPool pool({.command = {kWorker}});
  EXPECT_EQ(run_one(pool, "last").line, "done last");
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(run_one(pool, "echo next").line, "done next");
}

TEST(ProcessPool, ChildrenThatDoNotStartAreAnError) {
  const auto message = [](std::vector<std::string> command, double start_limit_s) -> std::string {
    ProcessPool pool({.command = std::move(command), .start_limit_s = start_limit_s});
    try {
      run_one(pool, "echo");
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(message({"/no/such/program"}, 10),
            "cannot start '/no/such/program': No such file or directory");
  EXPECT_EQ(message({kWorker, "die_at_once"}, 10),
            "'" + kWorker + "' does not start: exit code 5: no licence");
  EXPECT_EQ(message({kWorker, "never_greet"}, 0.1),
            "'" + kWorker + "' does not start: no greeting within 0.1 s");
  EXPECT_EQ(message({}, 10), "no program given");
  EXPECT_FALSE(has_children());
}

TEST(ProcessPool, OneFailedStartIsForgiven) {
  const std::string file = testing::TempDir() + "hwnas_fail_first_" + std::to_string(getpid());
  ProcessPool pool({.command = {kWorker, "fail_first", file}});
  EXPECT_EQ(pool.greeting(), "hello 1");
  std::filesystem::remove(file);
}

TEST(ProcessPool, StopFinishesWhatRunsAndInterruptsTheRest) {
  ProcessPool pool({.command = {kWorker}});
  std::stop_source stop;
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    stop.request_stop();
  });
  const auto results = run_all(pool, {"slow 700", "echo", "echo"}, stop.get_token());
  later.join();
  EXPECT_EQ(results[0].line, "done slow");
  EXPECT_TRUE(results[1].interrupted);
  EXPECT_TRUE(results[2].interrupted);
}

TEST(ProcessPool, KillInterruptsWhatRuns) {
  ProcessPool pool({.command = {kWorker}});
  std::stop_source kill;
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    kill.request_stop();
  });
  const auto results = run_all(pool, {"hang", "echo"}, {}, kill.get_token());
  later.join();
  EXPECT_TRUE(results[0].interrupted);
  EXPECT_TRUE(results[1].interrupted);
  EXPECT_EQ(run_one(pool, "echo next").line, "done next");
}

TEST(ProcessPool, ACallbackThatThrowsLeavesAWorkingPool) {
  ProcessPool pool({.command = {kWorker}});
  const std::vector<std::string> tasks{"echo a"};
  EXPECT_THROW(
      pool.run(
          tasks, [](std::size_t, const std::string&) -> bool { throw std::logic_error("no"); },
          [](std::size_t, TaskResult) {}, {}, {}),
      std::logic_error);
  EXPECT_EQ(run_one(pool, "echo b").line, "done b");
}

TEST(ProcessPool, LeavesNoChildBehind) {
  int polite = 0, stubborn = 0;
  {
    ProcessPool pool({.command = {kWorker}});
    polite = std::stoi(run_one(pool, "pid").line.substr(5));
    ProcessPool deaf({.command = {kWorker, "ignore_eof"}});
    stubborn = std::stoi(run_one(deaf, "pid").line.substr(5));
    EXPECT_TRUE(runs(polite) && runs(stubborn));
    EXPECT_EQ(getpgid(polite), polite) << "Ctrl-C of the terminal would reach it";
  }
  EXPECT_FALSE(runs(polite));
  EXPECT_FALSE(runs(stubborn));
  EXPECT_FALSE(has_children()) << "a zombie is left";
}

TEST(ProcessPool, ChildrenDieWithAKilledParent) {
  int out[2];
  ASSERT_EQ(pipe(out), 0);
  const pid_t driver = fork();
  if (driver == 0) {
    dup2(out[1], STDOUT_FILENO);
    const std::string program = std::string(HWNAS_BIN_DIR) + "/pool_driver";
    execl(program.c_str(), program.c_str(), kWorker.c_str(), nullptr);
    _exit(127);
  }
  close(out[1]);
  FILE* lines = fdopen(out[0], "r");
  std::vector<int> pids;
  char text[64];
  while (pids.size() < 4 && std::fgets(text, sizeof text, lines)) {
    if (std::isdigit(text[0]))
      pids.push_back(std::atoi(text));
    else
      pids.push_back(driver);
  }
  ASSERT_EQ(pids.size(), 4u);
  kill(driver, SIGKILL);
  waitpid(driver, nullptr, 0);
  for (const int pid : pids) EXPECT_TRUE(ends_within(pid, 5)) << pid;
  std::fclose(lines);
}

}  // namespace
}  // namespace hwnas
