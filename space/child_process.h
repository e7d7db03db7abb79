// ChildProcess: one child program with pipes to its input, output and errors: what the pool of
// trainers and programs that cost candidates have in common. All descriptors are non-blocking and
// closed on exec. Not thread-safe. The child dies when the thread that started it ends, however
// that happens.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hwnas {

// "exit code 3", "killed by signal 11 (segmentation fault)"; `status` as of waitpid(2).
std::string describe_exit(int status);

struct ChildOptions {
  std::filesystem::path folder = {};  // that it runs in; empty: that of its parent
  // What it starts in turn (of its process group) is also killed when its parent is: a script's
  // programs. Costs one more small process.
  bool with_descendants = false;
  std::vector<std::string> environment = {};  // "NAME=value", beside and over that of the parent
  // Where its parent dies it is asked to end (SIGTERM), not killed: a launcher that has to take
  // leave of a process elsewhere.
  bool asked_to_end = false;
};

class ChildProcess {
 public:
  // Throws std::runtime_error where there is no such program, or no process or pipe to be had.
  explicit ChildProcess(const std::vector<std::string>& command, const ChildOptions& options = {});
  ~ChildProcess();  // kills the group and reaps
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t id() const { return pid_; }
  int input() const { return input_; }    // -1 once closed
  int output() const { return output_; }  // -1 once it is closed at the other end
  int errors() const { return errors_; }

  // Queues a line; it goes out as the child reads. flush() is false where the child has closed its
  // input.
  void send(std::string_view line);
  bool flush();
  bool wants_to_write() const { return sent_ < pending_.size(); }
  void close_input();

  // Reads what there is, at most `limit` bytes of output, so that no child starves the others.
  void read_output(std::size_t limit);
  void read_errors();
  std::optional<std::string> next_line();  // of the output
  std::size_t unfinished_bytes() const { return received_.size() - taken_; }

  // Whether it has ended (and is reaped then).
  bool ended();
  void kill();        // the whole group, and reaps
  void ask_to_end();  // SIGTERM to the group

  // After the end: whether somebody asked it to (SIGTERM), not its own doing.
  bool was_asked_to_end() const;
  // After the end: how it ended, with the last line of its errors.
  std::string epitaph() const;
  std::string last_words() const;  // the last line of its errors that is not empty

 private:
  void start_guard();

  pid_t pid_ = -1;
  pid_t guard_ = -1;
  int guard_input_ = -1;  // closes with this process, however it ends
  int input_ = -1, output_ = -1, errors_ = -1;
  std::string pending_;  // to be written
  std::size_t sent_ = 0;
  std::string received_;  // read, from `taken_` on not handed out
  std::size_t taken_ = 0, scanned_ = 0;
  std::string error_tail_;
  std::optional<int> status_;
};

}  // namespace hwnas
