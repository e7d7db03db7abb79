// Automatic folding: the parallelism of each engine of a streaming design.
//
// All engines of a design wait for the slowest one. For a given number of cycles, each layer takes
// the least parallelism that reaches it: first more inputs per cycle, over the divisors of k, while
// the weights of one output fit `weight_stream_bits`, then more outputs, over the divisors of n, at
// last inputs again. The least number of cycles whose design fits is searched by bisection, to 3 %.
// Weights go to block RAM; where it is full, those that waste most of it go to URAM, then to LUTs.
// Source: SetFolding of FINN (doi:10.1145/3242897) for one number of cycles. Free functions,
// thread-safe, deterministic.
#pragma once

#include <span>
#include <vector>

#include "hw_models/families/fpga_engine.h"

namespace hwnas {

// Where the weights of an engine lie.
struct FpgaPlacement {
  std::vector<FpgaResources> weights;  // for each engine
  FpgaResources used;                  // by all, logic and weights
};

// Places weights so that the design fits `limit` if it can.
FpgaPlacement place_weights(std::span<const FpgaEngine> engines, const FpgaResources& limit);

// Folds the engines that are not `fixed` for the least cycles, no less than `floor_cycles`, whose
// design fits the memory and `usable_share` of the LUTs and DSPs of `limit`, or else all of
// `limit`. If none does, they are folded as far as LUTs and DSPs allow, whatever memory they need.
void fold_to_fit(std::span<FpgaEngine> engines, std::span<const char> fixed,
                 const FpgaResources& limit, double usable_share, int weight_stream_bits,
                 double floor_cycles);

// One engine, in fewer than `cycles` cycles if it can.
void fold_for(FpgaEngine& engine, double cycles, int weight_stream_bits);

}  // namespace hwnas
