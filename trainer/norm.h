// Batch normalisation and the rectifier behind it in one go, for the CPU.
//
// On channels_last tensors of few channels LibTorch 1.13 spends more time in batch_norm and in the
// gradient of relu than in all convolutions of a small net. This one computes the same (biased
// variance to normalise, unbiased for the running one; Ioffe and Szegedy 2015, arXiv:1502.03167) in
// two passes over memory each way. Thread-safe for different `values`.
#pragma once

#include <vector>

#include "space/network.h"

namespace at {
class Tensor;
}

namespace hwnas {

inline constexpr double kNormMomentum = 0.1;  // of the running statistics

// x: batch x channels x height x width; values: {scale, shift, running mean, running variance}, the
// last two updated when `training`. `activation` is none, relu or relu6. Differentiable. Takes
// LibTorch's own functions where x is not float32 on the CPU.
at::Tensor norm_activation(const at::Tensor& x, const std::vector<at::Tensor>& values,
                           Activation activation, bool training);

}  // namespace hwnas
