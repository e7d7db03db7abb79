// Why a training failed, in one line.
#pragma once

#include <stdexcept>
#include <string>

namespace hwnas {

// Ends a training; what() is the reason as the user reads it.
class TrainFailure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// "time limit of 60 s reached in epoch 2 of 3"
std::string time_limit_reason(double limit_s, int epoch, int epochs);

// "out of memory" for std::bad_alloc and what LibTorch, oneDNN and CUDA throw in its place; else
// the first line of what() (LibTorch's goes on with a stack trace).
std::string failure_reason(const std::exception& error);

}  // namespace hwnas
