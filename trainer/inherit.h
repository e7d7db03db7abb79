// Warm start: a network begins with the values of a trained one, as far as they fit.
//
// A layer takes from the layer of its name. Kernels are centred on one another. Where the network
// has fewer channels than the other it takes those that matter most: the scale of their norms times
// the sum of magnitudes of the weights that read them (without a norm: of the weights that make
// them), alike in all layers that share them through sums and depthwise convolutions. So one that
// is trained on after this is channel pruning (Li et al., arXiv:1608.08710; Liu et al.,
// arXiv:1708.06519). Where it has more the others stay as they were drawn. A layer behind a
// concatenation, shuffle or flattening of several pixels takes values only from one of its own
// shape.
#pragma once

#include <filesystem>

namespace hwnas {

class Module;

// `weights`: as save_weights() writes them. Returns how many layers took something, of how many
// that have values. Throws std::runtime_error with path and reason where the file is none. Not
// thread-safe for one module.
struct Inherited {
  int layers = 0, of = 0;
};
Inherited inherit(Module& module, const std::filesystem::path& weights);

}  // namespace hwnas
