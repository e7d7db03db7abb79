#include "trainer/sequence_op.h"

#include <torch/torch.h>

#include <cassert>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace hwnas {
namespace {

using at::Tensor;

constexpr double kEpsilon = 1e-5;  // of norms

// Of a table's entries. Small beside what the first layers add, so that these decide early on what
// a token means (GPT-2 has 0.02 too).
constexpr double kTableStddev = 0.02;

Tensor table(const Layer& layer, Rng* rng) {
  const int entries = layer.entries > 0 ? layer.entries : layer.out.height;
  Tensor weight = torch::empty({entries, layer.out.channels});
  float* at = weight.data_ptr<float>();
  for (std::int64_t i = 0; rng != nullptr && i < weight.numel(); ++i)
    at[i] = static_cast<float>(kTableStddev * rng->normal());
  return weight.requires_grad_();
}

Tensor channels_behind(const Tensor& x) {
  return x.permute({0, 2, 3, 1});
}
Tensor channels_in_front(const Tensor& x) {
  return x.permute({0, 3, 1, 2});
}

Tensor layer_norm(const Tensor& x, const std::vector<Tensor>& values) {
  return channels_in_front(
      torch::layer_norm(channels_behind(x), {x.size(1)}, values[0], values[1], kEpsilon));
}

Tensor rms_norm(const Tensor& x, const Tensor& scale) {
  const Tensor last = channels_behind(x);
  const Tensor size = last.square().mean(-1, /*keepdim=*/true).add(kEpsilon).rsqrt();
  return channels_in_front(last * size * scale);
}

Tensor looked_up(const Tensor& indices, const Tensor& weight) {
  return channels_in_front(torch::embedding(weight, indices.flatten(1).to(at::kLong)).unsqueeze(2));
}

Tensor with_positions(const Tensor& x, const Tensor& weight) {
  return x + weight.slice(0, 0, x.size(2)).t().unsqueeze(2);
}

Tensor with_tokens(const Tensor& x, const Tensor& weight) {
  const Tensor learned = weight.t().unsqueeze(0).expand({x.size(0), -1, -1});
  return torch::cat({learned, x.flatten(2)}, 2).unsqueeze(3);
}

// batch x channels x tokens x 1 as (batch * heads) x tokens x head's channels.
Tensor heads_of(const Tensor& x, std::int64_t heads) {
  const std::int64_t batch = x.size(0), tokens = x.size(2);
  return x.squeeze(3)
      .transpose(1, 2)
      .reshape({batch, tokens, heads, -1})
      .transpose(1, 2)
      .reshape({batch * heads, tokens, -1});
}

// Minus infinity where key j comes after query i, else 0.
Tensor future(std::int64_t tokens, const at::TensorOptions& options) {
  return torch::full({tokens, tokens}, -std::numeric_limits<double>::infinity(), options).triu(1);
}

Tensor attention(const Layer& layer, const std::vector<Tensor>& inputs) {
  if (layer.entries > 0) {
    throw std::invalid_argument("layer '" + layer.name + "' (attention): keeps " +
                                std::to_string(layer.entries) +
                                " earlier tokens, which only a deployed network has");
  }
  const std::int64_t heads = layer.groups, batch = inputs[0].size(0), tokens = inputs[0].size(2);
  const std::int64_t channels = inputs[0].size(1) / heads;
  const std::int64_t kv_heads = inputs[1].size(1) / channels;
  const Tensor queries = heads_of(inputs[0], heads);
  const auto shared = [&](const Tensor& x) {
    const Tensor own = heads_of(x, kv_heads);
    return kv_heads == heads ? own : own.repeat_interleave(heads / kv_heads, 0);
  };
  const Tensor keys = shared(inputs[1]).transpose(1, 2);
  const double scale = 1 / std::sqrt(static_cast<double>(channels));
  const Tensor scores = layer.causal
                            ? torch::baddbmm(future(tokens, queries.options().requires_grad(false)),
                                             queries, keys, 1, scale)
                            : torch::bmm(queries, keys) * scale;
  const Tensor seen = torch::bmm(torch::softmax(scores, -1), shared(inputs[2]));
  return seen.view({batch, heads, tokens, channels})
      .transpose(1, 2)
      .reshape({batch, tokens, 1, heads * channels})
      .permute({0, 3, 1, 2});
}

}  // namespace

bool is_sequence_op(Op op) {
  switch (op) {
    case Op::embedding:
    case Op::position_embedding:
    case Op::layer_norm:
    case Op::rms_norm:
    case Op::attention:
    case Op::tokens:
    case Op::select_token:
      return true;
    default:
      return false;
  }
}

std::vector<Tensor> sequence_values(const Layer& layer, Rng* rng) {
  switch (layer.op) {
    case Op::embedding:
    case Op::position_embedding:
    case Op::tokens:
      return {table(layer, rng)};
    case Op::layer_norm:
      return {torch::ones({layer.out.channels}).requires_grad_(),
              torch::zeros({layer.out.channels}).requires_grad_()};
    case Op::rms_norm:
      return {torch::ones({layer.out.channels}).requires_grad_()};
    default:
      return {};
  }
}

Tensor apply_sequence(const Layer& layer, const std::vector<Tensor>& inputs,
                      const std::vector<Tensor>& values) {
  const Tensor& x = inputs.front();
  switch (layer.op) {
    case Op::embedding:
      return looked_up(x, values[0]);
    case Op::position_embedding:
      return with_positions(x, values[0]);
    case Op::layer_norm:
      return layer_norm(x, values);
    case Op::rms_norm:
      return rms_norm(x, values[0]);
    case Op::attention:
      return attention(layer, inputs);
    case Op::tokens:
      return with_tokens(x, values[0]);
    case Op::select_token:
      return x.slice(2, 0, 1);
    default:
      assert(false);
      return x;
  }
}

}  // namespace hwnas
