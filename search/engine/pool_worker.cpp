#include "search/engine/pool_worker.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <stdexcept>
#include <utility>

namespace hwnas {
namespace {

constexpr std::chrono::milliseconds kGrace{2000};  // to end in, once the output is closed
constexpr double kLongestPause = 60;               // s, between starts in vain

std::string in_seconds(double seconds) {
  std::string text = std::to_string(seconds);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text + " s";
}

// The command of the child in this place.
std::vector<std::string> command_of(const std::vector<std::string>& command, int place) {
  constexpr std::string_view kPlace = "{worker}";
  std::vector<std::string> result = command;
  for (std::string& part : result) {
    for (std::size_t at = 0; (at = part.find(kPlace, at)) != std::string::npos;)
      part.replace(at, kPlace.size(), std::to_string(place));
  }
  return result;
}

double seconds_since(PoolWorker::Clock::time_point start) {
  return std::chrono::duration<double>(PoolWorker::Clock::now() - start).count();
}

}  // namespace

WorkerStatus PoolWorker::status() const {
  WorkerStatus status{.worker = place_,
                      .phase = phase_,
                      .process = child_ ? static_cast<int>(child_->id()) : 0,
                      .seconds = seconds(),
                      .silent_s = seconds_since(heard_),
                      .task = {},
                      .done = done_,
                      .lost = lost_,
                      .greeting = greeting_,
                      .trouble = trouble_};
  if (phase_ == Phase::busy) status.task = work_.task.id;
  return status;
}

void PoolWorker::enter(Phase phase) {
  phase_ = phase;
  since_ = Clock::now();
}

void PoolWorker::start() {
  assert(phase_ == Phase::absent);
  ChildOptions options{.asked_to_end = options_.launched};
  if (!options_.gpus.empty()) {
    const std::size_t i = static_cast<std::size_t>(place_) % options_.gpus.size();
    options.environment.push_back("CUDA_VISIBLE_DEVICES=" + options_.gpus[i]);
  }
  try {
    child_ = std::make_unique<ChildProcess>(command_of(options_.command, place_), options);
  } catch (const std::runtime_error&) {
    pause();
    throw;
  }
  silent_since_.reset();
  fresh_ = true;
  heard_ = Clock::now();
  enter(Phase::starting);
}

bool PoolWorker::give(PoolTask task) {
  assert(phase_ == Phase::idle);
  if (child_->output() < 0 || child_->ended()) return false;
  work_ = std::move(task);
  ++work_.tries;
  answered_ = 0;
  heard_ = Clock::now();
  enter(Phase::busy);
  child_->send(work_.task.line);
  child_->flush();
  return true;
}

PoolTask PoolWorker::finish() {
  assert(phase_ == Phase::busy);
  ++done_;
  fresh_ = false;
  enter(Phase::idle);
  return std::move(work_);
}

std::unique_ptr<ChildProcess> PoolWorker::leave() {
  enter(Phase::absent);
  return std::move(child_);
}

std::unique_ptr<ChildProcess> PoolWorker::lose(const std::string& why) {
  trouble_ = why;
  if (phase_ == Phase::busy) ++lost_;
  if (phase_ == Phase::starting) pause();
  return leave();
}

// A start in vain: the next one here at once, after 1, 3, 7, ... s; of a launcher after 1, 2, 4,
// ... s.
void PoolWorker::pause() {
  const double seconds = std::exp2(starts_in_vain_++) - (options_.launched ? 0 : 1);
  not_before_ = Clock::now() + std::chrono::milliseconds(
                                   static_cast<int>(1000 * std::min(kLongestPause, seconds)));
}

std::string PoolWorker::in_words(const std::string& trouble) const {
  const std::string words = child_->last_words();
  return words.empty() ? trouble : trouble + ": " + words;
}

std::optional<std::string> PoolWorker::over_limit() {
  if (phase_ == Phase::starting && options_.start_limit_s > 0 &&
      seconds() > options_.start_limit_s) {
    return in_words("no greeting within " + in_seconds(options_.start_limit_s));
  }
  if (phase_ == Phase::busy) {
    if (options_.time_limit_s > 0 && seconds() > options_.time_limit_s)
      return in_words("no answer within " + in_seconds(options_.time_limit_s));
    if (options_.silence_limit_s > 0 && seconds_since(heard_) > options_.silence_limit_s)
      return in_words("not heard for " + in_seconds(options_.silence_limit_s));
  }
  if (child_->output() >= 0) return std::nullopt;
  // Usually the end is next; one that lives on without a voice is of no use.
  if (!silent_since_) silent_since_ = Clock::now();
  if (Clock::now() - *silent_since_ > kGrace) return in_words("closed its output");
  return std::nullopt;
}

}  // namespace hwnas
