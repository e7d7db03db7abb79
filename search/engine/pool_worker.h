// PoolWorker: a place in a ProcessPool, with the child that works there at present, if any.
// Internal to search/engine. Not thread-safe.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "search/engine/process_pool.h"
#include "space/child_process.h"

namespace hwnas {

// A task that waits for a worker, or that one is at.
struct PoolTask {
  TaskLine task;
  int tries = 0;      // begun
  int evictions = 0;  // not counted among them: the worker was sent away
  int avoid = -1;     // the place where it was lost last
  std::chrono::steady_clock::time_point since = std::chrono::steady_clock::now();  // it waits
};

class PoolWorker {
 public:
  using Clock = std::chrono::steady_clock;
  using Phase = WorkerStatus::Phase;

  PoolWorker(const ProcessPoolOptions& options, int place) : options_(options), place_(place) {}

  int place() const { return place_; }
  Phase phase() const { return phase_; }
  ChildProcess& child() { return *child_; }
  PoolTask& work() { return work_; }
  double seconds() const { return std::chrono::duration<double>(Clock::now() - since_).count(); }
  const std::string& greeting() const { return greeting_; }
  bool may_start() const { return phase_ == Phase::absent && Clock::now() >= not_before_; }
  bool fresh() const { return fresh_; }  // its child has done nothing yet
  WorkerStatus status() const;

  void start();              // throws std::runtime_error
  bool give(PoolTask task);  // false: it has died meanwhile, which costs nothing

  // Writes and reads what can be. What the child said of its task is heard(line), which may end it:
  // finish(). Returns why it is to be lost; nothing: it is well.
  template <typename OnLine>
  std::optional<std::string> attend(const OnLine& heard);

  PoolTask finish();  // idle again
  // Without a child again; the caller disposes of it. A place where starts fail is left alone for a
  // while, ever longer.
  std::unique_ptr<ChildProcess> leave();
  std::unique_ptr<ChildProcess> lose(const std::string& why);

 private:
  std::optional<std::string> over_limit();
  std::string in_words(const std::string& trouble) const;
  void enter(Phase phase);
  void pause();

  const ProcessPoolOptions& options_;
  int place_;
  std::unique_ptr<ChildProcess> child_;
  Phase phase_ = Phase::absent;
  Clock::time_point since_ = Clock::now();         // of the phase
  Clock::time_point heard_ = Clock::now();         // the last line
  std::optional<Clock::time_point> silent_since_;  // its output is closed
  Clock::time_point not_before_ = Clock::now();
  int starts_in_vain_ = 0;
  bool fresh_ = true;
  PoolTask work_;
  std::size_t answered_ = 0;  // bytes
  std::size_t done_ = 0, lost_ = 0;
  std::string greeting_, trouble_;
};

constexpr std::size_t kLongestLine = std::size_t{16} << 20;    // bytes; a longer one has no end
constexpr std::size_t kLongestAnswer = std::size_t{64} << 20;  // bytes of all lines of one task
constexpr std::size_t kReadAtOnce = std::size_t{1} << 20;

template <typename OnLine>
std::optional<std::string> PoolWorker::attend(const OnLine& heard) {
  child_->flush();
  const bool ended = child_->ended();  // asked first: what it wrote before is then all there
  child_->read_output(ended ? kLongestLine : kReadAtOnce);
  child_->read_errors();
  while (const std::optional<std::string> line = child_->next_line()) {
    heard_ = Clock::now();
    if (phase_ == Phase::starting) {
      greeting_ = *line;
      if (options_.refuse) {
        if (std::string why = options_.refuse(*line); !why.empty()) return why;
      }
      starts_in_vain_ = 0;
      enter(Phase::idle);
    } else if (phase_ == Phase::busy) {
      answered_ += line->size() + 1;
      if (heard(*this, *line) == Heard::rubbish)
        return in_words("answered what makes no sense: " + line->substr(0, 80));
      if (phase_ == Phase::busy && answered_ > kLongestAnswer)
        return in_words("wrote without end (more than 64 MiB for one task)");
    }
  }
  if (child_->unfinished_bytes() > kLongestLine)
    return in_words("wrote a line without end (more than 16 MiB)");
  if (ended) return child_->epitaph();
  return over_limit();
}

}  // namespace hwnas
