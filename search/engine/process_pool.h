// ProcessPool: child processes that take one line of text and answer with lines of text.
//
// Knows nothing of what the lines say, nor where the children work: the command may be a launcher
// (srun, ssh, docker run -i) that starts the worker elsewhere and passes its input and output on.
// Children are started with fork and exec, in their own process group, end with their parent
// however that ends, and leave no zombie. One thread, poll(2). Not thread-safe.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

namespace hwnas {

struct ProcessPoolOptions {
  // Program (looked up in PATH) and arguments. "{worker}" in any of them stands for the child's
  // place, from 0.
  std::vector<std::string> command;
  int processes = 1;
  double time_limit_s = 0;     // for one task; 0: none. Past it the child is killed.
  double silence_limit_s = 0;  // of a child at work, whose every line is a sign of life; 0: none
  double start_limit_s = 60;   // from start to the first line (the greeting)
  // Of a task whose child died, hung or wrote rubbish. One that was asked to end (SIGTERM:
  // preempted, evicted) does not count.
  int retries = 0;
  // The command starts the child elsewhere: it is asked to end (SIGTERM) before it is killed, and
  // once a child has greeted, starts in vain are tried again, ever more slowly.
  bool launched = false;
  std::vector<std::string> gpus = {};  // child i sees gpus[i mod n]: CUDA_VISIBLE_DEVICES
  // Why a child with this greeting is not to be used; empty: it is.
  std::function<std::string(const std::string&)> refuse = {};
};

// What became of a task.
struct TaskResult {
  std::string line = {};     // the line that ended the task
  std::string failure = {};  // "killed by signal 11 (segmentation fault)", "exit code 3", "no
                             // answer within 60 s", ...
  bool interrupted = false;
  double seconds = 0;         // of the last try
  std::string greeting = {};  // of the child that had it last
};

enum class Heard { more, end, rubbish };  // what a line is: one of several, the last one, nonsense

struct TaskLine {
  std::size_t id = 0;
  std::string line;
};

// Where tasks come from and where their answers go. All calls on the thread that called run().
class TaskSource {
 public:
  virtual ~TaskSource() = default;
  // To be worked on next. Nothing: none before some other is done, or none at all.
  virtual std::optional<TaskLine> next() = 0;
  virtual Heard heard(std::size_t id, const std::string& line) = 0;
  virtual void done(std::size_t id, TaskResult result) = 0;
  // A child was lost, or did not start. `id` is its task, which is tried again.
  virtual void trouble(int /*worker*/, std::optional<std::size_t> /*id*/,
                       const std::string& /*what*/) {}
  virtual void look() {}  // about once a second
};

struct WorkerStatus {
  enum class Phase { absent, starting, idle, busy };
  int worker = 0;  // its place
  Phase phase = Phase::absent;
  int process = 0;                  // its number here (the launcher's); 0: none
  double seconds = 0;               // in this phase
  double silent_s = 0;              // since it was last heard
  std::optional<std::size_t> task;  // of a busy one
  std::size_t done = 0, lost = 0;   // tasks in this place
  std::string greeting, trouble;    // the last ones
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

  // Works on tasks until there are no more, starting children as needed. A child that dies, hangs
  // or writes rubbish or without end is replaced; its task is tried again, by another child where
  // there is one, `retries` times. On stop, tasks not begun are interrupted and those running are
  // finished; on `kill` they are killed and interrupted.
  void run(TaskSource& tasks, std::stop_token stop, std::stop_token kill);

  // The same for tasks that are known beforehand. Every line that a child writes is given to
  // on_line(i, line), which returns true when that line ends the task.
  using OnLine = std::function<bool(std::size_t, const std::string&)>;
  using OnDone = std::function<void(std::size_t, TaskResult)>;
  void run(std::span<const std::string> tasks, const OnLine& on_line, const OnDone& on_done,
           std::stop_token stop, std::stop_token kill);

  // From now on so many; may be called while run() is under way, by its source. Those too many
  // finish what they are at and leave.
  void set_processes(int processes);
  int processes() const;
  std::vector<WorkerStatus> workers() const;  // by place

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hwnas
