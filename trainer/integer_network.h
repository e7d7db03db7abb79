// IntegerNetwork: a trained network in 8-bit integers, as processors without floating point run it.
//
// Norms behind a convolution or matrix are folded into it. Weights are int8, symmetric, with a
// scale for each output channel; tensors between layers uint8 with one scale and zero point each,
// those of the module's ranges, or chosen from calibration images where it has none; biases
// int32. Layers that ask for fewer than 8 bits use fewer codes. Sums of products are exact
// integers; they become real numbers once, at the end of a fused layer, where activations and the
// next rounding are computed. The last layer's sums stay real: logits. Source: Jacob et al.,
// arXiv:1712.05877; Nagel et al., arXiv:2106.08295. Not thread-safe.
#pragma once

#include <memory>
#include <vector>

#include "trainer/module.h"

namespace hwnas {

class IntegerNetwork {
 public:
  // `module` with running statistics, its weights pruned where they are to be. `batches`: images as
  // Module::forward takes them. Throws std::invalid_argument on a network that computes with
  // sequences.
  IntegerNetwork(const Module& module, const std::vector<at::Tensor>& batches);

  ~IntegerNetwork();
  IntegerNetwork(IntegerNetwork&&) noexcept;

  // The folded network: bits are those in use (8 where the original has more); a softmax at the
  // end, and weights of layers that have none, at 32.
  const Network& network() const;

  // batch x classes; what Module::forward() gives, up to rounding.
  at::Tensor forward(const at::Tensor& images) const;

  // LAYER.weight (int8), .weight_scale, .bias (int32), .bias_scale of each convolution and matrix;
  // .scale and .zero (uint8) of each tensor that is stored; float values of norms that stay.
  NamedTensors tensors() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hwnas
