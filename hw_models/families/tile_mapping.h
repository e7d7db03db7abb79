// TileMapping: loops tiled over levels of memory and an array of processing elements (PEs).
//
// Every level, from DRAM to the registers of a PE, keeps some of inputs, weights and outputs and
// runs some temporal loops on the tile below it; the array unrolls some loops in space. Loops that
// no level asks for run at DRAM, in the order of the three (inputs, weights or outputs change least
// often) that moves the fewest words. With the loops in their order, outermost first:
//   cycles = product of the temporal loops                     (each rounded up)
//   fills of a level = its tile x the loops above it, of which the irrelevant ones directly above
//                      the level are free: the tile stays
//   reads for the level below = its fills x PEs / those that share a word (multicast); sums over
//                      space meet on the way up (one update for all)
//   partial sums are read back unless the output is touched for the first time
//   energy = reads and writes x energy per word, by level
// A finished tile is charged where it is written, not where it is read on its way out. Tiles of
// inputs have their whole halo; neighbours share none of it. A tile too large for its level has its
// longest loop halved until it fits. Reproduces the access counts of Timeloop for given mappings.
// Sources: Parashar et al., Timeloop, ISPASS 2019, doi:10.1109/ISPASS.2019.00042; Mei et al.,
// ZigZag, IEEE TC 2021, doi:10.1109/TC.2021.3059962. Immutable, thread-safe.
#pragma once

#include <string>
#include <vector>

#include "hw_models/families/spatial_loops.h"
#include "space/toml_table.h"

namespace hwnas {

class TileMapping {
 public:
  static constexpr std::size_t kMostLevels = 7;  // with DRAM, which is level 0

  // Reads [[levels]] below DRAM, outermost first, and the loops that `array` unrolls over its rows
  // and columns. Throws InputError.
  static TileMapping read(const TomlTable& file, const TomlTable& array, int rows, int columns);

  SpatialRun run(const SpatialLoops& loops) const;

  struct Words {
    double fills = 0;    // of all instances
    double reads = 0;    // for the level below, or the multipliers
    double updates = 0;  // of outputs, from below
  };
  using Accesses = std::array<std::array<Words, kOperands>, kMostLevels>;
  // The same, level by level.
  Accesses accesses(const SpatialLoops& loops) const;

 private:
  struct Factor {
    Dim dim = Dim::m;
    double most = 0;  // infinite: all that is left
  };
  struct Level {
    std::array<bool, kOperands> keeps{};
    bool in_pe = false;
    double bytes = 0;  // of one instance; 0: no limit
    int word_bits = 8;
    double read_j = 0, write_j = 0;  // per word
    std::vector<Factor> loops;       // outermost first
  };
  struct Nest;      // the loops that a layer becomes
  struct Order;     // the same, in their order
  struct Crossing;  // words between two levels

  static std::vector<Factor> read_factors(const TomlTable& table, const char* key);
  static Level read_level(const TomlTable& table);
  Nest nest(const SpatialLoops& loops) const;
  bool fits(const Nest& nest, std::size_t level) const;
  bool shrink(Nest& nest, std::size_t level) const;
  Order inner_order(const Nest& nest) const;
  static void order_dram(const Nest& nest, Operand stationary, Order& order);
  Crossing crossing(const Nest& nest, const Order& order, Operand operand, std::size_t parent,
                    std::size_t level) const;
  Accesses count(const Nest& nest, const Order& order) const;
  Accesses least(const Nest& nest) const;

  double rows_ = 1, columns_ = 1;
  std::vector<Factor> on_rows_, on_columns_;
  std::vector<Level> levels_;                              // DRAM first
  std::array<std::size_t, kOperands> first_below_dram_{};  // level that keeps it; 0: none
};

}  // namespace hwnas
