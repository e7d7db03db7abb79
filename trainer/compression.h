// What a deployed network computes with: weights pruned and rounded, activations rounded. Simulated
// in float32.
//
// Weights: the smallest of a layer (of a density_block: of each so many along the input channels,
// N:M) are set to zero until its weight_density is left, then each
// output channel (of a table of learned vectors: each vector) is rounded to weight_bits, symmetric,
// its largest magnitude the largest code (per channel, as folding a norm into the weights does not
// change the codes). Activations: each tensor that leaves a fused layer is rounded to
// activation_bits within a fixed range (ranges.h). Source: Nagel et al., arXiv:2106.08295. Free
// functions, thread-safe; never in the graph of gradients.
#pragma once

#include <utility>
#include <vector>

#include "space/network.h"

namespace at {
class Tensor;
}

namespace hwnas {

inline constexpr int kExactBits = 16;  // from here on nothing is rounded: training can't tell

// Whether anything of the network is pruned or rounded.
bool is_compressed(const Network& network);

// A copy, pruned and rounded as `layer` says; the weight itself where there is nothing to do.
at::Tensor compressed_weight(const Layer& layer, const at::Tensor& weight);

// The density on the way from 1 to `density`, `done` from 0 to 1: falls fast, then slowly (Zhu and
// Gupta, arXiv:1710.01878).
double density_on_the_way(double density, double done);

// Integers (out channels x values) and the step of each channel (out channels x 1) that `weight` is
// rounded to.
std::pair<at::Tensor, at::Tensor> weight_codes(const at::Tensor& weight, int bits);

// Layers whose output is rounded: not those that a norm or activation behind them is fused into,
// and not the output of the network.
std::vector<bool> rounded_outputs(const Network& network);

}  // namespace hwnas
