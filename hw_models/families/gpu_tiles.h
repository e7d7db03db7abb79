// TileLaw: how long a matrix product keeps the cores of a GPU busy, from its shape alone.
//
// The product is cut into tiles of the output, dealt out to the cores in waves. On a core with n
// tiles, of which `blocks` run side by side,
//   step   = step_bytes along the depth, of the operand that is activations
//   work   = depth * max(rows * columns / rate, operand bytes / operand_bytes_per_cycle)
//          + rows * columns * epilogue_ops / lanes
//   chain  = steps * (cycles_per_step or, for weights that no cache holds, cycles_per_far_step)
//          + the epilogue
//   cycles = max(n * work, ceil(n / blocks) * chain)
// with ragged edges computed in full. The chain is what a lone tile cannot hide: fetch, wait,
// multiply, step after step; it is why small products reach a few per cent of the peak however
// fast the arithmetic is. The best of the listed tiles is taken. Products with few tiles may be
// split along the depth where the caller allows it (matrix libraries do, convolutions do not).
//
// A regular value; const access is thread-safe. Sources: tiles and splits, CUTLASS documentation,
// "efficient GEMM in CUDA"; hiding latency, Little's law, as in Volkov, UCB/EECS-2016-143.
#pragma once

#include <vector>

#include "hw_models/gemm.h"
#include "space/toml_table.h"

namespace hwnas {

// What one product asks of the cores.
struct TileWork {
  double cycles = 0;         // of the busiest core
  double operand_bytes = 0;  // fetched by all cores, from the cache that they share
  double outputs = 0;        // computed, ragged edges and splits included
};

// How the operands lie in memory, and what one core does with them.
struct TileOperands {
  double activation_bytes = 1, weight_bytes = 1;  // of a value; pruned weights count less
  double macs_per_cycle = 1;                      // of one core, at full tiles
  double lane_ops_per_cycle = 1;                  // of one core: the epilogue
  double far_share = 0;                           // of the weights, that no cache holds
  bool may_split = false;
};

class TileLaw {
 public:
  // Reads [utilisation]; throws InputError.
  static TileLaw read(const TomlTable& file, int cores);

  TileWork work(const Gemm& gemm, const TileOperands& operands) const;
  double epilogue_ops() const { return epilogue_ops_; }

 private:
  struct Tile {
    double rows, columns;
    double blocks;  // that fit on a core
  };
  TileWork work(const Gemm& gemm, const TileOperands& operands, const Tile& tile) const;

  std::vector<Tile> tiles_;
  double cores_ = 1;
  double step_bytes_ = 1, cycles_per_step_ = 0, cycles_per_far_step_ = 0;
  double operand_bytes_per_cycle_ = 1;  // into one core, all cores fetching
  double epilogue_ops_ = 0;             // lane operations per output
  double splits_highest_ = 1;
};

}  // namespace hwnas
