// Gpu: many cores that run tiles of matrix products. Each kernel takes the longer of its arithmetic
// and its traffic, plus launch and drain:
//   t = max(MACs / (peak(precision) * clock_share * efficiency(op) * utilisation(shape)),
//           weights / bandwidth + activations / bandwidth) + overhead
//   E = static_w * V/Vmax * t + MACs * energy_per_mac * (V/Vmax)^2 + bytes * energy_per_byte
// utilisation: tile and wave quantisation of the layer as a matrix product over the cores. Memory
// levels as of families/cpu.h. The clock changes arithmetic, not memory and not overhead.
// Source: Williams et al., Roofline, doi:10.1145/1498765.1498785.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "hw_models/cost_model.h"
#include "hw_models/device_file.h"
#include "hw_models/memory_levels.h"

namespace hwnas {

struct GpuConstants {
  struct Precision {
    double macs_per_cycle_per_core = 0;
    double energy_per_mac_j = 0;  // at the highest clock
  };
  struct Tile {
    int rows = 1, columns = 1, depth = 1;  // output positions, output channels, products
    double efficiency = 1;                 // of the peak, when all cores run full tiles
  };
  Confidence confidence = Confidence::D;
  Coverage coverage;
  int batch_highest = 1;
  Clock clock;
  Sparsity sparsity;
  Price price;
  int cores = 1;
  std::vector<Precision> precisions;
  std::array<double, kOpClasses> efficiency{};  // of the peak
  std::vector<Tile> tiles;
  int splits_highest = 1;  // into how many parts the products of one output may be split
  MemoryLevels memory;
  double overhead_s = 0;      // per kernel
  double static_w = 0;        // at the highest clock
  double reserved_bytes = 0;  // of the last level, by the runtime
  MemoryRules memory_rules;
};

// Throws InputError.
GpuConstants read_gpu(const TomlTable& file, const std::string& device, Confidence confidence);

class Gpu final : public CostModel {
 public:
  explicit Gpu(GpuConstants constants) : c_(std::move(constants)) {}
  using CostModel::estimate;
  Estimate estimate(const Workload& workload) const override;

  // Share of the peak that the shape of a layer allows, (0, 1].
  double utilisation(const Layer& layer, OpClass op, int batch) const;

 private:
  struct Point;  // operating point of one estimate
  LayerCost run(const Kernel& kernel, const Workload& workload, const Point& point) const;

  GpuConstants c_;
};

}  // namespace hwnas
