// Ctrl-C: the first SIGINT or SIGTERM asks the run to stop, the second to stop at once.
#pragma once

#include <stop_token>

namespace hwnas {

// Installs the handlers while it lives; one at a time. The tokens may be read from any thread.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  std::stop_token stop() const;  // finish what is running
  std::stop_token kill() const;  // finish nothing
};

}  // namespace hwnas
