// Patch-based inference: the first layers of a network run on one tile of the image after the
// other, so that only tiles of their large tensors are alive. Neighbouring tiles overlap by the
// halo that kernels read, which is computed again: a layer's work grows by up to
//   (tile + 2 * halo)^2 / tile^2 - 1.
// Lin et al., MCUNetV2, NeurIPS 2021, arXiv:2110.15352. Free function, thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "hw_models/memory_plan.h"
#include "space/network.h"

namespace hwnas {

struct PatchPlan {
  int last = 0;              // the layer whose output is put together from the tiles
  int per_side = 1;          // tiles along each side
  std::vector<double> work;  // of each layer up to `last`: outputs computed over its outputs
  MemoryPlan memory;         // the image and the output of `last` are alive all through the tiles

  int count() const { return per_side * per_side; }
};

// The shortest stage of patches with which the network needs at most `enough_bytes`, else the one
// of least memory. Nothing where the network does not begin with layers that run on tiles.
std::optional<PatchPlan> plan_patches(const Network& network, const MemoryRules& rules,
                                      int per_side, std::int64_t enough_bytes);

}  // namespace hwnas
