// Cpu: processors with vector extensions. Each kernel takes the longer of its arithmetic and its
// traffic, plus what it costs to start it:
//   t = max(cycles / (clock * cores'), weights / bandwidth + activations / bandwidth)
//       + copies / bandwidth + overhead + (several threads ? fork_join : 0)
//   cycles = MACs / (rate(precision) * efficiency(op) * utilisation(shape))
//            + outputs * cycles_per_output + elements / (elements_per_cycle * efficiency(op))
//   E = static_w * V/Vmax * t + core_w * f (V/Vmax)^2 * core-seconds busy
//       + MACs * energy_per_mac * (V/Vmax)^2 + bytes * energy_per_byte
// utilisation: channels that fill the lanes, rows that fill the register tile. cores': Amdahl's law
// over the threads; where work is split equally the slowest core sets the pace, else all add up. A
// kernel runs on one thread where that is faster. copies: rows that a runtime unfolds (im2col) or
// packs before a matrix product. Memory levels: activations at the smallest level that holds what a
// kernel reads and writes, weights at the smallest that holds all weights and activations, as they
// are read again only at the next inference. The clock changes arithmetic, not memory and overhead.
// Sources: Williams et al., Roofline, doi:10.1145/1498765.1498785; register tiles: Goto and van de
// Geijn, doi:10.1145/1356052.1356053; Winograd: Lavin and Gray, arXiv:1509.09308.
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
  // What a runtime's kernels do at one precision.
  struct Precision {
    double macs_per_cycle_per_core = 0;
    double depthwise_macs_per_cycle = 0;  // per core; nothing is reused: bound by loads
    double elements_per_cycle = 0;        // per core; pools, sums, activations
    double cycles_per_output = 0;         // to finish a sum: requantise, clamp, store
    double energy_per_mac_j = 0;          // at the highest clock
    int lanes_out = 1;                    // output channels computed together
    int lanes_in = 1;                     // input channels multiplied together
    int threads = 1;
  };
  // Cores of one kind, the fastest first: `rate_share` of the first kind's cycles.
  struct Cores {
    int count = 1;
    double rate_share = 1;
  };
  struct Winograd {
    double gain = 1;  // multiplications saved in 3x3 convs of stride 1; 1: not used
    double share = 1;
    int channels_least = 1;
  };

  Confidence confidence = Confidence::D;
  Coverage coverage;
  int batch_highest = 1;
  Clock clock;
  Sparsity sparsity;
  Price price;
  std::vector<Cores> cores;
  bool equal_split = false;           // of the work among threads: the slowest core sets the pace
  double first_cache_bytes = 0;       // of one core; weights that fit are read there
  double overlap_share = 1;           // of the shorter of arithmetic and traffic
  double stream_bytes_per_cycle = 0;  // of one core beyond its first cache; 0: no limit
  std::vector<Precision> precisions;
  std::array<double, kOpClasses> efficiency{};  // of the rate
  Winograd winograd;
  double parallel_share = 1;  // of the work that all threads share
  int rows_in_flight = 1;     // output positions that fill the registers
  MemoryLevels memory;
  double overhead_s = 0;         // per kernel
  double fork_join_s = 0;        // per kernel that runs on several threads
  int elementwise_threads = 0;   // at most, of kernels without weights; 0: all
  double one_thread_values = 0;  // a kernel that reads at most so many runs on one thread
  double unfold_copies = 0;      // of the unfolded rows of convs larger than 1x1, written and read
  double pack_copies = 0;        // of the rows of all matrix products
  bool threads_sleep = false;    // between kernels, which are cut up for all of them
  bool relu_only = false;        // other activations are kernels of their own
  double score_passes = 0;    // over the scores of attention, where they are kept; 0: they are not
  double static_w = 0;        // at the highest clock
  double core_w = 0;          // of a busy core, above static_w
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
  // In cycles of the first kind of core, on one of them.
  double cycles(const Kernel& kernel, const Workload& workload,
                const CpuConstants::Precision& precision) const;
  struct Traffic;
  Traffic traffic(const Kernel& kernel, const Workload& workload) const;
  int most_threads(const Kernel& kernel, const Layer& layer,
                   const CpuConstants::Precision& precision, int batch) const;
  bool activates_apart(const Kernel& kernel, const Workload& workload) const;
  struct Team;
  Team team(int threads) const;
  struct Timing;
  Timing time(double cycles, const Traffic& bytes, int threads, const Point& point) const;
  void run_activation(const Kernel& kernel, const Workload& workload, Point& point,
                      LayerCost& row) const;
  LayerCost run(const Kernel& kernel, const Workload& workload, Point& point) const;

  CpuConstants c_;
};

}  // namespace hwnas
