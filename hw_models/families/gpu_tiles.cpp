#include "hw_models/families/gpu_tiles.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "hw_models/device_file.h"

namespace hwnas {
namespace {

// std::ceil of what is positive and fits an integer, which is a call into the C library.
double up(double x) {
  const auto whole = static_cast<double>(static_cast<std::int64_t>(x));
  return whole < x ? whole + 1 : whole;
}

}  // namespace

TileLaw TileLaw::read(const TomlTable& file, int cores) {
  const TomlTable table = cited_section(file, "utilisation");
  TileLaw law;
  law.cores_ = cores;
  law.step_bytes_ = table.number("step_bytes", 1, 4096);
  law.cycles_per_step_ = table.number("cycles_per_step", 0, 1e5);
  law.cycles_per_far_step_ = table.number("cycles_per_far_step", law.cycles_per_step_, 1e5);
  law.operand_bytes_per_cycle_ = table.number("operand_bytes_per_cycle_per_core", 1e-3, 1e5);
  law.epilogue_ops_ = table.number("epilogue_ops", 0, 1000);
  law.splits_highest_ = static_cast<double>(table.integer("splits_highest", 1, 4096));
  for (const TomlTable& tile : table.tables("tiles")) {
    law.tiles_.push_back({static_cast<double>(tile.integer("rows", 1, 65536)),
                          static_cast<double>(tile.integer("columns", 1, 65536)),
                          static_cast<double>(tile.integer("blocks", 1, 64))});
    tile.done();
  }
  if (law.tiles_.empty())
    throw table.error("tiles", "is missing; expected at least one [[utilisation.tiles]]");
  table.done();
  return law;
}

TileWork TileLaw::work(const Gemm& gemm, const TileOperands& operands, const Tile& tile) const {
  double tiles = up(static_cast<double>(gemm.m) / tile.rows) *
                 up(static_cast<double>(gemm.n) / tile.columns) * static_cast<double>(gemm.repeats);
  double steps = up(static_cast<double>(gemm.k) * operands.activation_bytes / step_bytes_);
  // Idle blocks take parts of the depth, while each part still has a step to do.
  if (operands.may_split && splits_highest_ > 1) {
    const double idle = std::floor(cores_ * tile.blocks / tiles);
    const double splits = std::clamp(idle, 1.0, std::min(splits_highest_, steps));
    tiles *= splits;
    steps = up(steps / splits);
  }
  const double depth = steps * step_bytes_ / operands.activation_bytes;
  const double area = tile.rows * tile.columns;
  const double fetched =
      tile.rows * operands.activation_bytes + tile.columns * operands.weight_bytes;
  const double epilogue = area * epilogue_ops_ / operands.lane_ops_per_cycle;
  const double busy =
      depth * std::max(area / operands.macs_per_cycle, fetched / operand_bytes_per_cycle_) +
      epilogue;
  const double waves = up(tiles / cores_);
  const double step_cycles =
      cycles_per_step_ + operands.far_share * (cycles_per_far_step_ - cycles_per_step_);
  const double chain = steps * step_cycles + epilogue;
  return {std::max(waves * busy, up(waves / tile.blocks) * chain), tiles * depth * fetched,
          tiles * area};
}

TileWork TileLaw::work(const Gemm& gemm, const TileOperands& operands) const {
  TileWork best;
  best.cycles = std::numeric_limits<double>::infinity();
  for (const Tile& tile : tiles_) {
    const TileWork now = work(gemm, operands, tile);
    if (now.cycles < best.cycles) best = now;
  }
  return best;
}

}  // namespace hwnas
