// Optimiser: what changes the trained values of a module after each batch. trainer/sgd.h,
// trainer/adamw.h. Not thread-safe.
#pragma once

#include "trainer/module.h"

namespace hwnas {

class Optimiser {
 public:
  virtual ~Optimiser() = default;

  virtual void step(double learning_rate) = 0;  // values without a gradient stay as they are
  virtual void zero_grad() = 0;

  // What it remembers, named; shares storage, so that writing to it puts it back.
  virtual NamedTensors state() const = 0;
};

}  // namespace hwnas
