// ProcessPool: child processes that take one line of text and answer with lines of text.
//
// Knows nothing of what the lines say. Children are started with fork and exec, in their own
// process group, die with their parent however that ends, and leave no zombie. One thread, poll(2).
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

namespace hwnas {

struct ProcessPoolOptions {
  std::vector<std::string> command;  // program (looked up in PATH) and arguments
  int processes = 1;
  double time_limit_s = 0;    // for one task; 0: none. Past it the child is killed.
  double start_limit_s = 60;  // from start to the first line (the greeting)
};

// What became of a task.
struct TaskResult {
  std::string line = {};     // the line that ended the task
  std::string failure = {};  // "killed by signal 11 (segmentation fault)", "exit code 3", "no
                             // answer within 60 s", ...
  bool interrupted = false;
  double seconds = 0;
};

class ProcessPool {
 public:
  explicit ProcessPool(ProcessPoolOptions options);
  ~ProcessPool();  // closes their input, waits briefly, kills what is left
  ProcessPool(const ProcessPool&) = delete;
  ProcessPool& operator=(const ProcessPool&) = delete;

  // Starts one child where none runs and returns its greeting (its first line).
  // Throws std::runtime_error with its last words where it does not start or does not greet.
  std::string greeting();

  // Sends tasks[i] to the next idle child, starting children as needed. Every line that a child
  // writes is given to on_line(i, line), which returns true when that line ends the task.
  // A child that dies, hangs or writes without end costs its task and is replaced.
  // On stop, tasks not begun are interrupted and those running are finished; on a second stop
  // (`kill`), they are killed and interrupted.
  using OnLine = std::function<bool(std::size_t, const std::string&)>;
  using OnDone = std::function<void(std::size_t, TaskResult)>;
  void run(std::span<const std::string> tasks, const OnLine& on_line, const OnDone& on_done,
           std::stop_token stop, std::stop_token kill);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hwnas
