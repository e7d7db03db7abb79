#include "search/engine/process_pool.h"

#include <poll.h>

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cmath>
#include <deque>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>

#include "space/child_process.h"

namespace hwnas {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kLongestLine = std::size_t{16} << 20;    // bytes; a longer one has no end
constexpr std::size_t kLongestAnswer = std::size_t{64} << 20;  // bytes of all lines of one task
constexpr std::size_t kReadAtOnce = std::size_t{1} << 20;
constexpr int kStartsInVain = 3;  // in a row, before the pool gives up
constexpr int kTickMs = 50;       // how soon a stop, or a death that closes nothing, is noticed
constexpr std::chrono::milliseconds kGrace{2000};  // for leaving once the input is closed

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::string in_seconds(double seconds) {
  std::string text = std::to_string(seconds);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text + " s";
}

enum class Phase { starting, idle, busy };

struct Worker {
  ChildProcess process;
  Phase phase = Phase::starting;
  Clock::time_point since = Clock::now();         // of the phase
  std::optional<Clock::time_point> silent_since;  // its output is closed
  std::size_t task = 0;
  std::size_t answered = 0;  // bytes
  std::string trouble;       // why it is to be killed

  explicit Worker(const std::vector<std::string>& command) : process(command) {}
};

}  // namespace

struct ProcessPool::Impl {
  ProcessPoolOptions options;
  std::deque<std::unique_ptr<Worker>> workers;
  std::string greeting;
  int starts_in_vain = 0;

  // Of the run() under way.
  struct Round {
    std::span<const std::string> tasks;
    const OnLine* on_line = nullptr;
    const OnDone* on_done = nullptr;
    std::size_t next = 0;  // task to be given out
    std::size_t open = 0;  // tasks given out
  };

  void start_workers(std::size_t wanted);
  void hand_out(Round& round);
  void wait_for_something();
  void attend(Worker& worker, Round& round);
  void take_lines(Worker& worker, Round& round);
  void check_limits(Worker& worker);
  void end_task(Worker& worker, Round& round, TaskResult result);
  void bury(Worker& worker, Round& round);
  void interrupt(Round& round, bool also_running);
  void drop_buried();
  void tick(Round& round);
};

void ProcessPool::Impl::drop_buried() {
  std::erase_if(workers, [](const auto& worker) { return !worker->trouble.empty(); });
}

void ProcessPool::Impl::start_workers(std::size_t wanted) {
  drop_buried();
  const auto most = static_cast<std::size_t>(std::max(1, options.processes));
  while (workers.size() < std::min(wanted, most)) {
    workers.push_back(std::make_unique<Worker>(options.command));
  }
}

void ProcessPool::Impl::hand_out(Round& round) {
  for (const auto& worker : workers) {
    if (worker->phase != Phase::idle || round.next == round.tasks.size()) continue;
    // One that died while it had nothing to do costs no task.
    if (worker->process.output() < 0 || worker->process.ended()) continue;
    worker->phase = Phase::busy;
    worker->since = Clock::now();
    worker->task = round.next++;
    worker->answered = 0;
    ++round.open;
    worker->process.send(round.tasks[worker->task]);
    worker->process.flush();
  }
}

void ProcessPool::Impl::wait_for_something() {
  std::vector<pollfd> waits;
  for (const auto& worker : workers) {
    const ChildProcess& process = worker->process;
    if (process.output() >= 0) waits.push_back({process.output(), POLLIN, 0});
    if (process.errors() >= 0) waits.push_back({process.errors(), POLLIN, 0});
    if (process.input() >= 0 && process.wants_to_write()) {
      waits.push_back({process.input(), POLLOUT, 0});
    }
  }
  poll(waits.data(), waits.size(), kTickMs);  // EINTR is as good as a tick
}

void ProcessPool::Impl::take_lines(Worker& worker, Round& round) {
  while (const std::optional<std::string> line = worker.process.next_line()) {
    if (worker.phase == Phase::starting) {
      greeting = *line;
      starts_in_vain = 0;
      worker.phase = Phase::idle;
    } else if (worker.phase == Phase::busy) {
      worker.answered += line->size() + 1;
      if ((*round.on_line)(worker.task, *line)) {
        end_task(worker, round, {.line = *line});
      } else if (worker.answered > kLongestAnswer) {
        worker.trouble = "wrote without end (more than 64 MiB for one task)";
        return;
      }
    }
  }
  if (worker.process.unfinished_bytes() > kLongestLine) {
    worker.trouble = "wrote a line without end (more than 16 MiB)";
  }
}

void ProcessPool::Impl::check_limits(Worker& worker) {
  const double limit = worker.phase == Phase::starting ? options.start_limit_s
                       : worker.phase == Phase::busy   ? options.time_limit_s
                                                       : 0;
  if (limit > 0 && seconds_since(worker.since) > limit) {
    worker.trouble = worker.phase == Phase::starting ? "no greeting within " : "no answer within ";
    worker.trouble += in_seconds(limit);
  }
  if (worker.process.output() >= 0) return;
  // Usually the end is next; one that lives on without a voice is of no use.
  if (!worker.silent_since) worker.silent_since = Clock::now();
  if (Clock::now() - *worker.silent_since > kGrace) worker.trouble = "closed its output";
}

void ProcessPool::Impl::attend(Worker& worker, Round& round) {
  worker.process.flush();
  const bool ended = worker.process.ended();  // asked first: what it wrote before is then all there
  worker.process.read_output(ended ? kLongestLine : kReadAtOnce);
  worker.process.read_errors();
  take_lines(worker, round);
  if (!ended && worker.trouble.empty()) check_limits(worker);
  if (ended || !worker.trouble.empty()) bury(worker, round);
}

void ProcessPool::Impl::end_task(Worker& worker, Round& round, TaskResult result) {
  assert(worker.phase == Phase::busy);
  result.seconds = seconds_since(worker.since);
  worker.phase = Phase::idle;
  worker.since = Clock::now();
  --round.open;
  (*round.on_done)(worker.task, std::move(result));
}

// Kills what is left of the worker, and ends what it was at; drop_buried() removes it.
void ProcessPool::Impl::bury(Worker& worker, Round& round) {
  worker.process.kill();
  worker.process.read_errors();
  std::string reason = worker.trouble.empty() ? worker.process.epitaph() : worker.trouble;
  if (const std::string words = worker.process.last_words();
      !worker.trouble.empty() && !words.empty()) {
    reason += ": " + words;
  }
  worker.trouble = reason;
  if (worker.phase == Phase::busy) {
    end_task(worker, round, {.failure = reason});
  } else if (worker.phase == Phase::starting && ++starts_in_vain >= kStartsInVain) {
    throw std::runtime_error("'" + options.command.front() + "' does not start: " + reason);
  }
}

void ProcessPool::Impl::interrupt(Round& round, bool also_running) {
  while (round.next < round.tasks.size()) (*round.on_done)(round.next++, {.interrupted = true});
  if (!also_running) return;
  for (const auto& worker : workers) {
    if (worker->phase != Phase::busy) continue;
    worker->process.kill();
    worker->trouble = "interrupted";
    end_task(*worker, round, {.interrupted = true});
  }
}

void ProcessPool::Impl::tick(Round& round) {
  wait_for_something();
  for (const auto& worker : workers) attend(*worker, round);
  drop_buried();
}

ProcessPool::ProcessPool(ProcessPoolOptions options) : impl_(std::make_unique<Impl>()) {
  impl_->options = std::move(options);
}

ProcessPool::~ProcessPool() {
  for (const auto& worker : impl_->workers) {
    if (worker->phase == Phase::idle)
      worker->process.close_input();
    else
      worker->process.kill();
  }
  const auto deadline = Clock::now() + kGrace;
  const auto alive = [](const auto& worker) { return !worker->process.ended(); };
  while (std::any_of(impl_->workers.begin(), impl_->workers.end(), alive) &&
         Clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    for (const auto& worker : impl_->workers) {  // it may have more to say before it can leave
      worker->process.read_output(kReadAtOnce);
      worker->process.read_errors();
    }
  }
}

std::string ProcessPool::greeting() {
  Impl::Round nothing;
  impl_->start_workers(1);
  const auto greeted = [](const auto& worker) { return worker->phase != Phase::starting; };
  while (std::none_of(impl_->workers.begin(), impl_->workers.end(), greeted)) {
    impl_->tick(nothing);
    impl_->start_workers(1);
  }
  return impl_->greeting;
}

void ProcessPool::run(std::span<const std::string> tasks, const OnLine& on_line,
                      const OnDone& on_done, std::stop_token stop, std::stop_token kill) {
  Impl::Round round{tasks, &on_line, &on_done};
  try {
    while (round.next < tasks.size() || round.open > 0) {
      if (stop.stop_requested() || kill.stop_requested()) {
        impl_->interrupt(round, kill.stop_requested());
        if (round.open == 0) break;
      }
      if (round.next < tasks.size()) impl_->start_workers(round.open + tasks.size() - round.next);
      impl_->hand_out(round);
      impl_->tick(round);
    }
  } catch (...) {  // of a callback, or no child starts: answers that still come are nobody's
    std::erase_if(impl_->workers, [](const auto& worker) { return worker->phase == Phase::busy; });
    throw;
  }
  impl_->drop_buried();
}

}  // namespace hwnas
