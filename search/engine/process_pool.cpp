#include "search/engine/process_pool.h"

#include <poll.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <stdexcept>
#include <thread>
#include <utility>

#include "search/engine/pool_worker.h"

namespace hwnas {
namespace {

using Clock = PoolWorker::Clock;
using Phase = WorkerStatus::Phase;

constexpr int kStartsInVain = 3;     // in a row, before the pool gives up
constexpr int kLaunchesInVain = 30;  // the same where launched children have worked before
constexpr int kMostEvictions = 100;  // of one task, without counting as a try
constexpr int kTickMs = 50;          // how soon a death that closes nothing is noticed
constexpr double kElsewhere = 10;    // s that a lost task waits for another worker
constexpr rlim_t kDescriptorsOfOthers = 256;
constexpr std::chrono::seconds kGrace{2};  // for leaving once the input is closed
constexpr std::chrono::seconds kGraceLaunched{10};

// Three descriptors a child; where the limit allows more than it grants, more are taken.
void raise_descriptor_limit(int processes) {
  const rlim_t wanted = kDescriptorsOfOthers + 4 * static_cast<rlim_t>(processes);
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  setrlimit(RLIMIT_NOFILE, &limit);
}

struct NoTasks : TaskSource {
  std::optional<TaskLine> next() override { return std::nullopt; }
  Heard heard(std::size_t, const std::string&) override { return Heard::more; }
  void done(std::size_t, TaskResult) override {}
};

// Tasks that are known beforehand.
struct Listed : TaskSource {
  std::span<const std::string> lines;
  const ProcessPool::OnLine* on_line = nullptr;
  const ProcessPool::OnDone* on_done = nullptr;
  std::size_t given = 0;

  std::optional<TaskLine> next() override {
    if (given == lines.size()) return std::nullopt;
    const std::size_t i = given++;
    return TaskLine{i, lines[i]};
  }
  Heard heard(std::size_t i, const std::string& line) override {
    return (*on_line)(i, line) ? Heard::end : Heard::more;
  }
  void done(std::size_t i, TaskResult result) override { (*on_done)(i, std::move(result)); }
};

}  // namespace

struct ProcessPool::Impl {
  struct Leaving {  // a child that was asked to end
    std::unique_ptr<ChildProcess> child;
    Clock::time_point deadline;
  };

  ProcessPoolOptions options;
  std::deque<PoolWorker> workers;  // a deque: they stay where they are
  std::deque<PoolTask> queue;      // lost ones first
  std::vector<Leaving> leaving;
  std::string greeting;  // the first
  int starts_in_vain = 0;
  std::size_t open = 0;  // tasks given out
  Clock::time_point swept = Clock::now(), looked = Clock::now();

  std::size_t count(Phase phase) const {
    return static_cast<std::size_t>(std::count_if(
        workers.begin(), workers.end(), [phase](const auto& w) { return w.phase() == phase; }));
  }
  bool surplus(const PoolWorker& worker) const { return worker.place() >= options.processes; }

  void fit_places();
  void fetch(TaskSource& source);
  void start(std::size_t wanted, TaskSource& source);
  void failed_start(PoolWorker& worker, const std::string& why, TaskSource& source);
  std::optional<PoolTask> take_for(const PoolWorker& worker);
  void hand_out();
  void tick(TaskSource& source);
  void attend(PoolWorker& worker, TaskSource& source);
  void lose(PoolWorker& worker, const std::string& why, TaskSource& source);
  void see_off(std::unique_ptr<ChildProcess> child);
  void sweep_leaving();
  void end_task(PoolWorker& worker, TaskSource& source, TaskResult result);
  void interrupt(TaskSource& source, bool also_running);
  void drop_busy();
};

void ProcessPool::Impl::fit_places() {
  raise_descriptor_limit(options.processes);
  while (static_cast<int>(workers.size()) < options.processes)
    workers.emplace_back(options, static_cast<int>(workers.size()));
  for (PoolWorker& worker : workers) {
    if (!surplus(worker) || worker.phase() == Phase::absent || worker.phase() == Phase::busy)
      continue;
    see_off(worker.leave());
  }
}

// As many tasks as there are places for them, and one where all places wait for something.
void ProcessPool::Impl::fetch(TaskSource& source) {
  std::size_t room = 0;
  for (const PoolWorker& worker : workers) {
    const bool ready = worker.phase() == Phase::idle || worker.phase() == Phase::starting;
    room += !surplus(worker) && (ready || worker.may_start());
  }
  if (open == 0) room = std::max<std::size_t>(room, 1);
  while (queue.size() < room) {
    std::optional<TaskLine> task = source.next();
    if (!task) return;
    queue.push_back({std::move(*task)});
  }
}

void ProcessPool::Impl::start(std::size_t wanted, TaskSource& source) {
  std::size_t usable = count(Phase::idle) + count(Phase::starting);
  for (PoolWorker& worker : workers) {
    if (usable >= wanted) return;
    if (surplus(worker) || !worker.may_start()) continue;
    try {
      worker.start();
      ++usable;
    } catch (const std::runtime_error& error) {
      if (greeting.empty()) throw;  // there is no such program
      failed_start(worker, error.what(), source);
      return;
    }
  }
}

void ProcessPool::Impl::failed_start(PoolWorker& worker, const std::string& why,
                                     TaskSource& source) {
  source.trouble(worker.place(), std::nullopt, why);
  const bool has_worked = options.launched && !greeting.empty();
  const bool others = count(Phase::idle) + count(Phase::busy) > 0;
  if (++starts_in_vain >= (has_worked ? kLaunchesInVain : kStartsInVain) && !others) {
    throw std::runtime_error("'" + options.command.front() + "' does not start: " + why);
  }
}

std::optional<PoolTask> ProcessPool::Impl::take_for(const PoolWorker& worker) {
  const auto fits = [&](const PoolTask& waiting) {
    const std::chrono::duration<double> waited = Clock::now() - waiting.since;
    return waiting.avoid != worker.place() || options.processes == 1 || waited.count() > kElsewhere;
  };
  const auto found = std::find_if(queue.begin(), queue.end(), fits);
  if (found == queue.end()) return std::nullopt;
  PoolTask task = std::move(*found);
  queue.erase(found);
  return task;
}

void ProcessPool::Impl::hand_out() {
  for (PoolWorker& worker : workers) {
    if (queue.empty()) return;
    if (worker.phase() != Phase::idle || surplus(worker)) continue;
    std::optional<PoolTask> task = take_for(worker);
    if (!task) continue;
    const PoolTask copy = *task;
    if (worker.give(std::move(*task)))
      ++open;
    else
      queue.push_front(copy);
  }
}

// Attends to whoever has something to say, and from time to time to all.
void ProcessPool::Impl::tick(TaskSource& source) {
  std::vector<pollfd> waits;
  std::vector<PoolWorker*> owners;
  for (PoolWorker& worker : workers) {
    if (worker.phase() == Phase::absent) continue;
    const ChildProcess& child = worker.child();
    const auto wait = [&](int fd, short events) {
      waits.push_back({fd, events, 0});
      owners.push_back(&worker);
    };
    if (child.output() >= 0) wait(child.output(), POLLIN);
    if (child.errors() >= 0) wait(child.errors(), POLLIN);
    if (child.input() >= 0 && child.wants_to_write()) wait(child.input(), POLLOUT);
  }
  poll(waits.data(), waits.size(), kTickMs);  // EINTR is as good as a tick
  const auto now = Clock::now();
  const bool all = now - swept >= std::chrono::milliseconds(kTickMs);
  if (all) {
    swept = now;
    for (PoolWorker& worker : workers) attend(worker, source);
    fit_places();
    sweep_leaving();
  } else {
    for (std::size_t i = 0; i < waits.size(); ++i) {
      if (waits[i].revents != 0) attend(*owners[i], source);
    }
  }
  if (now - looked >= std::chrono::seconds(1)) {
    looked = now;
    source.look();
  }
}

void ProcessPool::Impl::attend(PoolWorker& worker, TaskSource& source) {
  if (worker.phase() == Phase::absent) return;
  const bool starting = worker.phase() == Phase::starting;
  const auto heard = [&](PoolWorker& who, const std::string& line) {
    const Heard what = source.heard(who.work().task.id, line);
    if (what == Heard::end) end_task(who, source, {.line = line});
    return what;
  };
  const std::optional<std::string> trouble = worker.attend(heard);
  if (starting && !trouble && worker.phase() == Phase::idle) {
    starts_in_vain = 0;
    if (greeting.empty()) greeting = worker.greeting();
  }
  if (trouble) lose(worker, *trouble, source);
}

void ProcessPool::Impl::end_task(PoolWorker& worker, TaskSource& source, TaskResult result) {
  result.seconds = worker.seconds();
  result.greeting = worker.greeting();
  const PoolTask work = worker.finish();
  --open;
  source.done(work.task.id, std::move(result));
}

void ProcessPool::Impl::lose(PoolWorker& worker, const std::string& why, TaskSource& source) {
  const Phase phase = worker.phase();
  const bool fresh = worker.fresh();
  PoolTask work = std::move(worker.work());
  TaskResult result{.failure = why, .seconds = worker.seconds(), .greeting = worker.greeting()};
  const bool evicted = worker.child().was_asked_to_end();
  see_off(worker.lose(why));
  if (phase == Phase::starting || (phase == Phase::idle && fresh))
    failed_start(worker, why, source);
  if (phase != Phase::busy) return;
  --open;
  // Who was sent away (preempted, drained) says nothing against the task.
  if (evicted && work.evictions < kMostEvictions) ++work.evictions, --work.tries;
  if (work.tries <= options.retries) {
    work.avoid = worker.place();
    work.since = Clock::now();
    const std::size_t id = work.task.id;
    queue.push_front(std::move(work));
    source.trouble(worker.place(), id, why);
    return;
  }
  if (work.tries > 1) result.failure += " (tried " + std::to_string(work.tries) + " times)";
  source.done(work.task.id, std::move(result));
}

void ProcessPool::Impl::see_off(std::unique_ptr<ChildProcess> child) {
  if (child->ended()) return;
  child->close_input();
  if (!options.launched) return;  // the destructor kills it
  child->ask_to_end();
  leaving.push_back({std::move(child), Clock::now() + kGraceLaunched});
}

void ProcessPool::Impl::sweep_leaving() {
  std::erase_if(leaving, [](Leaving& one) {
    one.child->read_output(kReadAtOnce);  // it may have more to say before it can leave
    one.child->read_errors();
    return one.child->ended() || Clock::now() > one.deadline;
  });
}

void ProcessPool::Impl::interrupt(TaskSource& source, bool also_running) {
  while (!queue.empty()) {
    const std::size_t id = queue.front().task.id;
    queue.pop_front();
    source.done(id, {.interrupted = true});
  }
  if (!also_running) return;
  for (PoolWorker& worker : workers) {
    if (worker.phase() != Phase::busy) continue;
    const std::size_t id = worker.work().task.id;
    see_off(worker.leave());
    --open;
    source.done(id, {.interrupted = true});
  }
}

// After an exception: answers that still come are nobody's.
void ProcessPool::Impl::drop_busy() {
  queue.clear();
  open = 0;
  for (PoolWorker& worker : workers) {
    if (worker.phase() == Phase::busy) see_off(worker.leave());
  }
}

ProcessPool::ProcessPool(ProcessPoolOptions options) : impl_(std::make_unique<Impl>()) {
  options.processes = std::max(1, options.processes);
  impl_->options = std::move(options);
  impl_->fit_places();
}

ProcessPool::~ProcessPool() {
  const bool launched = impl_->options.launched;
  const auto deadline = Clock::now() + (launched ? kGraceLaunched : kGrace);
  for (PoolWorker& worker : impl_->workers) {
    if (worker.phase() == Phase::absent) continue;
    const bool idle = worker.phase() == Phase::idle;
    std::unique_ptr<ChildProcess> child = worker.leave();
    child->close_input();
    if (!idle && !launched) continue;  // killed
    if (!idle) child->ask_to_end();
    impl_->leaving.push_back({std::move(child), deadline});
  }
  while (!impl_->leaving.empty()) {
    impl_->sweep_leaving();
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

std::string ProcessPool::greeting() {
  NoTasks nothing;
  const auto greeted = [](const PoolWorker& worker) {
    return worker.phase() == Phase::idle || worker.phase() == Phase::busy;
  };
  while (impl_->greeting.empty() ||
         std::none_of(impl_->workers.begin(), impl_->workers.end(), greeted)) {
    impl_->start(1, nothing);
    impl_->tick(nothing);
  }
  return impl_->greeting;
}

void ProcessPool::run(TaskSource& source, std::stop_token stop, std::stop_token kill) {
  Impl& pool = *impl_;
  try {
    for (;;) {
      if (stop.stop_requested() || kill.stop_requested()) {
        pool.interrupt(source, kill.stop_requested());
        if (pool.open == 0) break;
      } else {
        pool.fetch(source);
        if (pool.open == 0 && pool.queue.empty()) break;
        const bool lost = !pool.queue.empty() && pool.queue.front().avoid >= 0;
        if (!pool.queue.empty()) pool.start(pool.queue.size() + lost, source);
        pool.hand_out();
      }
      pool.tick(source);
    }
  } catch (...) {  // of a callback, or no child starts
    pool.drop_busy();
    throw;
  }
}

void ProcessPool::run(std::span<const std::string> tasks, const OnLine& on_line,
                      const OnDone& on_done, std::stop_token stop, std::stop_token kill) {
  Listed listed;
  listed.lines = tasks;
  listed.on_line = &on_line;
  listed.on_done = &on_done;
  run(listed, stop, kill);
  while (listed.next()) on_done(listed.given - 1, {.interrupted = true});  // after a stop
}

void ProcessPool::set_processes(int processes) {
  impl_->options.processes = std::max(1, processes);
}

int ProcessPool::processes() const {
  return impl_->options.processes;
}

std::vector<WorkerStatus> ProcessPool::workers() const {
  std::vector<WorkerStatus> all;
  for (const PoolWorker& worker : impl_->workers) {
    if (!impl_->surplus(worker) || worker.phase() != Phase::absent) all.push_back(worker.status());
  }
  return all;
}

}  // namespace hwnas
