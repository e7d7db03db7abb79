#include "trainer/training_state.h"

#include <torch/torch.h>

#include <map>
#include <stdexcept>

namespace hwnas {
namespace {

NamedTensors tensors_of(const Module& module, const Optimiser& optimiser) {
  NamedTensors all = module.state();
  for (auto& entry : optimiser.state()) all.push_back(std::move(entry));
  return all;
}

}  // namespace

std::vector<Checkpoint::Values> capture(const Module& module, const Optimiser& optimiser) {
  std::vector<Checkpoint::Values> values;
  for (const auto& [name, tensor] : tensors_of(module, optimiser)) {
    const at::Tensor plain = tensor.detach().to(at::kCPU).contiguous();
    const float* from = plain.data_ptr<float>();
    values.push_back({name, {from, from + plain.numel()}});
  }
  return values;
}

void restore(Module& module, Optimiser& optimiser, const std::vector<Checkpoint::Values>& values) {
  std::map<std::string, const std::vector<float>*> by_name;
  for (const Checkpoint::Values& entry : values) by_name[entry.name] = &entry.numbers;
  const NamedTensors tensors = tensors_of(module, optimiser);
  for (const auto& [name, tensor] : tensors) {
    const auto found = by_name.find(name);
    if (found == by_name.end() ||
        static_cast<std::int64_t>(found->second->size()) != tensor.numel())
      throw std::runtime_error("'" + name + "' does not fit the network");
  }
  const torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : tensors) {
    // from_blob takes what it does not change as if it might.
    auto* from = const_cast<float*>(by_name.at(name)->data());
    tensor.copy_(torch::from_blob(from, tensor.sizes(), at::kFloat));
  }
}

}  // namespace hwnas
