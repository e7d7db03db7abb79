// Spatial: arrays of processing elements with a hierarchy of memories (Eyeriss, NVDLA, and what
// Timeloop, MAESTRO and ZigZag describe).
//
// Cycles, active PEs and accesses of a layer are those of its mapping: tile_mapping.h (any
// dataflow, given as loops) or row_stationary.h. Then
//   t = max(cycles / f, DRAM time)     where the outputs do not overlap, their time is added
//   E = MACs E_mac + accesses E_access + DRAM bytes E_dram + P_static t
// Zeros that follow a ReLU spare energy where the PEs are gated, and DRAM traffic where it is
// compressed; never time. V^2 scales the chip, V the static power; the clock does not change DRAM.
// Sources: Chen et al., JSSC 2017, doi:10.1109/JSSC.2016.2616357; Parashar et al., Timeloop, ISPASS
// 2019, doi:10.1109/ISPASS.2019.00042. Immutable, thread-safe.
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "hw_models/cost_model.h"
#include "hw_models/device_file.h"
#include "hw_models/families/row_stationary.h"
#include "hw_models/families/tile_mapping.h"

namespace hwnas {

struct SpatialConstants {
  struct Precision {
    double macs_per_cycle = 1;    // of a PE
    double energy_per_mac_j = 0;  // at the highest clock
  };
  struct Dram {
    std::string name;
    double bytes = 0, energy_per_byte_j = 0;
    double bytes_per_s = 0;          // infinite where the file gives none
    bool outputs_overlapped = true;  // else they leave while nothing is calculated
  };

  Confidence confidence = Confidence::D;
  Coverage coverage;
  Clock clock;
  Sparsity sparsity;
  Price price;
  std::vector<Precision> precisions;
  std::variant<TileMapping, RowStationary> mapping;
  Dram dram;
  ElementUnit vector;
  double zero_share = 0;       // of values after a ReLU
  double compressed_bits = 0;  // in DRAM, for each value that is not zero; 0: no compression
  double overhead_per_kernel_s = 0;
  int batch_highest = 1;
  double static_w = 0;  // at the highest clock
  MemoryRules memory_rules;
};

// Throws InputError.
SpatialConstants read_spatial(const TomlTable& file, const std::string& device,
                              Confidence confidence);
std::shared_ptr<const CostModel> make_spatial(const TomlTable& file, const std::string& device,
                                              Confidence confidence);

class Spatial final : public CostModel {
 public:
  explicit Spatial(SpatialConstants constants) : c_(std::move(constants)) {}
  using CostModel::estimate;
  Estimate estimate(const Workload& workload) const override;

 private:
  struct Point;  // operating point
  struct Zeros {
    double in, out;  // shares of a layer's inputs and outputs
  };
  struct Traffic {
    double in, out;  // bytes from and to DRAM
  };
  SpatialRun products(const Kernel& kernel, const Workload& workload, Zeros zeros,
                      Traffic& traffic) const;
  void say_limits(const Workload& workload, Estimate& estimate) const;
  LayerCost on_array(const Kernel& kernel, const Workload& workload, const Point& point,
                     Cost& cost) const;
  LayerCost elsewhere(const Kernel& kernel, const Workload& workload, const Point& point) const;
  double stored_share(double zeros, int bits) const;  // of bytes in DRAM, once compressed

  SpatialConstants c_;
};

}  // namespace hwnas
