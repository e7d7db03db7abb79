#include "trainer/integer_network.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "space/network_builder.h"
#include "trainer/compression.h"
#include "trainer/layer_op.h"

namespace hwnas {
namespace {

using at::Tensor;

constexpr double kNormEpsilon = 1e-5;  // LibTorch's default, as norm.cpp has it
constexpr int kMostBits = 8;

bool has_weights(const Layer& layer) {
  return layer.op == Op::conv || layer.op == Op::linear;
}

// Codes come out as they went in.
bool moves_only(const Layer& layer) {
  return layer.op == Op::max_pool || layer.op == Op::flatten || layer.op == Op::identity ||
         layer.op == Op::channel_shuffle;
}

std::uint8_t codes_bits(int bits) {
  return static_cast<std::uint8_t>(std::min(bits, kMostBits));
}

double top_code(int bits) {
  return static_cast<double>((1 << bits) - 1);
}

std::vector<int> count_readers(const Network& network) {
  std::vector<int> readers(static_cast<std::size_t>(network.size()), 0);
  for (const Layer& layer : network.layers()) {
    for (const int from : network.inputs(layer)) ++readers[static_cast<std::size_t>(from)];
  }
  return readers;
}

// Probabilities are not rounded to codes.
bool ends_real(const Network& network, int layer) {
  return layer + 1 == network.size() && network.layer(layer).op == Op::softmax;
}

struct Part {
  std::vector<Tensor> values;  // folded, float32, as layer_op.h wants them
  Tensor weight;               // integers, as reals; undefined: no weights
  Tensor weight_scale;         // of each output channel, float32
  Tensor bias, bias_scale;     // integers, as reals; of each channel, float32
  bool stored = false;         // its output is rounded to codes
  Tensor range;                // of the output; undefined: to be seen in calibration
  float scale = 1;             // of the output: value = scale * (code - zero)
  double zero = 0;
};

// weight and bias with the norm behind them in one.
std::vector<Tensor> folded(const std::vector<Tensor>& values, const std::vector<Tensor>& norm) {
  const Tensor factor = norm[0] / (norm[3] + kNormEpsilon).sqrt();
  std::vector<std::int64_t> shape(static_cast<std::size_t>(values[0].dim()), 1);
  shape[0] = -1;
  const Tensor bias = values[1].defined() ? values[1] - norm[2] : -norm[2];
  return {values[0] * factor.view(shape), norm[1] + bias * factor};
}

}  // namespace

struct IntegerNetwork::Impl {
  Network network;
  std::vector<Part> parts;

  const Part& input_of(const Layer& layer, int which = 0) const {
    return parts[static_cast<std::size_t>(network.inputs(layer)[static_cast<std::size_t>(which)])];
  }

  // The values of all layers for a batch; `visit(layer, value)` may change what is kept.
  template <typename Visit>
  Tensor walk(const Tensor& images, const Visit& visit) const {
    std::vector<Tensor> kept{visit(0, resized(images, network.input()))};
    for (int i = 1; i < network.size(); ++i) {
      std::vector<Tensor> inputs;
      for (const int from : network.inputs(network.layer(i)))
        inputs.push_back(kept[static_cast<std::size_t>(from)]);
      kept.push_back(visit(i, value(i, inputs)));
    }
    return kept.back().flatten(1);
  }

  // Sums of products are exact: integers, as reals that hold them all (round_weights).
  Tensor value(int i, const std::vector<Tensor>& inputs) const {
    const Layer& layer = network.layer(i);
    const Part& part = parts[static_cast<std::size_t>(i)];
    if (!part.weight.defined()) return apply(layer, inputs, part.values, {});
    const Part& from = input_of(layer);
    const Tensor codes = (inputs[0] / from.scale).round_().to(part.weight.scalar_type());
    const Tensor sums = apply(layer, {codes}, {part.weight, part.bias}, {});
    return (sums * part.bias_scale.to(at::kDouble).view({1, -1, 1, 1})).to(at::kFloat);
  }

  // A stored value: rounded to its codes, then as a real number again.
  Tensor stored(int i, const Tensor& value) const {
    const Part& part = parts[static_cast<std::size_t>(i)];
    if (!part.stored) return value;
    const Tensor codes = (value / part.scale).round().add_(part.zero);
    return codes.clamp_(0, top_code(network.layer(i).activation_bits))
        .sub_(part.zero)
        .mul_(part.scale);
  }

  void fold(const Module& module) {
    const Network& old = module.network();
    const std::vector<int> readers = count_readers(old);
    NetworkBuilder builder(old.name, old.input());
    builder.set_input_precision(codes_bits(old.layer(0).activation_bits));
    parts.emplace_back().range = module.range(0);
    std::vector<int> now{0};  // of each old layer, the one that stands for it
    for (int i = 1; i < old.size(); ++i) {
      Layer layer = old.layer(i);
      const int before = old.inputs(layer)[0];
      if (layer.op == Op::batch_norm && has_weights(old.layer(before)) &&
          readers[static_cast<std::size_t>(before)] == 1) {
        const int at = now[static_cast<std::size_t>(before)];
        Part& part = parts[static_cast<std::size_t>(at)];
        part.values = folded(part.values, module.values(i));
        part.range = module.range(i);
        now.push_back(at);
        continue;
      }
      std::vector<int> from;
      for (const int source : old.inputs(layer))
        from.push_back(now[static_cast<std::size_t>(source)]);
      layer.name = module.layer_name(i);
      layer.bias = layer.bias || has_weights(layer);
      layer.weight_bits = has_weights(layer) ? codes_bits(layer.weight_bits) : 32;
      layer.activation_bits = ends_real(old, i) ? 32 : codes_bits(layer.activation_bits);
      now.push_back(builder.append(std::move(layer), from, old.layer(i).out.channels));
      parts.emplace_back().values = module.values(i);
      parts.back().range = module.range(i);
    }
    network = std::move(builder).build();
  }

  // Not what an activation or norm goes on with alone, and not probabilities.
  void choose_stored() {
    const std::vector<int> readers = count_readers(network);
    for (Part& part : parts) part.stored = true;
    for (int i = 1; i < network.size(); ++i) {
      const Layer& layer = network.layer(i);
      const int before = network.inputs(layer)[0];
      const bool fuses = layer.op == Op::batch_norm || layer.op == Op::activation;
      if (fuses && before > 0 && readers[static_cast<std::size_t>(before)] == 1)
        parts[static_cast<std::size_t>(before)].stored = false;
    }
    if (ends_real(network, network.size() - 1)) parts.back().stored = false;
  }

  void calibrate(const std::vector<Tensor>& batches) {
    std::vector<double> low(parts.size(), 0), high(parts.size(), 0);
    for (const Tensor& batch : batches) {
      walk(batch, [&](int i, Tensor value) {
        const auto at = static_cast<std::size_t>(i);
        low[at] += value.min().item<double>() / static_cast<double>(batches.size());
        high[at] += value.max().item<double>() / static_cast<double>(batches.size());
        return value;
      });
    }
    for (int i = 0; i < network.size(); ++i) {
      Part& part = parts[static_cast<std::size_t>(i)];
      if (!part.stored) continue;
      const Layer& layer = network.layer(i);
      if (moves_only(layer) &&
          network.layer(network.inputs(layer)[0]).activation_bits == layer.activation_bits) {
        part.scale = input_of(layer).scale;
        part.zero = input_of(layer).zero;
        continue;
      }
      const double top = top_code(layer.activation_bits);
      double l = low[static_cast<std::size_t>(i)], h = high[static_cast<std::size_t>(i)];
      if (part.range.defined()) {
        l = part.range[0].item<double>();
        h = part.range[1].item<double>();
      }
      l = std::min(0.0, l);
      h = std::max(0.0, h);
      part.scale = static_cast<float>(std::max(h - l, 1e-6) / top);
      part.zero = std::clamp(std::nearbyint(-l / static_cast<double>(part.scale)), 0.0, top);
    }
  }

  void round_weights() {
    for (int i = 1; i < network.size(); ++i) {
      Part& part = parts[static_cast<std::size_t>(i)];
      const Layer& layer = network.layer(i);
      if (!has_weights(layer)) continue;
      const auto [codes, step] = weight_codes(part.values[0], layer.weight_bits);
      part.weight_scale = step.flatten();
      const Tensor weight = codes.to(at::kDouble);
      part.bias_scale = part.weight_scale * input_of(layer).scale;
      part.bias = part.values[1].defined()
                      ? (part.values[1].to(at::kDouble) / part.bias_scale).round()
                      : torch::zeros({layer.out.channels}, at::kDouble);
      // No sum on the way can be larger; float32 holds integers up to 2^24 and is much faster.
      const Tensor largest = weight.abs().sum(1) * top_code(kMostBits) + part.bias.abs();
      const auto type = largest.max().item<double>() < (1 << 24) ? at::kFloat : at::kDouble;
      part.weight = weight.view_as(part.values[0]).to(type);
      part.bias = part.bias.to(type);
    }
  }
};

IntegerNetwork::IntegerNetwork(const Module& module, const std::vector<Tensor>& batches)
    : impl_(std::make_unique<Impl>()) {
  const torch::NoGradGuard no_grad;
  impl_->fold(module);
  impl_->choose_stored();
  impl_->calibrate(batches);
  impl_->round_weights();
}

IntegerNetwork::~IntegerNetwork() = default;
IntegerNetwork::IntegerNetwork(IntegerNetwork&&) noexcept = default;

const Network& IntegerNetwork::network() const {
  return impl_->network;
}

Tensor IntegerNetwork::forward(const Tensor& images) const {
  const torch::NoGradGuard no_grad;
  return impl_->walk(images,
                     [this](int i, const Tensor& value) { return impl_->stored(i, value); });
}

NamedTensors IntegerNetwork::tensors() const {
  NamedTensors all;
  for (int i = 0; i < impl_->network.size(); ++i) {
    const Part& part = impl_->parts[static_cast<std::size_t>(i)];
    const std::string& name = impl_->network.layer(i).name;
    constexpr const char* kNorm[] = {".weight", ".bias", ".mean", ".var"};
    if (part.weight.defined()) {
      all.emplace_back(name + ".weight", part.weight.to(at::kChar));
      all.emplace_back(name + ".weight_scale", part.weight_scale);
      all.emplace_back(name + ".bias", part.bias.to(at::kInt));
      all.emplace_back(name + ".bias_scale", part.bias_scale);
    } else {
      for (std::size_t k = 0; k < part.values.size(); ++k)
        all.emplace_back(name + kNorm[k], part.values[k]);
    }
    if (!part.stored) continue;
    all.emplace_back(name + ".scale", torch::tensor(part.scale));
    all.emplace_back(name + ".zero", torch::tensor(part.zero).to(at::kByte));
  }
  return all;
}

}  // namespace hwnas
