#include "trainer/failure.h"

#include <cstdio>
#include <new>
#include <string_view>

namespace hwnas {

std::string time_limit_reason(double limit_s, int epoch, int epochs) {
  char text[96];
  std::snprintf(text, sizeof text, "time limit of %g s reached in epoch %d of %d", limit_s, epoch,
                epochs);
  return text;
}

std::string failure_reason(const std::exception& error) {
  const std::string text = error.what();
  if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return "out of memory";
  // By text: the types differ between LibTorch's versions, and oneDNN reports a failed allocation
  // as a memory object or primitive that could not be created.
  for (const std::string_view sign : {"not enough memory", "can't allocate memory", "out of memory",
                                      "could not create a memory", "out_of_memory", "bad_alloc"}) {
    if (text.find(sign) != std::string::npos) return "out of memory";
  }
  return text.substr(0, text.find('\n'));
}

}  // namespace hwnas
