// Cpu: processors with vector extensions. Each kernel takes the longer of its arithmetic and its
// traffic, plus the cost of starting it:
//   t = max(MACs / (peak(precision) * clock_share * efficiency(op) * utilisation(shape)),
//           weights / bandwidth + activations / bandwidth) + overhead
//   E = static_w * V/Vmax * t + MACs * energy_per_mac * (V/Vmax)^2 + bytes * energy_per_byte
// utilisation: channels that fill the lanes, rows that fill the register tile; over the cores,
// Amdahl's law. Memory levels: activations at the smallest level that holds what a kernel reads and
// writes, weights at the smallest that holds all weights and activations, as they are read again
// only at the next inference. The clock changes arithmetic, not memory and not overhead.
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

struct CpuConstants {
  struct Precision {
    double macs_per_cycle_per_core = 0;
    double energy_per_mac_j = 0;  // at the highest clock
    int lanes_out = 1;            // output channels computed together
    int lanes_in = 1;             // input channels multiplied together
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
  double parallel_share = 1;                    // of the work that all cores share
  int rows_in_flight = 1;                       // output positions that fill the registers
  MemoryLevels memory;
  double overhead_s = 0;      // per kernel
  double static_w = 0;        // at the highest clock
  double reserved_bytes = 0;  // of the last level, by the runtime
  MemoryRules memory_rules;
};

// Throws InputError.
CpuConstants read_cpu(const TomlTable& file, const std::string& device, Confidence confidence);

class Cpu final : public CostModel {
 public:
  explicit Cpu(CpuConstants constants);
  using CostModel::estimate;
  Estimate estimate(const Workload& workload) const override;

  // Share of the peak that the shape of a layer allows, (0, 1].
  double utilisation(const Layer& layer, OpClass op, const CpuConstants::Precision& precision,
                     int batch) const;

 private:
  struct Point;  // operating point of one estimate
  LayerCost run(const Kernel& kernel, const Workload& workload, const Point& point) const;

  CpuConstants c_;
  double cores_used_ = 1;  // Amdahl's speed-up
};

}  // namespace hwnas
