// NetworkBuilder: makes a Network layer by layer, with shape inference.
//
//   NetworkBuilder b("tiny", {1, 28, 28});
//   int x = b.conv(0, {.channels = 16, .kernel = 3, .stride = 2});
//   x = b.activation(b.batch_norm(x), Activation::relu);
//   x = b.linear(b.global_avg_pool(x), 10);
//   Network n = std::move(b).build();
//
// Every call appends one layer and returns its index; `from` is the index of an earlier layer.
// A shape that does not fit throws std::invalid_argument that names the layer. Not thread-safe.
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "space/network.h"

namespace hwnas {

struct ConvSpec {
  int channels = 1;
  int kernel = 1;
  int kernel_w = 0;  // 0: as `kernel`
  int stride = 1;
  int pad = -1;  // on every side; -1: "same", output = ceil(input / stride)
  int groups = 1;
  bool bias = false;
};

class NetworkBuilder {
 public:
  NetworkBuilder(std::string name, Shape input);

  // Name prefix, precision and density of the layers that follow. Names become PREFIX.OP, with "bn"
  // for a batch norm and the function for an activation.
  void set_prefix(std::string_view prefix) { prefix_ = prefix; }
  void set_precision(int weight_bits, int activation_bits);
  void set_input_precision(int activation_bits);
  void set_activation_bits(int index, int bits);  // of a layer that is there already
  // With a `block`, layers whose input channels of a group it does not divide stay dense.
  void set_weight_density(double density, int block = 0) {
    density_ = density;
    density_block_ = block;
  }

  int conv(int from, const ConvSpec& spec);
  int linear(int from, int channels, bool bias = true);
  int pool(int from, Op op, int kernel, int stride, int pad);
  int batch_norm(int from) { return unary(from, Op::batch_norm); }
  int activation(int from, Activation kind);  // Activation::none appends nothing and returns `from`
  int unary(int from, Op op,
            int groups = 1);  // norm, softmax, flatten, shuffle, identity, zero, ...
  int join(std::span<const int> from, Op op);  // add, multiply, concat
  int global_avg_pool(int from) { return unary(from, Op::global_avg_pool); }
  int embedding(int from, int channels, int entries);
  int with_entries(int from, Op op, int entries);  // position_embedding, tokens
  int attention(int queries, int keys, int values, int heads, int cached_tokens = 0,
                bool causal = false);
  int add(std::initializer_list<int> from) { return join({from.begin(), from.size()}, Op::add); }

  // A layer given in full but for its shapes and edges, which are inferred. For files and
  // importers.
  int append(Layer layer, std::span<const int> from, int out_channels = 0);

  const Shape& shape(int index) const { return network_.layer(index).out; }
  int size() const { return network_.size(); }
  Network build() &&;

 private:
  void set_density(Layer& layer) const;
  void infer_shape(Layer& layer, std::span<const int> from, int out_channels) const;
  void infer_attention(Layer& layer, std::span<const int> from) const;

  Network network_;
  std::string prefix_;
  int weight_bits_ = 32, activation_bits_ = 32;
  double density_ = 1;
  int density_block_ = 0;
};

}  // namespace hwnas
