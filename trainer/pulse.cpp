#include "trainer/pulse.h"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace hwnas {

bool writer_is_gone(int descriptor) {
  pollfd input{descriptor, POLLRDHUP, 0};
  return poll(&input, 1, 0) > 0 && (input.revents & (POLLHUP | POLLRDHUP | POLLERR | POLLNVAL));
}

Pulse::Pulse(double seconds, int input, std::function<void(std::int64_t)> alive,
             std::function<void()> gone)
    : seconds_(seconds), input_(input), alive_(std::move(alive)), gone_(std::move(gone)) {
  if (seconds_ > 0) thread_ = std::thread([this] { beat(); });
}

Pulse::~Pulse() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Pulse::begin(std::int64_t task) {
  const std::lock_guard lock(mutex_);
  task_ = task;
  changed_.notify_all();
}

void Pulse::end() {
  const std::lock_guard lock(mutex_);
  task_.reset();
  changed_.notify_all();
}

void Pulse::beat() {
  using Clock = std::chrono::steady_clock;
  const std::chrono::duration<double> look(std::min(1.0, seconds_));
  std::unique_lock lock(mutex_);
  Clock::time_point last = Clock::now();
  while (!over_) {
    if (!task_) {
      changed_.wait(lock);
      last = Clock::now();
      continue;
    }
    changed_.wait_for(lock, look);
    if (over_ || !task_) continue;
    if (writer_is_gone(input_)) gone_();
    if (Clock::now() - last < std::chrono::duration<double>(seconds_)) continue;
    last = Clock::now();
    alive_(*task_);
  }
}

}  // namespace hwnas
