// Results of every layer of a network, plainly: nothing fused, nothing overwritten, nothing
// dropped.
//
// For looks inside an untrained network; Module (module.h) is the quick way to its output. Free
// functions, thread-safe for different `values`.
#pragma once

#include <vector>

#include "space/network.h"

namespace at {
class Tensor;
}

namespace hwnas {

enum class Norms {
  batch,   // batch norms take the statistics of the batch, gradients pass through these
  frozen,  // the same statistics as constants: what a sample gets does not depend on the others
  none,    // norms pass on what they get
};

// values: of each layer, as layer_op.h wants them; images: batch x the network's input. Up to layer
// `last`; tensor i is that of layer i. Updates running statistics where norms are those of the
// batch.
std::vector<at::Tensor> layer_results(const Network& network,
                                      const std::vector<std::vector<at::Tensor>>& values,
                                      const at::Tensor& images, Norms norms, int last);

// The layer whose result are the logits: the last, or the one before a final softmax.
int logits_layer(const Network& network);

}  // namespace hwnas
