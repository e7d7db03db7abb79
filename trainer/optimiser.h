// Optimiser: what changes the trained values of a module after each batch. trainer/sgd.h,
// trainer/adamw.h. Not thread-safe.
#pragma once

namespace hwnas {

class Optimiser {
 public:
  virtual ~Optimiser() = default;

  virtual void step(double learning_rate) = 0;  // values without a gradient stay as they are
  virtual void zero_grad() = 0;
};

}  // namespace hwnas
