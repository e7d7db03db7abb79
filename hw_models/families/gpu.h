// Gpu: many cores that run tiles of matrix products, fed by a shared cache and a memory, within a
// power limit. Kernels run one after the other:
//   t = max(max(cycles / f, sum over levels of bytes / bandwidth) + launch + fill_cycles / f, host)
//   cycles: matrix products by their tiles (families/gpu_tiles.h), depthwise convs, pools and all
//           else on the lanes; attention as its two products, its scores on the lanes, stored only
//           where score_passes says so
//   bytes:  of a working set W, a cache of C bytes serves the share min(1, C / W); weights and the
//           KV cache compete with everything, activations with their own kernel
//   E = static_w * V * t + (MACs * e_mac + lane operations * e_lane + operands * e_cache) * V^2
//       + bytes * e_byte                                          with V the share of the voltage
//   f = the highest clock, not above the one asked for, at which the mean power E / t of the whole
//       network stays within limit_w (as power management does over milliseconds)
// Pruned weights are rewarded as `kept` of `of` only (2:4). Sources: Williams et al., Roofline,
// doi:10.1145/1498765.1498785; flash attention, arXiv:2205.14135; V(f) with a knee as in
// device_file.h.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hw_models/cost_model.h"
#include "hw_models/device_file.h"
#include "hw_models/families/gpu_tiles.h"
#include "hw_models/memory_levels.h"

namespace hwnas {

struct GpuConstants {
  struct Precision {
    double macs_per_cycle_per_core = 0;
    double energy_per_mac_j = 0;  // at the highest clock
  };
  // `kept` of each `of` weights in a row of the depth, with `index_bits` for each; 0: none.
  struct Pattern {
    int kept = 0, of = 1;
    double index_bits = 0;
    double share() const { return static_cast<double>(kept) / of; }
  };
  Confidence confidence = Confidence::D;
  Coverage coverage;
  Clock clock;
  Price price;
  Pattern pattern;
  std::vector<Precision> precisions;
  int cores = 1;
  double lanes_per_core = 1;        // 32-bit operations per cycle outside the matrix units
  double energy_per_lane_op_j = 0;  // at the highest clock
  double matrix_share = 1;          // of the peak, that full tiles reach
  double lane_share = 1;            // of the lanes, that element-wise kernels reach
  std::optional<TileLaw> tiles;     // without: every product runs at matrix_share
  MemoryLevels memory;
  int weights_in = -1;      // level of `memory`, the KV cache too; -1: by the working set
  int activations_in = -1;  // level of `memory`; -1: by the working set
  double launch_s = 0;      // between kernels, whatever the clock
  double fill_cycles = 0;   // first loads and last stores of a kernel
  double host_s = 0;        // for the host to issue a kernel, while the one before it runs
  double start_s = 0;       // once for each batch
  double score_passes = 0;  // how often attention moves its scores; 0: fused, they stay on chip
  int batch_highest = 1;
  double reserved_bytes = 0;  // of the last level, by the runtime
  MemoryRules memory_rules;
  double static_w = 0;  // at the highest clock
  double limit_w = std::numeric_limits<double>::infinity();
};

// Throws InputError.
GpuConstants read_gpu(const TomlTable& file, const std::string& device, Confidence confidence);

class Gpu final : public CostModel {
 public:
  explicit Gpu(GpuConstants constants) : c_(std::move(constants)) {}
  using CostModel::estimate;
  Estimate estimate(const Workload& workload) const override;

 private:
  struct Work;   // of one kernel, before a clock is chosen
  struct Point;  // an operating point
  Work work(const Kernel& kernel, const Workload& workload, double everything_bytes) const;
  void add_products(const Kernel& kernel, const Workload& workload, double far_share,
                    Work& work) const;
  void add_traffic(int level, double bytes, double working_set, Work& work) const;
  double far_share(double everything_bytes) const;
  double stored_bytes(const Kernel& kernel, const Layer& layer) const;
  bool rewarded(const Kernel& kernel, const Layer& layer) const;

  Point point(double clock_share) const;
  double busy_s(const Work& work, const Point& point) const;
  double mean_power_w(const std::vector<Work>& works, const Point& point) const;
  Point sustained(const std::vector<Work>& works, double clock_share) const;
  LayerCost row(const Work& work, const Point& point) const;

  GpuConstants c_;
};

}  // namespace hwnas
