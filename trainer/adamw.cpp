#include "trainer/adamw.h"

#include <torch/torch.h>

#include <cmath>

namespace hwnas {

using at::Tensor;

struct AdamW::Slot {
  std::string name;
  Tensor weight, mean, square;  // running means of the gradient and of its square
  Tensor steps;                 // on the CPU: a number, exact up to 2^24
  double decay;
};

namespace {

constexpr double kEpsilon = 1e-8;

// Of one step: what the weight keeps, the rates of the means, the length of a step and of its unit.
struct Rates {
  float keep, beta1, beta2, step, root;
};

void fused_step(float* __restrict w, const float* __restrict g, float* __restrict m,
                float* __restrict v, std::int64_t n, Rates r) {
  for (std::int64_t i = 0; i < n; ++i) {
    m[i] += (1 - r.beta1) * (g[i] - m[i]);
    v[i] = r.beta2 * v[i] + (1 - r.beta2) * g[i] * g[i];
    const float unit = std::sqrt(v[i]) * r.root + static_cast<float>(kEpsilon);
    w[i] = r.keep * w[i] - r.step * m[i] / unit;
  }
}

bool dense_alike(const Tensor& a, const Tensor& b) {
  return a.strides() == b.strides() && a.is_non_overlapping_and_dense();
}

}  // namespace

AdamW::AdamW(const Module& module, double beta1, double beta2, double weight_decay)
    : beta1_(beta1), beta2_(beta2) {
  for (const auto& [name, weight] : module.parameters()) {
    const Tensor zeros = torch::zeros_like(weight.detach());
    slots_.push_back({name, weight, zeros, zeros.clone(), torch::zeros({1}),
                      weight.dim() > 1 ? weight_decay : 0});
  }
}

AdamW::~AdamW() = default;

void AdamW::step(double learning_rate) {
  const torch::NoGradGuard no_grad;
  for (Slot& slot : slots_) {
    const Tensor& gradient = slot.weight.grad();
    if (!gradient.defined()) continue;
    const double t = *slot.steps.data_ptr<float>() += 1;
    const double step = learning_rate / (1 - std::pow(beta1_, t));
    const double root = 1 / std::sqrt(1 - std::pow(beta2_, t));
    const double keep = 1 - learning_rate * slot.decay;
    if (slot.weight.is_cpu() && dense_alike(slot.weight, gradient) &&
        dense_alike(slot.weight, slot.mean) && dense_alike(slot.weight, slot.square)) {
      fused_step(slot.weight.data_ptr<float>(), gradient.data_ptr<float>(),
                 slot.mean.data_ptr<float>(), slot.square.data_ptr<float>(), slot.weight.numel(),
                 {static_cast<float>(keep), static_cast<float>(beta1_), static_cast<float>(beta2_),
                  static_cast<float>(step), static_cast<float>(root)});
    } else {
      slot.mean.lerp_(gradient, 1 - beta1_);
      slot.square.mul_(beta2_).addcmul_(gradient, gradient, 1 - beta2_);
      slot.weight.mul_(keep).addcdiv_(slot.mean, slot.square.sqrt().mul_(root).add_(kEpsilon),
                                      -step);
    }
  }
}

void AdamW::zero_grad() {
  for (Slot& slot : slots_) slot.weight.mutable_grad().reset();
}

NamedTensors AdamW::state() const {
  NamedTensors all;
  for (const Slot& slot : slots_) {
    all.emplace_back(slot.name + ".mean", slot.mean);
    all.emplace_back(slot.name + ".square", slot.square);
    all.emplace_back(slot.name + ".steps", slot.steps);
  }
  return all;
}

}  // namespace hwnas
