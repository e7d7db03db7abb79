// What one layer of a Network computes, in LibTorch. Thread-safe for different `values`.
#pragma once

#include <vector>

#include "space/network.h"

namespace at {
class Tensor;
}

namespace hwnas {

// What LibTorch's convolutions and pools do themselves: padding that is equal on both sides, of
// pools at most half a kernel. Else an explicit border goes before them.
bool pads_equally(const Padding& pad);
bool native_pool(const Layer& layer);

struct RunMode {
  bool training = false;   // a norm takes the statistics of the batch and updates the running ones
  bool overwrite = false;  // the activation may be written over its input
};

// inputs: batch x channels x height x width each, in the order of the layer's edges; not for
// Op::input. values: {weight, bias} of conv (out x in/groups x kernel_h x kernel_w) and linear
// (out x in), {scale, shift, running mean, running variance} of batch_norm, those of
// trainer/sequence_op.h; an absent bias is an undefined tensor. Keeps channels_last inputs
// channels_last.
at::Tensor apply(const Layer& layer, const std::vector<at::Tensor>& inputs,
                 const std::vector<at::Tensor>& values, RunMode mode);

}  // namespace hwnas
