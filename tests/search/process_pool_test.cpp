#include "search/engine/process_pool.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <stdexcept>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/scratch_folder.h"

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

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
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

// What says its piece and leaves is a program of another kind; it is found out soon, one way or the
// other.
TEST(ProcessPool, AChildThatGreetsAndLeavesDoesNotGoOnForever) {
  ProcessPool pool({.command = {"echo", "hello"}});
  try {
    EXPECT_EQ(pool.greeting(), "hello");
    EXPECT_THAT(run_one(pool, "echo").failure, StartsWith("exit code 0"));
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(std::string(error.what()), "'echo' does not start: exit code 0");
  }
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

// The pids of a killed pool's workers, and its own.
void expect_ends_with_parent(std::vector<std::string> workers) {
  int out[2];
  ASSERT_EQ(pipe(out), 0);
  const pid_t driver = fork();
  if (driver == 0) {
    dup2(out[1], STDOUT_FILENO);
    workers.insert(workers.begin(), std::string(HWNAS_BIN_DIR) + "/pool_driver");
    std::vector<char*> words;
    for (std::string& word : workers) words.push_back(word.data());
    words.push_back(nullptr);
    execv(words[0], words.data());
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

TEST(ProcessPool, ChildrenDieWithAKilledParent) {
  expect_ends_with_parent({kWorker});
}

// A launcher as srun is one: the worker is another process, whose input and output it passes on,
// and which it ends when it is asked to end itself.
std::vector<std::string> launched(std::vector<std::string> command) {
  std::vector<std::string> words{
      "sh", "-c", "exec 3<&0; \"$@\" <&3 & worker=$!; trap 'kill $worker' TERM; wait; wait $worker",
      "sh"};
  words.insert(words.end(), command.begin(), command.end());
  return words;
}

TEST(ProcessPool, ALauncherStartsThemElsewhere) {
  int worker = 0;
  {
    ProcessPool pool({.command = launched({kWorker}), .processes = 2, .launched = true});
    EXPECT_EQ(run_one(pool, "echo there").line, "done there");
    worker = std::stoi(run_one(pool, "pid").line.substr(5));
    EXPECT_TRUE(runs(worker));
    const std::vector<WorkerStatus> workers = pool.workers();
    ASSERT_EQ(workers.size(), 2u);
    EXPECT_NE(workers[0].process, worker);
    EXPECT_EQ(workers[0].done, 2u);
    EXPECT_EQ(run_one(pool, "exit 3").failure, "exit code 3: out of paper");
  }
  EXPECT_TRUE(ends_within(worker, 1));
  EXPECT_FALSE(has_children());
}

TEST(ProcessPool, LaunchedOnesEndWithAKilledParent) {
  expect_ends_with_parent(launched({kWorker}));
}

TEST(ProcessPool, ALaunchedHangIsAskedToEnd) {
  ScratchFolder folder;
  ProcessPool pool({.command = launched({kWorker}), .silence_limit_s = 0.3, .launched = true});
  const int worker = std::stoi(run_one(pool, "pid").line.substr(5));
  EXPECT_EQ(run_one(pool, "hang").failure, "not heard for 0.3 s");
  EXPECT_EQ(run_one(pool, "echo next").line, "done next");
  EXPECT_TRUE(ends_within(worker, 5)) << "the launcher was killed before it could end the worker";
}

// Of tasks "first FILE ...": what was said of troubles, and who answered.
struct Troubles : TaskSource {
  std::vector<std::string> lines;
  std::vector<TaskResult> results = {};
  std::vector<std::string> troubles = {};
  std::function<void()> looked = {};
  std::size_t given = 0;

  std::optional<TaskLine> next() override {
    if (given == lines.size()) return std::nullopt;
    results.resize(lines.size());
    return TaskLine{given, lines[given++]};
  }
  Heard heard(std::size_t, const std::string& line) override {
    if (line.rfind("done", 0) == 0) return Heard::end;
    return line == "progress" ? Heard::more : Heard::rubbish;
  }
  void done(std::size_t id, TaskResult result) override { results[id] = std::move(result); }
  void trouble(int worker, std::optional<std::size_t> id, const std::string& what) override {
    troubles.push_back(std::to_string(worker) + (id ? ":" + std::to_string(*id) : "") + " " + what);
  }
  void look() override {
    if (looked) looked();
  }
};

TEST(ProcessPool, ALostTaskIsTriedAgainElsewhere) {
  const std::pair<std::string, std::string> ways[] = {
      {"exit 3", "exit code 3: out of paper"},
      {"segfault", "killed by signal 11 (segmentation fault)"},
      {"hang", "not heard for 0.5 s"},
      {"babble", "answered what makes no sense: !@#$"},
      {"mute", "closed its output"}};
  for (const auto& [what, trouble] : ways) {
    ScratchFolder folder;
    const std::string task = "first " + (folder / "tried").string() + " " + what;
    ProcessPool pool({.command = {kWorker, "at", "{worker}"},
                      .processes = 2,
                      .silence_limit_s = what == "hang" ? 0.5 : 5,
                      .retries = 1});
    Troubles source;
    source.lines = {task, "alive 100", "alive 100"};
    pool.run(source, {}, {});
    const std::string first = text_of(folder / "tried");
    EXPECT_THAT(source.troubles, testing::ElementsAre(StartsWith(first + ":0 " + trouble))) << what;
    EXPECT_EQ(source.results[0].line, first == "0" ? "done by 1" : "done by 0") << what;
    EXPECT_EQ(source.results[0].failure, "");
    EXPECT_EQ(pool.workers()[first == "0" ? 0 : 1].lost, 1u);
    EXPECT_THAT(pool.workers()[first == "0" ? 0 : 1].trouble, StartsWith(trouble));
  }
}

TEST(ProcessPool, RetriesAreBounded) {
  ProcessPool pool({.command = {kWorker}, .processes = 2, .retries = 2});
  Troubles source;
  source.lines = {"exit 3", "echo well"};
  pool.run(source, {}, {});
  EXPECT_EQ(source.troubles.size(), 2u);
  EXPECT_EQ(source.results[0].failure, "exit code 3: out of paper (tried 3 times)");
  EXPECT_EQ(source.results[1].line, "done well");
}

// A cluster that sends workers away says nothing against what they were at.
TEST(ProcessPool, BeingSentAwayIsNoTry) {
  ScratchFolder folder;
  ProcessPool pool({.command = {kWorker, "at", "{worker}"}, .retries = 0});
  Troubles source;
  source.lines = {"first " + (folder / "tried").string() + " terminate"};
  pool.run(source, {}, {});
  EXPECT_THAT(source.troubles, testing::ElementsAre("0:0 killed by signal 15 (terminated)"));
  EXPECT_EQ(source.results[0].line, "done by 0");
  source.lines.push_back("exit 143");
  pool.run(source, {}, {});
  EXPECT_EQ(source.results[1].failure, "exit code 143: out of paper") << "for ever";
}

TEST(ProcessPool, SignsOfLifeHoldOffTheSilenceLimit) {
  ProcessPool pool({.command = {kWorker}, .silence_limit_s = 0.4});
  EXPECT_EQ(run_one(pool, "alive 1200").line, "done alive");
}

TEST(ProcessPool, EachPlaceHasItsGpu) {
  ProcessPool pool({.command = {kWorker}, .processes = 3, .gpus = {"4", "GPU-5"}});
  // Whoever is at a slow task does not answer: each of the three gets one.
  std::multiset<std::string> seen;
  const auto gpus = run_all(pool, {"slow_gpu", "slow_gpu", "slow_gpu"});
  for (const TaskResult& result : gpus) seen.insert(result.line);
  EXPECT_THAT(seen, testing::UnorderedElementsAre("done 4", "done 4", "done GPU-5"));
}

TEST(ProcessPool, AGreetingMayBeRefused) {
  ProcessPool pool({.command = {kWorker},
                    .refuse = [](const std::string& line) { return "too polite: " + line; }});
  try {
    pool.greeting();
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(std::string(error.what()), "'" + kWorker + "' does not start: too polite: hello 1");
  }
}

// No descriptors for a second child: the first does the work, and the trouble is told, not repeated
// with every tick.
TEST(ProcessPool, ThoseThatCannotStartAreNotTriedAllTheTime) {
  ProcessPool pool({.command = {kWorker}, .processes = 2});
  EXPECT_EQ(pool.greeting(), "hello 1");
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const rlimit few{static_cast<rlim_t>(open("/dev/null", O_RDONLY)) + 2, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  Troubles source;
  source.lines = {"slow 300", "slow 300", "slow 300"};
  pool.run(source, {}, {});
  setrlimit(RLIMIT_NOFILE, &before);
  close(static_cast<int>(few.rlim_cur) - 2);
  for (const TaskResult& result : source.results) EXPECT_EQ(result.line, "done slow");
  EXPECT_THAT(source.troubles, testing::Each("1 cannot make a pipe: Too many open files"));
  EXPECT_GE(source.troubles.size(), 1u);
  EXPECT_LE(source.troubles.size(), 3u);
}

TEST(ProcessPool, WorkersJoinAndLeave) {
  ProcessPool pool({.command = {kWorker}, .processes = 1});
  Troubles source;
  for (int i = 0; i < 80; ++i) source.lines.push_back("slow 200");
  std::size_t most = 0;
  int looks = 0;
  source.looked = [&] {
    most = std::max(most, pool.workers().size());
    if (++looks == 1) pool.set_processes(6);
    if (looks == 3) pool.set_processes(2);
  };
  pool.run(source, {}, {});
  EXPECT_EQ(most, 6u);
  EXPECT_EQ(pool.workers().size(), 2u);
  EXPECT_TRUE(source.troubles.empty());
  for (const TaskResult& result : source.results) EXPECT_EQ(result.line, "done slow");
}

// Once the cluster has worked, a launch that fails is no reason to give up: others work on.
TEST(ProcessPool, OthersGoOnWhereALaunchFails) {
  ScratchFolder folder;
  ProcessPool pool({.command = launched({kWorker, "once_well", (folder / "started").string()}),
                    .processes = 2,
                    .launched = true});
  Troubles source;
  for (int i = 0; i < 6; ++i) source.lines.push_back("slow 100");
  pool.run(source, {}, {});
  EXPECT_THAT(source.troubles, testing::Each(HasSubstr("exit code 7")));
  EXPECT_FALSE(source.troubles.empty());
  for (const TaskResult& result : source.results) EXPECT_EQ(result.line, "done slow");
}

}  // namespace
}  // namespace hwnas
