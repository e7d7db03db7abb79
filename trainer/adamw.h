// AdamW: Adam with weight decay that is not part of the gradient, as torch::optim::AdamW computes
// it (Loshchilov and Hutter, arXiv:1711.05101; Kingma and Ba, arXiv:1412.6980).
//
// w -= rate * decay * w;  m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;
// w -= rate * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + 1e-8), t from 1. Weights and tables decay,
// norms and biases don't. What transformers are trained with: SGD gets stuck on them (README.md).
// Not thread-safe.
#pragma once

#include <cstdint>
#include <vector>

#include "trainer/module.h"
#include "trainer/optimiser.h"

namespace hwnas {

class AdamW : public Optimiser {
 public:
  AdamW(const Module& module, double beta1, double beta2, double weight_decay);
  ~AdamW() override;

  void step(double learning_rate) override;
  void zero_grad() override;

  // Of each parameter, as "NAME.mean" and "NAME.square" and "NAME.steps".
  NamedTensors state() const override;

 private:
  struct Slot;
  std::vector<Slot> slots_;
  double beta1_, beta2_;
};

}  // namespace hwnas
