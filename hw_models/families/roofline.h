// Roofline: CPUs and GPUs. Each kernel takes the longer of its arithmetic and its traffic, plus the
// cost of starting it:
//   t = max(MACs / (peak(precision) * clock_share * efficiency(op) * utilisation(shape)),
//           weights / bandwidth + activations / bandwidth) + overhead
//   E = static_w * V/Vmax * t + MACs * energy_per_mac * (V/Vmax)^2 + bytes * energy_per_byte
// utilisation: "vector" (CPU): channels that fill the lanes, rows that fill the register tile, and
// Amdahl's law over the cores; "tiles" (GPU): tile and wave quantisation of the layer as a GEMM
// over the cores. Memory levels: activations at the smallest level that holds what a kernel reads
// and writes, weights at the smallest that holds all weights and activations, as they are read
// again only at the next inference. The clock changes arithmetic, not memory and not overhead.
// Source: Williams et al., Roofline, doi:10.1145/1498765.1498785.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "hw_models/cost_model.h"
#include "hw_models/device_file.h"

namespace hwnas {

struct RooflineConstants {
  enum class Law : std::uint8_t { vector, tiles };
  struct Precision {
    double macs_per_cycle_per_core = 0;
    double energy_per_mac_j = 0;  // at the highest clock
    int lanes_out = 1;            // output channels computed together
    int lanes_in = 1;             // input channels multiplied together
  };
  struct Tile {
    int rows = 1, columns = 1, depth = 1;  // output positions, output channels, products
    double efficiency = 1;                 // of the peak, when all cores run full tiles
  };
  struct Level {
    std::string name;
    double bytes = 0, bytes_per_s = 0, energy_per_byte_j = 0;
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
  Law law = Law::vector;
  double parallel_share = 1;  // vector: of the work that all cores share
  int rows_in_flight = 1;     // vector: output positions that fill the registers
  std::vector<Tile> tiles;
  int splits_highest = 1;     // tiles: into how many parts the products of one output may be split
  std::vector<Level> levels;  // smallest first; the last holds everything
  double overhead_s = 0;      // per kernel
  double static_w = 0;        // at the highest clock
  double reserved_bytes = 0;  // of the last level, by the runtime
  MemoryRules memory_rules;
};

// Throws InputError.
RooflineConstants read_roofline(const TomlTable& file, const std::string& device,
                                Confidence confidence);

class Roofline final : public CostModel {
 public:
  explicit Roofline(RooflineConstants constants);
  Estimate estimate(const Candidate& candidate) const override;

  // Share of the peak that the shape of a layer allows, (0, 1].
  double utilisation(const Layer& layer, OpClass op, const RooflineConstants::Precision& precision,
                     int batch) const;

 private:
  struct Point;  // operating point of one estimate
  LayerCost run(const Kernel& kernel, const Candidate& candidate, const Point& point) const;
  const RooflineConstants::Level& level_for(double bytes) const;
  double tiles_used(const Layer& layer, int batch) const;
  double lanes_used(const Layer& layer, OpClass op, const RooflineConstants::Precision& precision,
                    int batch) const;

  RooflineConstants c_;
  double cores_used_ = 1;  // Amdahl's speed-up, or all cores
};

}  // namespace hwnas
