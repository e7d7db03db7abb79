// SystolicArray: cycles and SRAM accesses of matrix products on a grid of multipliers.
//
// R rows by C columns; a product of M x K and K x N runs in folds, each of which fills the grid
// once. cd(a, b) = ceil(a / b):
//   output stationary  cd(M,R) cd(N,C) (K + R + C - 2)
//   weight stationary  cd(K,R) cd(N,C) (M + 2R + C - 2)     R cycles load the weights
//   input stationary   cd(K,R) cd(M,C) (N + 2R + C - 2)
// With double-buffered weights (or inputs) the next fold loads while this one runs:
//   cd(K,R) cd(N,C) max(M, R) + 2R + C - 2.
// Source: Samajdar et al., ISPASS 2020, doi:10.1109/ISPASS48437.2020.00016; the closed forms equal
// SCALE-Sim v3 plus the one cycle that it does not count. Regular value; thread-safe.
#pragma once

#include <cstdint>
#include <string>

#include "hw_models/gemm.h"
#include "space/toml_table.h"

namespace hwnas {

enum class Dataflow : std::uint8_t { output_stationary, weight_stationary, input_stationary, best };

// A product as the array sees it, once per group or head.
struct ArrayGemm {
  std::int64_t m = 1, n = 1, k = 1, repeats = 1;
  std::int64_t positions = 1;  // of a conv's kernel: k = positions x input channels
};

struct ArrayRun {
  double cycles = 0;
  // Words, of all arrays.
  double input_reads = 0, weight_reads = 0, output_writes = 0, partial_reads = 0;
  double weight_tiles = 0;  // R x C tiles of weights that are loaded
};

class SystolicArray {
 public:
  // Reads [array]. Throws InputError.
  static SystolicArray read(const TomlTable& table);

  ArrayRun run(const ArrayGemm& gemm) const;

  double multipliers() const { return static_cast<double>(rows_) * columns_ * arrays_; }
  double weights_per_tile() const { return static_cast<double>(rows_) * columns_; }
  int accumulator_bits() const { return accumulator_bits_; }
  // Times that the weights of a product pass by, as the accumulators hold only so many rows.
  std::int64_t weight_passes(std::int64_t m) const;

 private:
  ArrayRun one_array(const ArrayGemm& gemm, Dataflow dataflow) const;
  ArrayRun split(const ArrayGemm& gemm, Dataflow dataflow) const;

  std::int64_t rows_ = 1, columns_ = 1, arrays_ = 1;
  Dataflow dataflow_ = Dataflow::weight_stationary;
  bool double_buffer_ = false;     // of the operand that stays
  bool positions_in_rows_ = true;  // kernel positions fill the rows, too, not channels alone
  bool packs_groups_ = false;      // several groups share a tile, block by block on its diagonal
  std::int64_t accumulator_rows_ = 0;  // weight stationary; 0: unlimited
  int accumulator_bits_ = 32;
};

}  // namespace hwnas
