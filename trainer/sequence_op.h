// Layers of sequences (channels x tokens x 1) in LibTorch: what they compute and what they start
// from. Embeddings, norms over the channels, attention, tokens of an image. Thread-safe for
// different `values`.
//
// Sources: attention arXiv:1706.03762, shared keys and values arXiv:2305.13245, layer norm
// arXiv:1607.06450, root-mean-square norm arXiv:1910.07467, class token arXiv:2010.11929.
#pragma once

#include <vector>

#include "space/network.h"
#include "space/rng.h"

namespace at {
class Tensor;
}

namespace hwnas {

bool is_sequence_op(Op op);

// {weight}, of layer_norm {scale, shift}; nothing of attention and select_token. Tables are
// entries x channels, drawn from `rng`, or left undefined where it is null.
std::vector<at::Tensor> sequence_values(const Layer& layer, Rng* rng);

// As apply() of trainer/layer_op.h, for which this is a part. Indices come as floats. Results are
// stored channel by channel within a token, which is the order of channels_last. Throws
// std::invalid_argument: attention to cached tokens, which only a deployed network has.
at::Tensor apply_sequence(const Layer& layer, const std::vector<at::Tensor>& inputs,
                          const std::vector<at::Tensor>& values);

}  // namespace hwnas
