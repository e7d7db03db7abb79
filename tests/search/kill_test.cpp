// A run killed at any instant and resumed ends with the same rows as one never killed.
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "space/input_error.h"
#include "tests/search/run_support.h"

namespace hwnas {
namespace {

using testing::HasSubstr;

constexpr int kTrials = 60, kMostMs = 6;

pid_t start_run(const std::filesystem::path& study, const char* how = nullptr) {
  const std::string program = std::string(HWNAS_BIN_DIR) + "/run_driver";
  const std::string trials = std::to_string(kTrials), ms = std::to_string(kMostMs);
  const pid_t pid = fork();
  if (pid == 0) {
    execl(program.c_str(), program.c_str(), study.c_str(), trials.c_str(), "2", ms.c_str(), how,
          nullptr);
    _exit(127);
  }
  return pid;
}

std::string integrity(const std::filesystem::path& path) {
  sqlite3* db = nullptr;
  sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READWRITE, nullptr);
  std::string answer = "no answer";
  const auto take = [](void* text, int, char** values, char**) {
    *static_cast<std::string*>(text) = values[0];
    return 0;
  };
  sqlite3_exec(db, "PRAGMA integrity_check", take, &answer, nullptr);
  sqlite3_close(db);
  return answer;
}

// Kills runs until there were enough of them; `check` looks at each that came to its end.
void kill_often(const toy::Folder& folder, const char* how,
                const std::function<void(const std::filesystem::path&)>& check) {
  // The instants need not be the same each time: whatever they are, the end must be.
  std::mt19937 random(std::random_device{}());
  int kills = 0, kills_within = 0;
  for (int study = 0; kills < 24; ++study) {
    const auto path = folder / (std::to_string(study) + ".db");
    for (bool finished = false; !finished;) {
      const pid_t pid = start_run(path, how);
      usleep(random() % 120'000);
      ::kill(pid, SIGKILL);
      int status = 0;
      waitpid(pid, &status, 0);
      finished = WIFEXITED(status);
      if (finished) {
        EXPECT_EQ(WEXITSTATUS(status), 0);
      }
      kills += !finished;
      kills_within += !finished && std::filesystem::exists(path);
      if (!finished && std::filesystem::exists(path)) {
        EXPECT_EQ(integrity(path), "ok");
      }
    }
    check(path);
    EXPECT_EQ(integrity(path), "ok");
  }
  EXPECT_GE(kills_within, 15);
}

std::function<void(const std::filesystem::path&)> equals(const std::filesystem::path& whole) {
  return [whole = toy::dump(whole)](const auto& path) { EXPECT_EQ(toy::dump(path), whole); };
}

TEST(Kill, KilledAtAnyInstantAndResumedEqualsUninterrupted) {
  toy::Folder folder;
  toy::search(folder / "whole.db", kTrials, 2, 1);
  kill_often(folder, nullptr, equals(folder / "whole.db"));
}

TEST(Kill, AlsoInTheMiddleOfARung) {
  toy::Folder folder;
  toy::Bracket{.most_ms = 1}.run(folder / "whole.db", kTrials);
  kill_often(folder, "rungs", equals(folder / "whole.db"));
}

// Time decided what was proposed, so there is nothing to compare with but the study itself: led
// through it again, the searcher must ask for the same.
TEST(Kill, AlsoAsynchronously) {
  toy::Folder folder;
  kill_often(folder, "flowing", [](const std::filesystem::path& path) {
    const std::string before = toy::dump(path);
    std::int64_t complete = 0;
    for (const Trial& trial : Study::open_readonly(path).trials())
      complete += trial.state == TrialState::complete;
    EXPECT_EQ(complete, kTrials);
    toy::Flowing again;
    EXPECT_EQ(again.run(path, kTrials), Stopped::budget);
    EXPECT_EQ(again.trained, 0);
    EXPECT_EQ(toy::dump(path), before);
  });
}

TEST(Kill, ASecondRunIsToldAndChangesNothing) {
  toy::Folder folder;
  const RunSettings settings = toy::settings(5);
  toy::search(folder / "s.db", 5, 1, 1);
  const Study held = Study::create_or_resume(folder / "s.db", toy::info(settings), toy::devices());
  const std::string before = held.dump();
  const std::string program = std::string(HWNAS_BIN_DIR) + "/run_driver";
  const std::string command = program + " " + (folder / "s.db").string() + " 50 1 1 2>&1";
  FILE* second = popen(command.c_str(), "r");
  std::string said;
  char buffer[512];
  while (std::fgets(buffer, sizeof buffer, second)) said += buffer;
  EXPECT_EQ(WEXITSTATUS(pclose(second)), 2);
  EXPECT_THAT(said, HasSubstr("s.db: is being written by another run (process " +
                              std::to_string(getpid()) + " on "));
  EXPECT_EQ(held.dump(), before);
}

TEST(Kill, ReadersSeeTheRunWhileItWrites) {
  toy::Folder folder;
  const auto path = folder / "s.db";
  const pid_t pid = start_run(path);
  std::int64_t seen = 0;
  int looks = 0, status = 0;
  while (waitpid(pid, &status, WNOHANG) == 0) {
    if (!std::filesystem::exists(path)) continue;
    try {
      const Study study = Study::open_readonly(path);
      const std::int64_t count = static_cast<std::int64_t>(study.trials().size());
      EXPECT_GE(count, seen);
      EXPECT_LE(study.front().size(), study.trials().size());
      seen = count;
      ++looks;
    } catch (const InputError& error) {  // only before the schema is there
      EXPECT_EQ(seen, 0) << error.what();
    }
  }
  EXPECT_EQ(status, 0) << "the run was disturbed";
  EXPECT_GT(looks, 10);
  EXPECT_GT(seen, 10);
}

}  // namespace
}  // namespace hwnas
