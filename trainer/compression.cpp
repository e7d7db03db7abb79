#include "trainer/compression.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <span>

namespace hwnas {
namespace {

using at::Tensor;

constexpr int kBitsToClip = 8;  // below, the largest weights are worth less than finer steps
constexpr double kClips[] = {1, 0.85, 0.7, 0.6, 0.5, 0.4};  // of the largest, to choose among

bool has_weights(const Layer& layer) {
  return layer.op == Op::conv || layer.op == Op::linear || layer.op == Op::embedding ||
         layer.op == Op::position_embedding || layer.op == Op::tokens;
}

Tensor pruned(const Tensor& weight, double density) {
  const std::int64_t kept =
      std::max<std::int64_t>(1, std::llround(density * static_cast<double>(weight.numel())));
  if (kept >= weight.numel()) return weight;
  const Tensor magnitude = weight.abs().flatten();
  const Tensor threshold = std::get<0>(magnitude.kthvalue(weight.numel() - kept));
  return weight * weight.abs().gt(threshold);
}

// Of each `block` input channels the largest; exactly so many, equal ones in their order.
Tensor pruned_in_blocks(const Tensor& weight, double density, int block) {
  const auto kept = std::max<std::int64_t>(1, std::llround(density * block));
  if (kept >= block) return weight;
  const Tensor last = weight.movedim(1, -1);  // outputs, kernel, inputs
  const Tensor blocks = last.reshape({-1, block});
  const Tensor order = std::get<1>(blocks.abs().sort(/*stable=*/true, 1, /*descending=*/true));
  const Tensor mask = torch::zeros_like(blocks).scatter_(1, order.narrow(1, 0, kept), 1);
  return (blocks * mask).view(last.sizes()).movedim(-1, 1);
}

Tensor pruned(const Tensor& weight, const Layer& layer) {
  if (layer.weight_density == 1) return weight;
  return layer.density_block == 0
             ? pruned(weight, layer.weight_density)
             : pruned_in_blocks(weight, layer.weight_density, layer.density_block);
}

}  // namespace

bool is_compressed(const Network& network) {
  return std::any_of(network.layers().begin(), network.layers().end(), [](const Layer& layer) {
    return layer.activation_bits < kExactBits ||
           (has_weights(layer) && (layer.weight_bits < kExactBits || layer.weight_density < 1));
  });
}

std::pair<Tensor, Tensor> weight_codes(const Tensor& weight, int bits) {
  const torch::NoGradGuard no_grad;
  const Tensor rows = weight.flatten(1);
  const Tensor largest = std::get<0>(rows.abs().max(1, /*keepdim=*/true)).clamp_min(1e-12);
  if (bits == 1)  // the sign, at the mean magnitude (Rastegari et al., arXiv:1603.05279)
    return {rows.sign(), rows.abs().mean(1, /*keepdim=*/true)};
  const auto most = static_cast<double>((1 << (bits - 1)) - 1);
  Tensor best, best_step, best_error;
  for (const double share :
       std::span<const double>(kClips).first(bits < kBitsToClip ? std::size(kClips) : 1)) {
    const Tensor step = largest * (share / most);
    const Tensor codes = (rows / step).round_().clamp_(-most, most);
    const Tensor error = (codes * step - rows).pow_(2).sum(1, /*keepdim=*/true);
    if (!best_error.defined()) {
      best = codes;
      best_step = step;
      best_error = error;
      continue;
    }
    const Tensor better = error < best_error;
    best = torch::where(better, codes, best);
    best_step = torch::where(better, step, best_step);
    best_error = torch::minimum(error, best_error);
  }
  return {best, best_step};
}

Tensor compressed_weight(const Layer& layer, const Tensor& weight) {
  const torch::NoGradGuard no_grad;
  if (!has_weights(layer)) return weight;
  Tensor result = pruned(weight, layer);
  if (layer.weight_bits < kExactBits) {
    const auto [codes, step] = weight_codes(result, layer.weight_bits);
    result = (codes * step).view_as(weight);
  }
  return result.contiguous(weight.suggest_memory_format());
}

double density_on_the_way(double density, double done) {
  const double left = 1 - std::clamp(done, 0.0, 1.0);
  return density + (1 - density) * left * left * left;
}

std::vector<bool> rounded_outputs(const Network& network) {
  const auto at = [](int i) { return static_cast<std::size_t>(i); };
  std::vector<int> readers(at(network.size()), 0);
  std::vector<bool> rounded(at(network.size()), true);
  for (const Layer& layer : network.layers()) {
    for (const int from : network.inputs(layer)) ++readers[at(from)];
  }
  for (int i = 1; i < network.size(); ++i) {
    const Layer& layer = network.layer(i);
    const bool fuses = layer.op == Op::batch_norm || layer.op == Op::activation;
    const int from = network.inputs(layer)[0];
    if (fuses && readers[at(from)] == 1 && from > 0) rounded[at(from)] = false;
    if (layer.op == Op::identity || layer.op == Op::flatten) rounded[at(i)] = false;
    if (layer.op == Op::embedding) rounded[at(from)] = false;  // indices
  }
  rounded[at(network.size() - 1)] = false;
  return rounded;
}

}  // namespace hwnas
