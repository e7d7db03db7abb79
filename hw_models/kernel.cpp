#include "hw_models/kernel.h"

#include <algorithm>

namespace hwnas {
namespace {

std::size_t at(int i) {
  return static_cast<std::size_t>(i);
}

double tensor_bytes(const Layer& layer) {
  return static_cast<double>(layer.out.elements()) * layer.activation_bits / 8;
}

bool is_view(const Layer& layer) {
  return layer.op == Op::flatten || layer.op == Op::identity || layer.op == Op::select_token ||
         (layer.op == Op::tokens && layer.entries == 0);
}

class Fuser {
 public:
  Fuser(const Network& network, const Fusion& fusion) : network_(network), fusion_(fusion) {
    value_.resize(at(network.size()));
    readers_.assign(at(network.size()), 0);
    owner_.assign(at(network.size()), -1);
    kernels_.reserve(at(network.size()));
    for (const Layer& layer : network.layers())
      for (const int from : network.inputs(layer)) ++readers_[at(from)];
  }

  std::vector<Kernel> run() {
    for (int i = 0; i < network_.size(); ++i) {
      const Layer& layer = network_.layer(i);
      value_[at(i)] = i;
      if (layer.op == Op::input) continue;
      if (is_view(layer)) {
        const int from = network_.inputs(layer)[0];
        value_[at(i)] = value_[at(from)];
        owner_[at(i)] = owner_[at(from)];
        // A view with readers of its own stands in for its source.
        readers_[at(value_[at(i)])] += readers_[at(i)] - 1;
        continue;
      }
      const int kernel = fused_into(layer);
      if (kernel >= 0) {
        join(kernel, i, layer);
      } else {
        start(i, layer);
      }
    }
    return std::move(kernels_);
  }

 private:
  // The kernel whose output `from` is, where nobody but one layer reads it; else -1.
  int open_kernel(int from) const {
    const int source = value_[at(from)];
    const int kernel = owner_[at(source)];
    if (kernel < 0 || readers_[at(source)] != 1 || kernels_[at(kernel)].last != source) return -1;
    return kernel;
  }

  int fused_into(const Layer& layer) const {
    if (layer.op == Op::activation && fusion_.activation)
      return open_kernel(network_.inputs(layer)[0]);
    if (layer.op == Op::batch_norm && fusion_.batch_norm) {
      const int from = value_[at(network_.inputs(layer)[0])];
      const Op before = network_.layer(from).op;
      return before == Op::conv || before == Op::linear ? open_kernel(from) : -1;
    }
    if (layer.op != Op::add || !fusion_.add) return -1;
    int latest = -1;
    for (const int from : network_.inputs(layer)) latest = std::max(latest, owner_[at(from)]);
    for (const int from : network_.inputs(layer)) {
      const int kernel = open_kernel(from);
      if (kernel >= 0 && kernel == latest && has_weights(kernels_[at(kernel)].op)) return kernel;
    }
    return -1;
  }

  void join(int index, int i, const Layer& layer) {
    Kernel& kernel = kernels_[at(index)];
    if (layer.op == Op::batch_norm && !kernel.folded_norm) {
      const Layer& head = network_.layer(kernel.layer);
      kernel.folded_norm = true;
      kernel.constant_bytes = 4.0 * head.out.channels;  // the fold leaves a bias
    }
    if (layer.op == Op::add) {
      for (const int from : network_.inputs(layer)) {
        if (value_[at(from)] == kernel.last) continue;
        kernel.input_bytes += tensor_bytes(network_.layer(from));
        kernel.element_ops += layer.out.elements();
      }
    }
    kernel.last = i;
    kernel.output_bytes = tensor_bytes(layer);
    owner_[at(i)] = index;
  }

  void start(int i, const Layer& layer) {
    Kernel kernel;
    kernel.layer = kernel.last = i;
    kernel.op = op_class(layer);
    kernel.weights = weight_count(layer);
    kernel.macs = hwnas::macs(network_, layer);
    kernel.weight_bytes = static_cast<double>(kernel.weights) * layer.weight_bits / 8;
    if (layer.bias) kernel.constant_bytes = 4.0 * layer.out.channels;
    if (!has_weights(kernel.op) && layer.op != Op::embedding)
      kernel.constant_bytes = 4.0 * static_cast<double>(parameters(layer));
    std::int64_t elements_in = 0;
    const auto inputs = network_.inputs(layer);
    for (std::size_t k = 0; k < inputs.size(); ++k) {
      const Layer& source = network_.layer(inputs[k]);
      elements_in += source.out.elements();
      const bool again = std::find(inputs.begin(), inputs.begin() + static_cast<std::ptrdiff_t>(k),
                                   inputs[k]) != inputs.begin() + static_cast<std::ptrdiff_t>(k);
      if (!again) kernel.input_bytes += tensor_bytes(source);
    }
    const bool slides = layer.op == Op::max_pool || layer.op == Op::avg_pool;
    if (!has_weights(kernel.op)) {
      kernel.element_ops =
          slides ? layer.out.elements() * layer.kernel_h * layer.kernel_w : elements_in;
    }
    if (layer.op == Op::attention) add_attention(kernel, layer);
    if (layer.op == Op::embedding) add_embedding(kernel, layer);
    kernel.output_bytes = tensor_bytes(layer);
    owner_[at(i)] = static_cast<int>(kernels_.size());
    kernels_.push_back(kernel);
  }

  void add_attention(Kernel& kernel, const Layer& layer) const {
    const AttentionShape shape = attention_shape(network_, layer);
    kernel.element_ops = shape.heads * shape.tokens * shape.kv_tokens;
    const int bits = network_.layer(network_.inputs(layer)[1]).activation_bits;
    kernel.cache_bytes = static_cast<double>(cached_values(network_, layer)) * bits / 8;
  }

  // Reads the rows that its indices name, not the table.
  void add_embedding(Kernel& kernel, const Layer& layer) const {
    kernel.table_bytes = static_cast<double>(parameters(layer)) * layer.weight_bits / 8;
    kernel.element_ops = layer.out.elements();
    kernel.input_bytes = static_cast<double>(layer.out.elements()) * layer.weight_bits / 8;
  }

  const Network& network_;
  const Fusion& fusion_;
  std::vector<int> value_;    // the layer whose tensor a layer's output is
  std::vector<int> readers_;  // of a layer's output
  std::vector<int> owner_;    // kernel that computes a layer; -1: the input
  std::vector<Kernel> kernels_;
};

}  // namespace

OpClass op_class(const Layer& layer) {
  switch (layer.op) {
    case Op::conv:
      if (is_depthwise(layer)) return OpClass::depthwise;
      return layer.kernel_h == 1 && layer.kernel_w == 1 ? OpClass::pointwise : OpClass::conv;
    case Op::linear:
      return OpClass::linear;
    case Op::max_pool:
    case Op::avg_pool:
    case Op::global_avg_pool:
      return OpClass::pool;
    case Op::attention:
      return OpClass::attention;
    default:
      return OpClass::elementwise;
  }
}

std::vector<Kernel> kernels_of(const Network& network, const Fusion& fusion) {
  return Fuser(network, fusion).run();
}

}  // namespace hwnas
