// Network: a decoded architecture, as a graph of layers in topological order.
//
// The only thing that cost models, features, the trainer and the exporter understand. Layer 0 is
// the input, the last layer is the output, and every layer reads only layers before it. Shapes are
// of one image (no batch): channels x height x width. A vector is channels x 1 x 1. A Network is a
// regular value; make one with NetworkBuilder (space/network_builder.h), a network file
// (space/network_file.h) or SearchSpace::decode. const access is thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hwnas {

// NOTE: the order is hashed into fingerprints, which studies store. Append only.
enum class Op : std::uint8_t {
  input,
  conv,    // groups == in channels: depthwise
  linear,  // on the channels, at every position
  max_pool,
  avg_pool,  // padding is not counted in the mean
  global_avg_pool,
  batch_norm,  // per channel, affine
  activation,
  softmax,          // over the channels
  add,              // same shapes
  multiply,         // second input may be channels x 1 x 1 (squeeze-excite)
  concat,           // along the channels
  channel_shuffle,  // ShuffleNet, with `groups`
  flatten,          // to channels*height*width x 1 x 1
  identity,
  zero,  // all zeros of its input's shape ("none" of NAS-Bench-201)
  // Sequences: channels x tokens x 1.
  embedding,           // 1 x tokens x 1 of indices to channels x tokens x 1; `entries` rows
  position_embedding,  // adds a learned vector to each token; `entries` rows, 0: one for each token
  layer_norm,          // over the channels, affine
  rms_norm,            // over the channels, scale only
  attention,           // of queries, keys, values; `groups` heads; `entries` tokens cached before
  tokens,              // channels x height x width to channels x (height*width + entries) x 1:
                       // `entries` learned tokens come first
  select_token,        // the first: channels x 1 x 1
};
constexpr int kOps = static_cast<int>(Op::select_token) + 1;

// NOTE: append only, as Op.
enum class Activation : std::uint8_t {
  none,
  relu,
  relu6,
  hard_swish,
  hard_sigmoid,
  swish,
  sigmoid,
  tanh,
  gelu
};

std::string_view to_string(Op op);
std::string_view to_string(Activation activation);
std::optional<Op> parse_op(std::string_view name);
std::optional<Activation> parse_activation(std::string_view name);

struct Shape {
  int channels = 0, height = 1, width = 1;

  std::int64_t elements() const { return std::int64_t{channels} * height * width; }
  friend bool operator==(const Shape&, const Shape&) = default;
};

// "16x28x28"
std::string to_text(const Shape& shape);

struct Padding {
  int top = 0, left = 0, bottom = 0, right = 0;

  friend bool operator==(const Padding&, const Padding&) = default;
};

struct Layer {
  std::string name;
  Op op = Op::identity;
  Activation activation = Activation::none;  // of Op::activation
  bool bias = false;                         // conv, linear
  std::uint8_t weight_bits = 32;             // precision of the weights
  std::uint8_t activation_bits = 32;         // precision of the output tensor
  int kernel_h = 1, kernel_w = 1;            // conv and pools
  int stride_h = 1, stride_w = 1;
  Padding pad;
  int groups = 1;             // conv, channel_shuffle; attention: heads of the queries
  int entries = 0;            // embeddings, tokens: rows learned; attention: tokens in the KV cache
  bool causal = false;        // attention: a token sees none that comes after it
  double weight_density = 1;  // share of the weights that are not pruned to zero
  int density_block = 0;      // N:M: the share of each so many weights of an output that follow one
                              // another along its input channels; 0: of the layer's, anywhere
  Shape in;                   // of the first input
  Shape out;
  std::int32_t first_input = 0, input_count = 0;  // into Network's list of edges
};

class Network {
 public:
  std::string name;

  std::span<const Layer> layers() const { return layers_; }
  const Layer& layer(int i) const { return layers_[static_cast<std::size_t>(i)]; }
  int size() const { return static_cast<int>(layers_.size()); }

  // The layers that `layer` reads, as indices, in order.
  std::span<const std::int32_t> inputs(const Layer& layer) const {
    return {edges_.data() + layer.first_input, static_cast<std::size_t>(layer.input_count)};
  }
  const Shape& input() const { return layers_.front().out; }
  const Shape& output() const { return layers_.back().out; }
  bool empty() const { return layers_.empty(); }

 private:
  friend class NetworkBuilder;
  std::vector<Layer> layers_;
  std::vector<std::int32_t> edges_;
};

bool is_depthwise(const Layer& layer);

// Of each `block` weights so many are kept, where that is a whole number from 1 up; else 0.
constexpr int kLargestDensityBlock = 64;
int kept_of_block(double density, int block);
// "0.3 of 4 weights is no whole number of them; ..."
std::string block_error(double density, int block);

// Of attention: channels of one head, heads of keys and values (fewer than of the queries where
// several share one), and tokens attended to, the cached ones included.
struct AttentionShape {
  std::int64_t heads, kv_heads, head_channels, tokens, kv_tokens;
};
AttentionShape attention_shape(const Network& network, const Layer& layer);

// Values of keys and values kept from earlier tokens, of one sequence. Attention only, else 0.
std::int64_t cached_values(const Network& network, const Layer& layer);

// Trained values: weights, biases, and scale and shift of a norm (running statistics do not count).
std::int64_t weight_count(const Layer& layer);  // of which the multiplied weights: conv and linear
std::int64_t parameters(const Layer& layer);
std::int64_t parameters(const Network& network);

// Multiply-accumulates of conv, linear and attention (both products, nothing masked) for one image;
// all other ops count none, as is customary. A layer alone counts those with its weights only.
std::int64_t macs(const Layer& layer);
std::int64_t macs(const Network& network, const Layer& layer);
std::int64_t macs(const Network& network);

// The part of a network that runs: layers on a path from the input to the output, without
// identities, without adds of one term, zeros dropped, sums of sums made one sum. Nothing where
// nothing reaches the output. Same function (up to constants that a layer fed zeros would add).
std::optional<Network> live(Network network);

// Equal for networks whose live parts are the same up to the order of layers, the order of the
// terms of commutative ops, and names. Differs where ops, shapes, bits or sparsity differ.
// Stable across runs, machines and versions.
std::uint64_t fingerprint(const Network& network);

// All layers at this precision, the input included. Returns a copy.
Network with_precision(const Network& network, int weight_bits, int activation_bits);

}  // namespace hwnas
