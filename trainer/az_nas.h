// Three components of AZ-NAS (Lee and Ham, CVPR 2024, arXiv:2403.19232); the fourth is the MACs.
//
// The paper looks at the outputs of the blocks of its spaces. Here a block ends at a feature map
// that every path from input to output passes, before the next layer that is not its norm or
// activation: so any network has blocks. Free functions; thread-safe for different `values`.
#pragma once

#include <cstdint>
#include <vector>

#include "space/network.h"

namespace at {
class Tensor;
}

namespace hwnas {

struct AzNas {  // higher is better; NaN with fewer than two blocks
  double expressivity = 0, progressivity = 0, trainability = 0;
};

// Layers at the end of a block, in order; feature maps only (more than one position).
std::vector<int> block_ends(const Network& network);

// The seed decides the Rademacher vectors. The network must be live.
AzNas az_nas(const Network& network, const std::vector<std::vector<at::Tensor>>& values,
             const at::Tensor& images, std::uint64_t seed);

}  // namespace hwnas
