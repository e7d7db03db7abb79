// Kernel: a layer as a runtime executes it, with the followers that it fuses.
//
// A runtime folds a batch norm into the conv or linear layer before it, and computes activations
// and sums on the values that a kernel is about to store. Predicting kernels instead of layers is
// what makes sums of layers agree with measured networks (nn-Meter, MobiSys 2021,
// doi:10.1145/3458864.3467882). Free functions, thread-safe.
#pragma once

#include <cstdint>
#include <vector>

#include "space/network.h"

namespace hwnas {

enum class OpClass : std::uint8_t {
  conv,
  pointwise,
  depthwise,
  linear,
  pool,
  elementwise,
  attention
};
constexpr std::size_t kOpClasses = 7;
constexpr bool has_weights(OpClass c) {
  return c <= OpClass::linear;
}
OpClass op_class(const Layer& layer);

// Which followers join the kernel before them, where nobody else reads its output.
struct Fusion {
  bool batch_norm = false;  // right after a conv or linear layer, into its weights
  bool activation = false;  // into any kernel
  bool add = false;         // into the last conv or linear kernel that it reads
};

// Of one image. Bytes at each tensor's own precision.
struct Kernel {
  std::int32_t layer = 0;  // index in Network::layers() of the layer it is named after
  std::int32_t last = 0;   // index of the last layer fused into it
  OpClass op = OpClass::elementwise;
  bool folded_norm = false;
  std::int64_t macs = 0;
  // pools: window x outputs; attention: scores in the softmax; others and fused sums: elements read
  std::int64_t element_ops = 0;
  std::int64_t weights = 0;   // multiplied weights
  double weight_bytes = 0;    // of these, unpruned, without biases
  double constant_bytes = 0;  // biases, scale and shift: 4 bytes each
  double input_bytes = 0;     // each tensor read from outside the kernel, once
  double cache_bytes = 0;     // attention: keys and values of earlier tokens
  double table_bytes = 0;     // embedding: stored, of which only some rows are read
  double output_bytes = 0;
};

// In the order of their named layers. Inputs, flatten and identity are no kernels: they cost
// nothing.
std::vector<Kernel> kernels_of(const Network& network, const Fusion& fusion);

}  // namespace hwnas
