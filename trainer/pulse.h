// Pulse: while a training runs, a sign of life every so often, and an eye on who asked for it.
//
// A controller that hears nothing knows that the trainer hangs, or that the connection is gone.
// A trainer whose input has closed while it works has lost its controller: it ends.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

namespace hwnas {

// Whether nobody can write to this descriptor any more. Lines that wait to be read are no matter.
bool writer_is_gone(int descriptor);

class Pulse {
 public:
  // Between begin() and end() calls alive(task) every `seconds` on a thread of its own, and gone()
  // once no one holds the other end of `input` any more, which is looked for each second.
  // `seconds` 0: neither.
  Pulse(double seconds, int input, std::function<void(std::int64_t)> alive,
        std::function<void()> gone);
  ~Pulse();
  Pulse(const Pulse&) = delete;
  Pulse& operator=(const Pulse&) = delete;

  void begin(std::int64_t task);
  void end();

 private:
  void beat();

  const double seconds_;
  const int input_;
  const std::function<void(std::int64_t)> alive_;
  const std::function<void()> gone_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<std::int64_t> task_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace hwnas
