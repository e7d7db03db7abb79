// Systolic: arrays of multipliers that data stream through (TPU, Edge TPU, NPUs).
//
// Per layer, with the cycles and SRAM words of its matrix products from SystolicArray:
//   t = max(cycles * cycles_factor / f, DRAM bytes / bandwidth)   or their sum where not overlapped
//   E = MACs E_mac + SRAM bits E_bit(8 KiB) sqrt(bank bytes / 8 KiB) + DRAM bytes E_dram + P_static
//   t
// DRAM traffic: the operand that does not fit its buffer (half of it, as the other half is being
// filled) makes the other pass again; the cheaper order counts. Activations may stay on the chip
// while they fit; weights may stay between runs, and those beyond the room for them stream in at
// every run (Edge TPU). Ops without a product run on the vector unit; fused ones on the way out.
// V^2 scales the array and its SRAM, V the static power; the clock does not change DRAM.
// Sources: Jouppi et al., ISCA 2017, doi:10.1145/3079856.3080246; Samajdar et al., ISPASS 2020.
// Immutable, thread-safe.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "hw_models/cost_model.h"
#include "hw_models/device_file.h"
#include "hw_models/families/systolic_array.h"

namespace hwnas {

struct SystolicConstants {
  struct Precision {
    double cycles_factor = 1;     // on the cycles of the array
    double energy_per_mac_j = 0;  // at the highest clock
  };
  // What an SRAM buffer may hold.
  enum Holds : std::uint8_t { kInputs, kWeights, kOutputs, kPartialSums };
  struct Buffer {
    double bytes = 0;             // of the whole buffer
    double share_bytes = 0;       // where several kinds share it: of each
    double energy_per_bit_j = 0;  // at the highest clock
  };
  struct Dram {
    std::string name;
    double bytes = 0, bytes_per_s = 0, energy_per_byte_j = 0;
    bool overlapped = true;    // with the array
    bool whole_tiles = false;  // weights come in tiles of the array, however few of them are used
    bool network_io = true;    // carries the network's own input and output
  };

  Confidence confidence = Confidence::D;
  Coverage coverage;
  Clock clock;
  Sparsity sparsity;
  Price price;
  SystolicArray array;
  std::vector<Precision> precisions;
  std::array<Buffer, 4> buffers;  // by what they hold
  Dram dram;
  ElementUnit vector;
  double resident_activation_bytes = 0;  // room for those of the largest layer; 0: all go to DRAM
  double resident_weight_bytes = 0;      // room for weights that stay between runs
  double overhead_per_kernel_s = 0, overhead_per_run_s = 0;
  int batch_highest = 1;
  double static_w = 0;  // at the highest clock
  MemoryRules memory_rules;
};

// Throws InputError.
SystolicConstants read_systolic(const TomlTable& file, const std::string& device,
                                Confidence confidence);
std::shared_ptr<const CostModel> make_systolic(const TomlTable& file, const std::string& device,
                                               Confidence confidence);

class Systolic final : public CostModel {
 public:
  explicit Systolic(SystolicConstants constants) : c_(std::move(constants)) {}
  using CostModel::estimate;
  Estimate estimate(const Workload& workload) const override;

 private:
  struct Run;  // of one estimate
  LayerCost on_array(const Kernel& kernel, Run& run) const;
  LayerCost on_vector_unit(const Kernel& kernel, Run& run) const;
  double dram_bytes(const ArrayGemm& gemm, double weights, double inputs) const;
  double sram_energy_j(const ArrayRun& words, const Layer& layer, int input_bits) const;

  SystolicConstants c_;
};

}  // namespace hwnas
