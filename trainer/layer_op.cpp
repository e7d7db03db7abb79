#include "trainer/layer_op.h"

#include <torch/torch.h>

#include <array>
#include <cassert>
#include <limits>

#include "trainer/norm.h"
#include "trainer/sequence_op.h"

namespace hwnas {
namespace {

namespace F = torch::nn::functional;
using at::Tensor;

Tensor pad_with(const Tensor& x, const Padding& pad, double value) {
  if (pad == Padding{}) return x;
  return F::pad(x, F::PadFuncOptions({pad.left, pad.right, pad.top, pad.bottom}).value(value));
}

Tensor conv(const Layer& layer, const Tensor& x, const std::vector<Tensor>& values) {
  const bool direct = pads_equally(layer.pad);
  return torch::conv2d(
      direct ? x : pad_with(x, layer.pad, 0), values[0], values[1],
      {layer.stride_h, layer.stride_w},
      direct ? at::IntArrayRef{layer.pad.top, layer.pad.left} : at::IntArrayRef{0, 0}, {1, 1},
      layer.groups);
}

Tensor linear(const Layer& layer, const Tensor& x, const std::vector<Tensor>& values) {
  if (layer.in.height == 1 && layer.in.width == 1) {
    return torch::linear(x.flatten(1), values[0], values[1])
        .unflatten(1, {layer.out.channels, 1, 1});
  }
  const Tensor positions = x.permute({0, 2, 3, 1});
  const auto sizes = positions.sizes();
  return torch::linear(positions.reshape({-1, sizes[3]}), values[0], values[1])
      .view({sizes[0], sizes[1], sizes[2], layer.out.channels})
      .permute({0, 3, 1, 2});
}

Tensor max_pool(const Layer& layer, const Tensor& x) {
  const bool direct = native_pool(layer);
  return torch::max_pool2d(
      direct ? x : pad_with(x, layer.pad, -std::numeric_limits<double>::infinity()),
      {layer.kernel_h, layer.kernel_w}, {layer.stride_h, layer.stride_w},
      direct ? at::IntArrayRef{layer.pad.top, layer.pad.left} : at::IntArrayRef{0, 0});
}

Tensor avg_pool(const Layer& layer, const Tensor& x) {
  // Arrays: an IntArrayRef would outlive the braces it was made of.
  const std::array<std::int64_t, 2> kernel{layer.kernel_h, layer.kernel_w};
  const std::array<std::int64_t, 2> stride{layer.stride_h, layer.stride_w};
  if (native_pool(layer)) {
    return torch::avg_pool2d(x, kernel, stride, {layer.pad.top, layer.pad.left}, false, false);
  }
  const auto sum = [&](const Tensor& values) {
    return torch::avg_pool2d(pad_with(values, layer.pad, 0), kernel, stride, 0, false, true, 1);
  };
  return sum(x) / sum(torch::ones_like(x.slice(0, 0, 1).slice(1, 0, 1))).clamp_min(1);
}

Tensor activation(Activation kind, Tensor x, bool overwrite) {
  switch (kind) {
    case Activation::none:
      return x;
    case Activation::relu:
      return overwrite ? x.relu_() : x.relu();
    case Activation::relu6:
      return overwrite ? torch::relu6_(x) : torch::relu6(x);
    case Activation::hard_swish:
      return torch::hardswish(x);
    case Activation::hard_sigmoid:
      return torch::hardsigmoid(x);
    case Activation::swish:
      return torch::silu(x);
    case Activation::sigmoid:
      return torch::sigmoid(x);
    case Activation::tanh:
      return torch::tanh(x);
    case Activation::gelu:
      return torch::gelu(x);
  }
  assert(false);
  return x;
}

Tensor channel_shuffle(const Layer& layer, const Tensor& x) {
  const auto format = x.suggest_memory_format();
  const auto [channels, height, width] = layer.in;
  return x.reshape({x.size(0), layer.groups, channels / layer.groups, height, width})
      .transpose(1, 2)
      .reshape({x.size(0), channels, height, width})
      .contiguous(format);
}

Tensor add(const std::vector<Tensor>& inputs) {
  Tensor sum = inputs[0];
  for (std::size_t i = 1; i < inputs.size(); ++i) sum = sum + inputs[i];
  return sum;
}

}  // namespace

bool pads_equally(const Padding& pad) {
  return pad.top == pad.bottom && pad.left == pad.right;
}

bool native_pool(const Layer& layer) {
  return pads_equally(layer.pad) && 2 * layer.pad.top <= layer.kernel_h &&
         2 * layer.pad.left <= layer.kernel_w;
}

Tensor apply(const Layer& layer, const std::vector<Tensor>& inputs,
             const std::vector<Tensor>& values, RunMode mode) {
  const Tensor& x = inputs.front();
  switch (layer.op) {
    case Op::input:
    case Op::identity:
      return x;
    case Op::conv:
      return conv(layer, x, values);
    case Op::linear:
      return linear(layer, x, values);
    case Op::max_pool:
      return max_pool(layer, x);
    case Op::avg_pool:
      return avg_pool(layer, x);
    case Op::global_avg_pool:
      return x.mean({2, 3}, /*keepdim=*/true);
    case Op::batch_norm:
      return norm_activation(x, values, Activation::none, mode.training);
    case Op::activation:
      return activation(layer.activation, x, mode.overwrite);
    case Op::softmax:
      return torch::softmax(x, 1);
    case Op::add:
      return add(inputs);
    case Op::multiply:
      return x * inputs[1];
    case Op::concat:
      return torch::cat(inputs, 1);
    case Op::channel_shuffle:
      return channel_shuffle(layer, x);
    case Op::flatten:
      return x.contiguous().flatten(1).unflatten(1, {layer.out.channels, 1, 1});
    case Op::zero:
      return torch::zeros_like(x);
    default:
      return apply_sequence(layer, inputs, values);
  }
}

}  // namespace hwnas
