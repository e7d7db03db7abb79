// RowStationary: Eyeriss' dataflow. A PE slides one filter row over one input row; a column of
// kernel-height PEs sums an output row; sets of such columns lie side by side and above each other.
//
//   slots = floor(rows / Kh), strips = ceil(E / columns), E = output rows
//   active PEs = Kh E floor(slots / strips) where the strips of a whole plane fit, else Kh columns
//   slots; narrow planes lie side by side
// One pass runs p filters and q channels in each PE, t x r sets of them, n images and e output
// rows:
//   compute  n F p q Kw            F = output columns
//   sums     n F p t e / bus       from and to the global buffer, when q r channels do not hide it
//   ramp     (weights + sums) / bus + first windows of inputs, one word each cycle
//   cycles = passes (max(compute, sums) + ramp)
// The global buffer holds partial sums of m filters and, twice (one being filled), the inputs of a
// pass. n and m are those of least energy in DRAM and buffer, r that of least time; m divides the
// filters where it can. Zeros in inputs spare energy, not time.
// Source: Chen et al., JSSC 2017, doi:10.1109/JSSC.2016.2616357. Immutable, thread-safe.
#pragma once

#include "hw_models/families/spatial_loops.h"
#include "space/toml_table.h"

namespace hwnas {

class RowStationary {
 public:
  // Reads [row_stationary]. Throws InputError.
  static RowStationary read(const TomlTable& table, int rows, int columns);

  SpatialRun run(const SpatialLoops& loops, double dram_j_per_byte) const;

 private:
  struct Layer;   // what of the loops matters here
  struct Choice;  // e, n, m and what follows from them

  Layer layer(const SpatialLoops& loops) const;
  void fill(const Layer& l, Choice& choice, std::int64_t r) const;
  bool choose(const Layer& l, Choice& choice) const;

  std::int64_t rows_ = 1, columns_ = 1;
  std::int64_t filter_words_ = 1, input_words_ = 1, sum_words_ = 1;  // of a PE's scratch pads
  std::int64_t bus_words_ = 1;  // of weights or sums that move each cycle
  double buffer_bytes_ = 0;
  int word_bits_ = 16;
  double spad_j_ = 0, network_j_ = 0, buffer_j_ = 0;  // per word
};

}  // namespace hwnas
