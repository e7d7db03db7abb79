#include "space/network_builder.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace hwnas {
namespace {

[[noreturn]] void fail(const Layer& layer, const std::string& problem) {
  throw std::invalid_argument("layer '" + layer.name + "' (" + std::string(to_string(layer.op)) +
                              "): " + problem);
}

int weight_depth(const Layer& layer) {
  return layer.in.channels / std::max(layer.groups, 1);
}

void check_density_block(const Layer& layer) {
  if (layer.density_block == 0 || weight_depth(layer) % layer.density_block == 0) return;
  fail(layer, "density_block " + std::to_string(layer.density_block) + " does not divide its " +
                  std::to_string(weight_depth(layer)) + " input channels of a group");
}

std::string_view short_name(const Layer& layer) {
  if (layer.op == Op::batch_norm) return "bn";
  if (layer.op == Op::activation) return to_string(layer.activation);
  if (layer.op == Op::global_avg_pool) return "pool";
  return to_string(layer.op);
}

int slide(const Layer& layer, int size, int pad, int kernel, int stride) {
  const int room = size + pad - kernel;
  if (kernel < 1 || stride < 1) fail(layer, "kernel and stride must be at least 1");
  if (room < 0) {
    fail(layer, "kernel " + std::to_string(kernel) + " is larger than its padded input of " +
                    std::to_string(size + pad));
  }
  return room / stride + 1;
}

}  // namespace

NetworkBuilder::NetworkBuilder(std::string name, Shape input) {
  network_.name = std::move(name);
  if (input.channels < 1 || input.height < 1 || input.width < 1) {
    throw std::invalid_argument("input shape " + to_text(input) + " has an empty dimension");
  }
  Layer layer;
  layer.name = "input";
  layer.op = Op::input;
  layer.in = layer.out = input;
  network_.layers_.reserve(64);
  network_.edges_.reserve(72);
  network_.layers_.push_back(std::move(layer));
}

void NetworkBuilder::set_precision(int weight_bits, int activation_bits) {
  weight_bits_ = weight_bits;
  activation_bits_ = activation_bits;
}

void NetworkBuilder::set_input_precision(int activation_bits) {
  network_.layers_[0].activation_bits = static_cast<std::uint8_t>(activation_bits);
}

void NetworkBuilder::set_activation_bits(int index, int bits) {
  network_.layers_[static_cast<std::size_t>(index)].activation_bits =
      static_cast<std::uint8_t>(bits);
}

int NetworkBuilder::conv(int from, const ConvSpec& spec) {
  Layer layer;
  layer.op = Op::conv;
  layer.kernel_h = spec.kernel;
  layer.kernel_w = spec.kernel_w > 0 ? spec.kernel_w : spec.kernel;
  layer.stride_h = layer.stride_w = spec.stride;
  if (spec.pad >= 0) {
    layer.pad = {spec.pad, spec.pad, spec.pad, spec.pad};
  } else {
    layer.pad = {(layer.kernel_h - 1) / 2, (layer.kernel_w - 1) / 2, layer.kernel_h / 2,
                 layer.kernel_w / 2};
  }
  layer.groups = spec.groups;
  layer.bias = spec.bias;
  return append(std::move(layer), {&from, 1}, spec.channels);
}

int NetworkBuilder::linear(int from, int channels, bool bias) {
  Layer layer;
  layer.op = Op::linear;
  layer.bias = bias;
  return append(std::move(layer), {&from, 1}, channels);
}

int NetworkBuilder::pool(int from, Op op, int kernel, int stride, int pad) {
  Layer layer;
  layer.op = op;
  layer.kernel_h = layer.kernel_w = kernel;
  layer.stride_h = layer.stride_w = stride;
  layer.pad = {pad, pad, pad, pad};
  return append(std::move(layer), {&from, 1});
}

int NetworkBuilder::activation(int from, Activation kind) {
  if (kind == Activation::none) return from;
  Layer layer;
  layer.op = Op::activation;
  layer.activation = kind;
  return append(std::move(layer), {&from, 1});
}

int NetworkBuilder::unary(int from, Op op, int groups) {
  Layer layer;
  layer.op = op;
  layer.groups = groups;
  return append(std::move(layer), {&from, 1});
}

int NetworkBuilder::join(std::span<const int> from, Op op) {
  Layer layer;
  layer.op = op;
  return append(std::move(layer), from);
}

int NetworkBuilder::embedding(int from, int channels, int entries) {
  Layer layer;
  layer.op = Op::embedding;
  layer.entries = entries;
  return append(std::move(layer), {&from, 1}, channels);
}

int NetworkBuilder::with_entries(int from, Op op, int entries) {
  Layer layer;
  layer.op = op;
  layer.entries = entries;
  return append(std::move(layer), {&from, 1});
}

int NetworkBuilder::attention(int queries, int keys, int values, int heads, int cached_tokens,
                              bool causal) {
  Layer layer;
  layer.op = Op::attention;
  layer.groups = heads;
  layer.entries = cached_tokens;
  layer.causal = causal;
  const int from[] = {queries, keys, values};
  return append(std::move(layer), from);
}

int NetworkBuilder::append(Layer layer, std::span<const int> from, int out_channels) {
  const bool named = !layer.name.empty();
  if (!named) {
    layer.name = prefix_;
    if (!prefix_.empty()) layer.name += '.';
    layer.name += short_name(layer);
    layer.weight_bits = static_cast<std::uint8_t>(weight_bits_);
    layer.activation_bits = static_cast<std::uint8_t>(activation_bits_);
  }
  if (from.empty()) fail(layer, "reads no layer");
  for (const int index : from) {
    if (index < 0 || index >= network_.size()) fail(layer, "reads a layer that is not before it");
  }
  layer.in = shape(from[0]);
  if (named) {
    check_density_block(layer);
  } else {
    set_density(layer);
  }
  infer_shape(layer, from, out_channels);
  layer.first_input = static_cast<std::int32_t>(network_.edges_.size());
  layer.input_count = static_cast<std::int32_t>(from.size());
  network_.edges_.insert(network_.edges_.end(), from.begin(), from.end());
  network_.layers_.push_back(std::move(layer));
  return network_.size() - 1;
}

void NetworkBuilder::set_density(Layer& layer) const {
  if (density_ == 1 || (layer.op != Op::conv && layer.op != Op::linear)) return;
  if (density_block_ != 0 && weight_depth(layer) % density_block_ != 0) return;
  layer.weight_density = density_;
  layer.density_block = density_block_;
}

void NetworkBuilder::infer_shape(Layer& layer, std::span<const int> from, int out_channels) const {
  layer.out = layer.in;
  const bool many = layer.op == Op::add || layer.op == Op::multiply || layer.op == Op::concat ||
                    layer.op == Op::attention;
  if (!many && from.size() != 1)
    fail(layer, "reads " + std::to_string(from.size()) + " layers, not one");
  switch (layer.op) {
    case Op::input:
      fail(layer, "an input reads nothing");
    case Op::conv:
      if (layer.groups < 1 || layer.in.channels % layer.groups || out_channels % layer.groups) {
        fail(layer, std::to_string(layer.groups) + " groups do not divide " +
                        std::to_string(layer.in.channels) + " input and " +
                        std::to_string(out_channels) + " output channels");
      }
      [[fallthrough]];
    case Op::linear:
      if (out_channels < 1) fail(layer, "needs at least one output channel");
      layer.out.channels = out_channels;
      if (layer.op == Op::linear) break;
      [[fallthrough]];
    case Op::max_pool:
    case Op::avg_pool:
      layer.out.height = slide(layer, layer.in.height, layer.pad.top + layer.pad.bottom,
                               layer.kernel_h, layer.stride_h);
      layer.out.width = slide(layer, layer.in.width, layer.pad.left + layer.pad.right,
                              layer.kernel_w, layer.stride_w);
      break;
    case Op::global_avg_pool:
      layer.out = {layer.in.channels, 1, 1};
      break;
    case Op::flatten:
      layer.out = {static_cast<int>(layer.in.elements()), 1, 1};
      break;
    case Op::channel_shuffle:
      if (layer.groups < 1 || layer.in.channels % layer.groups) {
        fail(layer, std::to_string(layer.groups) + " groups do not divide " +
                        std::to_string(layer.in.channels) + " channels");
      }
      break;
    case Op::multiply: {
      if (from.size() != 2)
        fail(layer, "multiplies two layers, not " + std::to_string(from.size()));
      const Shape& factor = shape(from[1]);
      if (factor != layer.in && factor != Shape{layer.in.channels, 1, 1}) {
        fail(layer, "cannot scale " + to_text(layer.in) + " by " + to_text(factor));
      }
      break;
    }
    case Op::add:
      for (const int index : from) {
        if (shape(index) != layer.in) {
          fail(layer, "cannot add " + to_text(shape(index)) + " to " + to_text(layer.in));
        }
      }
      break;
    case Op::concat:
      layer.out.channels = 0;
      for (const int index : from) {
        const Shape& part = shape(index);
        if (part.height != layer.in.height || part.width != layer.in.width) {
          fail(layer, "cannot concatenate " + to_text(part) + " with " + to_text(layer.in));
        }
        layer.out.channels += part.channels;
      }
      break;
    case Op::embedding:
      if (out_channels < 1) fail(layer, "needs at least one output channel");
      if (layer.entries < 1) fail(layer, "needs at least one entry");
      if (layer.in.channels != 1 || layer.in.width != 1)
        fail(layer, "reads indices as 1 x tokens x 1, not " + to_text(layer.in));
      layer.out.channels = out_channels;
      break;
    case Op::position_embedding:
      if (layer.entries > 0 && layer.entries < layer.in.height) {
        fail(layer, "has " + std::to_string(layer.entries) + " positions for " +
                        std::to_string(layer.in.height) + " tokens");
      }
      break;
    case Op::tokens:
      layer.out = {layer.in.channels, layer.in.height * layer.in.width + layer.entries, 1};
      break;
    case Op::select_token:
      layer.out = {layer.in.channels, 1, 1};
      break;
    case Op::attention:
      infer_attention(layer, from);
      break;
    default:
      break;
  }
}

void NetworkBuilder::infer_attention(Layer& layer, std::span<const int> from) const {
  if (from.size() != 3)
    fail(layer, "reads queries, keys and values, not " + std::to_string(from.size()) + " layers");
  const Shape& keys = shape(from[1]);
  const Shape& values = shape(from[2]);
  if (layer.groups < 1 || layer.in.channels % layer.groups) {
    fail(layer, std::to_string(layer.groups) + " heads do not divide " +
                    std::to_string(layer.in.channels) + " channels");
  }
  const int head = layer.in.channels / layer.groups;
  const bool shared = keys.channels % head == 0 && layer.groups % (keys.channels / head) == 0;
  if (!shared || keys != values || keys.width != 1 || layer.in.width != 1) {
    fail(layer, "cannot attend from " + to_text(layer.in) + " to keys " + to_text(keys) +
                    " and values " + to_text(values) + " with heads of " + std::to_string(head) +
                    " channels");
  }
}

Network NetworkBuilder::build() && {
  return std::move(network_);
}

}  // namespace hwnas
