// SpatialLoops: a layer as eight nested loops, and what running them on a spatial array costs. What
// both mappings of the spatial family (tile_mapping.h, row_stationary.h) take and give.
#pragma once

#include <array>
#include <cstdint>

#include "hw_models/gemm.h"

namespace hwnas {

enum class Dim : std::uint8_t { g, n, m, c, p, q, r, s };
constexpr std::size_t kDims = 8;

// What moves. Weights of attention are its keys or values.
enum class Operand : std::uint8_t { inputs, weights, outputs };
constexpr std::size_t kOperands = 3;
constexpr std::size_t at(Operand operand) {
  return static_cast<std::size_t>(operand);
}

// groups, batch, output channels and input channels of a group, output rows and columns, kernel
// rows and columns.
struct SpatialLoops {
  std::array<std::int64_t, kDims> size{1, 1, 1, 1, 1, 1, 1, 1};
  std::int64_t stride_h = 1, stride_w = 1;
  std::array<int, kOperands> bits{8, 8, 8};

  std::int64_t operator[](Dim d) const { return size[static_cast<std::size_t>(d)]; }
  std::int64_t& operator[](Dim d) { return size[static_cast<std::size_t>(d)]; }
  double macs() const;
};

// The product of a layer (of which attention has two) for a batch.
SpatialLoops spatial_loops(const Network& network, const Layer& layer, const Gemm& gemm, int batch);

// Words move once each way; energies at the highest clock. `glb` is everything between DRAM and
// PEs.
struct SpatialRun {
  double cycles = 0;
  double active_pes = 0;
  double dram_input_words = 0, dram_weight_words = 0;    // read
  double dram_output_words = 0, dram_partial_words = 0;  // written; partial sums read back
  double glb_reads = 0, glb_writes = 0, glb_j = 0;
  double pe_reads = 0, pe_writes = 0;
  double pe_j = 0;        // of the PEs' memories, spared none
  double pe_gated_j = 0;  // of these, spared where the input is zero
};

}  // namespace hwnas
