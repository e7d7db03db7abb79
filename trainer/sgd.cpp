#include "trainer/sgd.h"

#include <torch/torch.h>

namespace hwnas {

using at::Tensor;

struct Sgd::Slot {
  std::string name;
  Tensor weight, velocity;
  double decay;
};

namespace {

struct Rates {
  float learning_rate, momentum, decay;
};

void fused_step(float* __restrict w, const float* __restrict g, float* __restrict v, std::int64_t n,
                Rates r) {
  for (std::int64_t i = 0; i < n; ++i) {
    const float gradient = g[i] + r.decay * w[i];
    v[i] = r.momentum * v[i] + gradient;
    w[i] -= r.learning_rate * (gradient + r.momentum * v[i]);
  }
}

}  // namespace

// With v = 0 at first, the first v is the first gradient, as in torch::optim::SGD.
Sgd::Sgd(const Module& module, double momentum, double weight_decay) : momentum_(momentum) {
  for (const auto& [name, weight] : module.parameters()) {
    slots_.push_back(
        {name, weight, torch::zeros_like(weight.detach()), weight.dim() > 1 ? weight_decay : 0});
  }
}

Sgd::~Sgd() = default;

void Sgd::step(double learning_rate) {
  const torch::NoGradGuard no_grad;
  for (Slot& slot : slots_) {
    const Tensor& gradient = slot.weight.grad();
    if (!gradient.defined()) continue;
    const bool plain = slot.weight.is_cpu() && gradient.strides() == slot.weight.strides() &&
                       slot.weight.is_non_overlapping_and_dense() &&
                       slot.velocity.strides() == slot.weight.strides();
    if (plain) {
      fused_step(slot.weight.data_ptr<float>(), gradient.data_ptr<float>(),
                 slot.velocity.data_ptr<float>(), slot.weight.numel(),
                 {static_cast<float>(learning_rate), static_cast<float>(momentum_),
                  static_cast<float>(slot.decay)});
    } else {
      const Tensor decayed = gradient.add(slot.weight, slot.decay);
      slot.velocity.mul_(momentum_).add_(decayed);
      slot.weight.add_(decayed.add(slot.velocity, momentum_), -learning_rate);
    }
  }
}

void Sgd::zero_grad() {
  for (Slot& slot : slots_) slot.weight.mutable_grad().reset();
}

NamedTensors Sgd::state() const {
  NamedTensors all;
  for (const Slot& slot : slots_) all.emplace_back(slot.name + ".velocity", slot.velocity);
  return all;
}

}  // namespace hwnas
