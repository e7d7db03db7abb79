#include "space/network.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <sstream>

#include "space/candidate.h"
#include "space/network_builder.h"
#include "space/rng.h"

namespace hwnas {
namespace {

constexpr std::array<std::string_view, kOps> kOpNames{
    "input",           "conv",       "linear",    "max_pool", "avg_pool",    "global_avg_pool",
    "batch_norm",      "activation", "softmax",   "add",      "multiply",    "concat",
    "channel_shuffle", "flatten",    "identity",  "zero",     "embedding",   "position_embedding",
    "layer_norm",      "rms_norm",   "attention", "tokens",   "select_token"};
constexpr std::array<std::string_view, 9> kActivationNames{
    "none", "relu", "relu6", "hard_swish", "hard_sigmoid", "swish", "sigmoid", "tanh", "gelu"};

template <typename Enum, std::size_t N>
std::optional<Enum> find_name(const std::array<std::string_view, N>& names, std::string_view name) {
  const auto at = std::find(names.begin(), names.end(), name);
  if (at == names.end()) return std::nullopt;
  return static_cast<Enum>(at - names.begin());
}

// What hashes equal for two layers that compute the same from the same inputs.
std::uint64_t hash_layer(const Layer& layer) {
  std::uint64_t h = static_cast<std::uint64_t>(layer.op);
  const auto mix = [&h](std::int64_t value) {
    h = hash_combine(h, static_cast<std::uint64_t>(value));
  };
  mix(static_cast<int>(layer.activation));
  mix(layer.bias);
  mix(layer.weight_bits * 256 + layer.activation_bits);
  mix(std::int64_t{layer.kernel_h} << 32 | layer.kernel_w);
  mix(std::int64_t{layer.stride_h} << 32 | layer.stride_w);
  mix(std::int64_t{layer.pad.top} << 32 | layer.pad.left);
  mix(std::int64_t{layer.pad.bottom} << 32 | layer.pad.right);
  mix(layer.groups);
  if (layer.entries != 0) mix(layer.entries);
  if (layer.causal) mix(-1);
  mix(static_cast<std::int64_t>(layer.weight_density * 1e6 + 0.5));
  if (layer.density_block != 0) mix(-2 - layer.density_block);
  mix(layer.out.channels);
  mix(std::int64_t{layer.out.height} << 32 | layer.out.width);
  return h;
}

// For each layer the index of the layer that stands for its value in the live network (itself, or,
// for identities and adds of one live term, the term's), or -1 where nothing arrives from the
// input.
std::vector<int> representatives(const Network& network) {
  std::vector<int> stands(static_cast<std::size_t>(network.size()), -1);
  for (int i = 0; i < network.size(); ++i) {
    const Layer& layer = network.layer(i);
    if (layer.op == Op::input) {
      stands[static_cast<std::size_t>(i)] = i;
      continue;
    }
    if (layer.op == Op::zero) continue;
    int arriving = 0, last = -1;
    for (const int from : network.inputs(layer)) {
      if (stands[static_cast<std::size_t>(from)] < 0) continue;
      ++arriving;
      last = stands[static_cast<std::size_t>(from)];
    }
    const bool needs_all =
        layer.op == Op::multiply || layer.op == Op::concat || layer.op == Op::attention;
    if (arriving == 0 || (needs_all && arriving != layer.input_count)) continue;
    const bool passes = layer.op == Op::identity || (layer.op == Op::add && arriving == 1);
    stands[static_cast<std::size_t>(i)] = passes ? last : i;
  }
  return stands;
}

// What of a network runs, and what each running layer reads.
class LivePart {
 public:
  explicit LivePart(const Network& network) : network_(network), stands_(representatives(network)) {
    const std::size_t n = stands_.size();
    need_.assign(n, false);
    uses_.assign(n, 0);
    only_adds_.assign(n, true);
    if (n == 0 || stands_.back() < 0) return;
    need_[at(stands_.back())] = true;
    only_adds_[at(stands_.back())] = false;
    for (int i = network.size() - 1; i >= 0; --i) {
      if (!need_[at(i)]) continue;
      const Layer& layer = network.layer(i);
      for (const int from : network.inputs(layer)) {
        const int source = stands_[at(from)];
        if (source < 0) continue;
        need_[at(source)] = true;
        ++uses_[at(source)];
        if (layer.op != Op::add) only_adds_[at(source)] = false;
      }
    }
  }

  bool empty() const { return need_.empty() || !need_[0]; }
  int output() const { return stands_.back(); }

  // A sum that only one other sum reads is part of that sum: (a + b) + c runs as a + b + c.
  bool merged(int i) const {
    return network_.layer(i).op == Op::add && only_adds_[at(i)] && uses_[at(i)] == 1;
  }
  bool runs(int i) const { return need_[at(i)] && !merged(i); }

  bool is_all() const {
    for (int i = 0; i < network_.size(); ++i) {
      if (stands_[at(i)] != i || !runs(i)) return false;
    }
    return true;
  }

  // Calls visit(source) for every layer that layer i reads in the live network, in order.
  template <typename Visit>
  void each_input(int i, const Visit& visit) const {
    for (const int from : network_.inputs(network_.layer(i))) {
      const int source = stands_[at(from)];
      if (source < 0) continue;
      if (merged(source)) {
        each_input(source, visit);
      } else {
        visit(source);
      }
    }
  }

 private:
  static std::size_t at(int i) { return static_cast<std::size_t>(i); }

  const Network& network_;
  std::vector<int> stands_;
  std::vector<bool> need_, only_adds_;
  std::vector<int> uses_;
};

}  // namespace

std::string_view to_string(Op op) {
  return kOpNames[static_cast<std::size_t>(op)];
}
std::string_view to_string(Activation a) {
  return kActivationNames[static_cast<std::size_t>(a)];
}
std::optional<Op> parse_op(std::string_view name) {
  return find_name<Op>(kOpNames, name);
}
std::optional<Activation> parse_activation(std::string_view name) {
  return find_name<Activation>(kActivationNames, name);
}

std::string to_text(const Shape& shape) {
  return std::to_string(shape.channels) + "x" + std::to_string(shape.height) + "x" +
         std::to_string(shape.width);
}

int kept_of_block(double density, int block) {
  const double kept = density * block;
  return kept > 0.5 && std::abs(kept - std::round(kept)) < 1e-3
             ? static_cast<int>(std::lround(kept))
             : 0;
}

std::string block_error(double density, int block) {
  std::ostringstream text;
  text << density << " of " << block << " weights is no whole number of them; expected N / "
       << block << ", N from 1 to " << block;
  return text.str();
}

bool is_depthwise(const Layer& layer) {
  return layer.op == Op::conv && layer.groups > 1 && layer.groups == layer.in.channels;
}

std::int64_t weight_count(const Layer& layer) {
  switch (layer.op) {
    case Op::conv:
      return std::int64_t{layer.out.channels} * (layer.in.channels / layer.groups) *
             layer.kernel_h * layer.kernel_w;
    case Op::linear:
      return std::int64_t{layer.out.channels} * layer.in.channels;
    default:
      return 0;
  }
}

std::int64_t parameters(const Layer& layer) {
  switch (layer.op) {
    case Op::batch_norm:
    case Op::layer_norm:
      return std::int64_t{2} * layer.out.channels;
    case Op::rms_norm:
      return layer.out.channels;
    case Op::embedding:
    case Op::tokens:
      return std::int64_t{layer.entries} * layer.out.channels;
    case Op::position_embedding:
      return std::int64_t{layer.entries > 0 ? layer.entries : layer.out.height} *
             layer.out.channels;
    default:
      break;
  }
  return weight_count(layer) + (layer.bias ? layer.out.channels : 0);
}

std::int64_t parameters(const Network& network) {
  std::int64_t sum = 0;
  for (const Layer& layer : network.layers()) sum += parameters(layer);
  return sum;
}

std::int64_t macs(const Layer& layer) {
  return weight_count(layer) * layer.out.height * layer.out.width;
}

std::int64_t macs(const Network& network, const Layer& layer) {
  if (layer.op != Op::attention) return macs(layer);
  const AttentionShape shape = attention_shape(network, layer);
  return 2 * shape.heads * shape.head_channels * shape.tokens * shape.kv_tokens;
}

std::int64_t macs(const Network& network) {
  std::int64_t sum = 0;
  for (const Layer& layer : network.layers()) sum += macs(network, layer);
  return sum;
}

AttentionShape attention_shape(const Network& network, const Layer& layer) {
  const Shape& keys = network.layer(network.inputs(layer)[1]).out;
  const std::int64_t head = layer.in.channels / layer.groups;
  return {layer.groups, keys.channels / head, head, layer.in.height,
          std::int64_t{keys.height} + layer.entries};
}

std::int64_t cached_values(const Network& network, const Layer& layer) {
  if (layer.op != Op::attention) return 0;
  const auto inputs = network.inputs(layer);
  return std::int64_t{layer.entries} *
         (network.layer(inputs[1]).out.channels + network.layer(inputs[2]).out.channels);
}

std::optional<Network> live(Network network) {
  const LivePart part(network);
  if (part.empty()) return std::nullopt;
  if (part.is_all()) return network;
  NetworkBuilder builder(network.name, network.input());
  builder.set_input_precision(network.layer(0).activation_bits);
  std::vector<int> moved(static_cast<std::size_t>(network.size()), 0);
  std::vector<int> from;
  for (int i = 1; i < network.size(); ++i) {
    if (!part.runs(i)) continue;
    from.clear();
    part.each_input(i,
                    [&](int source) { from.push_back(moved[static_cast<std::size_t>(source)]); });
    moved[static_cast<std::size_t>(i)] =
        builder.append(network.layer(i), from, network.layer(i).out.channels);
  }
  return std::move(builder).build();
}

std::uint64_t fingerprint(const Network& network) {
  const LivePart part(network);
  if (part.empty()) return 0;
  std::vector<std::uint64_t> value(static_cast<std::size_t>(network.size()), 0);
  std::vector<std::uint64_t> inputs;
  std::uint64_t all = 0;  // a sum: layers in any order; tells one shared layer from two equal ones
  for (int i = 0; i < network.size(); ++i) {
    if (!part.runs(i)) continue;
    const Layer& layer = network.layer(i);
    inputs.clear();
    part.each_input(i,
                    [&](int source) { inputs.push_back(value[static_cast<std::size_t>(source)]); });
    if (layer.op == Op::add) std::sort(inputs.begin(), inputs.end());
    std::uint64_t h = hash_layer(layer);
    for (const std::uint64_t input : inputs) h = hash_combine(h, input);
    value[static_cast<std::size_t>(i)] = h;
    all += hash_combine(0, h);
  }
  return hash_combine(all, value[static_cast<std::size_t>(part.output())]);
}

std::uint64_t fingerprint(const Candidate& candidate) {
  std::uint64_t h = fingerprint(candidate.network);
  h = hash_combine(h, static_cast<std::uint64_t>(candidate.deployment.batch));
  return hash_combine(h, static_cast<std::uint64_t>(candidate.deployment.clock_share * 1e6 + 0.5));
}

Network with_precision(const Network& network, int weight_bits, int activation_bits) {
  NetworkBuilder builder(network.name, network.input());
  builder.set_input_precision(activation_bits);
  std::vector<int> from;
  for (int i = 1; i < network.size(); ++i) {
    Layer layer = network.layer(i);
    layer.weight_bits = static_cast<std::uint8_t>(weight_bits);
    layer.activation_bits = static_cast<std::uint8_t>(activation_bits);
    const auto inputs = network.inputs(layer);
    from.assign(inputs.begin(), inputs.end());
    builder.append(std::move(layer), from, network.layer(i).out.channels);
  }
  return std::move(builder).build();
}

}  // namespace hwnas
