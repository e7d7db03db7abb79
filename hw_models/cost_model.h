// CostModel: what a candidate costs on one device, or why it cannot run there.
//
// Estimates are analytic: closed forms over the layers of the network, no measuring, no randomness.
// Implementations are immutable after construction; estimate() is const and thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "hw_models/workload.h"
#include "space/candidate.h"

namespace hwnas {

// What limits a layer (or the whole) on a device.
enum class Bound : std::uint8_t { compute, memory, overhead, unknown };
std::string_view to_string(Bound bound);

// How far the numbers of a device can be trusted.
//   A calibrated on measurements; B agrees with published silicon;
//   C agrees with a published simulator; D projected.
enum class Confidence : char { A = 'A', B = 'B', C = 'C', D = 'D' };

// One layer as it runs: fused followers (norm, activation) are counted in the layer they join.
struct LayerCost {
  int layer = 0;  // index in Network::layers()
  double latency_s = 0;
  double energy_j = 0;          // for the whole batch; static power counts by its latency
  std::int64_t macs = 0;        // for the whole batch
  double traffic_bytes = 0;     // moved to and from memory
  std::int64_t live_bytes = 0;  // activations alive while it runs
  Bound bound = Bound::compute;
};

// An event that a family counts, or a resource that it uses: "cycles", "sram_ifmap_reads_words",
// "dsp", "energy_adc_j". The name is a string literal that ends in its unit where it has one.
struct Count {
  std::int32_t layer = -1;  // index in Network::layers(); -1: of the whole network
  std::string_view name;
  double value = 0;  // for the whole batch
};

// Of one batch where not said otherwise; per-inference figures divide by the batch. Latency is the
// sum of the layers' latencies, energy that of their energies over the batch.
struct Cost {
  double latency_s = 0;         // from first input to last output of one batch
  double energy_j = 0;          // per inference
  double latency_stddev_s = 0;  // standard error of the latency; 0: not known
  double energy_stddev_j = 0;
  double throughput_per_s = 0;         // inferences; more than batch / latency where pipelined
  std::int64_t peak_memory_bytes = 0;  // activations (SRAM or DRAM), at the best order found
  std::int64_t storage_bytes = 0;      // weights and code (flash or DRAM)
  double usd_per_million = 0;          // per million inferences; NaN where the device has no price
  double usd_per_million_stddev = 0;   // as the price makes it of the two above
  std::vector<LayerCost> layers;
  Bound bound = Bound::compute;  // of the largest share of the latency
  Confidence confidence = Confidence::D;
  std::vector<Count> counts;              // what else the family can say, layers in order
  std::vector<std::string> extrapolated;  // what the device file does not vouch for, one line each
};

// Either a cost, or the reason why there is none ("needs 812 KiB of SRAM, stm32l4r5 has 640 KiB").
// A network that does not fit still has its cost: `fits` is false and `reason` says why. Where the
// device cannot run it at all (an op or a precision it does not cover), `covered` is false, `cost`
// has no layers and its doubles are NaN.
struct Estimate {
  Cost cost;
  bool covered = true;
  bool fits = true;
  std::string reason;  // empty where covered and fits

  bool ok() const { return covered && fits; }
};

Estimate not_covered(std::string reason);

// The sum of a count over all layers; 0 where there is none.
double count(const Cost& cost, std::string_view name);
double count(const Cost& cost, std::string_view name, int layer);  // of one layer

// Fills latency, energy, throughput and bound from cost.layers.
void add_up(Cost& cost, int batch);

// What a device's memories hold where activations and weights live apart; 0: no such limit.
struct Capacity {
  std::int64_t memory_bytes = 0;   // of Cost::peak_memory_bytes
  std::int64_t storage_bytes = 0;  // of Cost::storage_bytes
};

class CostModel {
 public:
  virtual ~CostModel() = default;

  // The network must be live (live() of space/network.h). Never throws on a candidate.
  virtual Estimate estimate(const Workload& workload) const = 0;
  Estimate estimate(const Candidate& candidate) const { return estimate(Workload(candidate)); }

  virtual Capacity capacity() const { return {}; }
};

}  // namespace hwnas
