// What ChildProcess does beyond what the process pool's tests show (tests/search).
#include "space/child_process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "tests/scratch_folder.h"

namespace hwnas {
namespace {

template <typename Condition>
bool soon(const Condition& condition) {
  for (int i = 0; i < 1000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

// Gone, or a zombie that somebody else is to reap.
bool gone(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(stat, text);
  return text.empty() || text.substr(text.rfind(')') + 2, 1) == "Z";
}

pid_t read_pid(const std::filesystem::path& file) {
  pid_t pid = 0;
  soon([&] { return bool(std::ifstream(file) >> pid); });
  return pid;
}

TEST(ChildProcess, RunsInItsFolder) {
  const ScratchFolder folder;
  ChildProcess child({"sh", "-c", "pwd > here; exit 3"}, {folder.path(), false});
  ASSERT_TRUE(soon([&] { return child.ended(); }));
  EXPECT_TRUE(std::filesystem::exists(folder / "here"));
  EXPECT_THROW(ChildProcess({"true"}, {folder / "no_such_folder", false}), std::runtime_error);
}

TEST(ChildProcess, ItsDescendantsDieWithIt) {
  const ScratchFolder folder;
  pid_t grandchild = 0;
  {
    ChildProcess child({"sh", "-c", "sleep 1000 & echo $! > pid; wait"}, {folder.path(), true});
    grandchild = read_pid(folder / "pid");
    ASSERT_GT(grandchild, 0);
    EXPECT_FALSE(gone(grandchild));
  }
  EXPECT_TRUE(soon([&] { return gone(grandchild); }));
}

TEST(ChildProcess, ItsDescendantsDieWhenItsParentIsKilled) {
  const ScratchFolder folder;
  const pid_t parent = fork();
  if (parent == 0) {
    const ChildProcess child({"sh", "-c", "sleep 1000 & echo $! > pid; wait"},
                             {folder.path(), true});
    pause();
    _exit(0);
  }
  const pid_t grandchild = read_pid(folder / "pid");
  ASSERT_GT(grandchild, 0);
  kill(parent, SIGKILL);
  waitpid(parent, nullptr, 0);
  EXPECT_TRUE(soon([&] { return gone(grandchild); }));
}

}  // namespace
}  // namespace hwnas
