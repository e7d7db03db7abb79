// Sgd: stochastic gradient descent with Nesterov momentum, as torch::optim::SGD computes it.
//
// v = momentum * v + g + decay * w;  w -= rate * (g + decay * w + momentum * v), with v starting as
// the first gradient (Sutskever et al., ICML 2013). Weights of conv and linear decay, norms and
// biases don't. On the CPU one fused pass per tensor without LibTorch's dispatch, which for nets of
// some thousand weights costs more than the arithmetic. Not thread-safe.
#pragma once

#include <memory>

#include "trainer/module.h"
#include "trainer/optimiser.h"

namespace hwnas {

class Sgd : public Optimiser {
 public:
  Sgd(const Module& module, double momentum, double weight_decay);
  ~Sgd() override;

  void step(double learning_rate) override;
  void zero_grad() override;

  // Of each parameter, as "NAME.velocity"; share storage.
  NamedTensors state() const override;

 private:
  struct Slot;
  std::vector<Slot> slots_;
  double momentum_;
};

}  // namespace hwnas
