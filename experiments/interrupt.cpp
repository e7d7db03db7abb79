#include "experiments/interrupt.h"

#include <pthread.h>
#include <signal.h>

#include <thread>

namespace hwnas {
namespace {

std::stop_source stop_source, kill_source;

// Signals are waited for by a thread of their own: request_stop() is not for signal handlers.
void wait_for_signals(sigset_t set) {
  for (;;) {
    int signal = 0;
    if (sigwait(&set, &signal) != 0 || signal == SIGUSR2) return;
    if (stop_source.stop_requested()) {
      kill_source.request_stop();
    } else {
      stop_source.request_stop();
    }
  }
}

sigset_t watched() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGUSR2);  // ends the waiting thread
  return set;
}

std::thread waiter;

}  // namespace

Interrupt::Interrupt() {
  stop_source = {};
  kill_source = {};
  const sigset_t set = watched();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  waiter = std::thread(wait_for_signals, set);
}

Interrupt::~Interrupt() {
  pthread_kill(waiter.native_handle(), SIGUSR2);
  waiter.join();
  const sigset_t set = watched();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

std::stop_token Interrupt::stop() const {
  return stop_source.get_token();
}
std::stop_token Interrupt::kill() const {
  return kill_source.get_token();
}

}  // namespace hwnas
