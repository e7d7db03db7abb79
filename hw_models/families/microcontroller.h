// Microcontroller: one in-order core, weights in flash, activations in SRAM, one input at a time.
//   cycles = macs * cycles_per_mac(op, input channels) * factor(precision)
//            + outputs * cycles_per_output + elements * cycles_per_element + cycles_per_layer
//   t = cycles / f + weight bytes * flash wait, in seconds: the flash keeps its pace at any clock
//   E = (static_w * V/Vmax + dynamic_w * f/fmax * (V/Vmax)^2) * t
//   SRAM = most bytes alive (memory_plan.h) and buffers, with what the runtime keeps of its own,
//          of each layer and of each channel
//   flash = weights + 4-byte biases + what the runtime stores of each channel and layer + code
// A device is a board, its clock and voltage, and a runtime. Convs of fewer than 4 input channels
// cannot feed the dual-MAC instructions, depthwise ones neither: they have their own constants.
// Where a network does not fit, its first layers run patch by patch (patch_plan.h) if the runtime
// can. Sources: MLPerf Tiny, arXiv:2106.07597; CMSIS-NN, arXiv:1801.06601; TinyEngine in MCUNet,
// arXiv:2007.10319, and MCUNetV2, arXiv:2110.15352.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hw_models/cost_model.h"
#include "hw_models/device_file.h"
#include "hw_models/patch_plan.h"

namespace hwnas {

struct MicrocontrollerConstants {
  Confidence confidence = Confidence::D;
  Coverage coverage;
  Clock clock;
  Sparsity sparsity;
  Price price;
  std::vector<double> precision_factors;  // of the cycles per MAC

  double conv_per_mac = 0, narrow_conv_per_mac = 0, depthwise_per_mac = 0;
  double linear_per_mac = 0;       // attention too: both multiply values that are used once
  double per_output = 0;           // of conv and linear layers: requantisation
  double per_element = 0;          // read by all other layers
  double per_layer = 0;            // for each patch where a layer runs in patches
  double flash_wait_per_byte = 0;  // cycles of the highest clock

  std::int64_t sram_bytes = 0, flash_bytes = 0;
  MemoryRules memory_rules;
  int im2col_columns = 0;                 // columns of a conv's input that are unfolded at a time
  int depthwise_columns = 0;              // the same of a depthwise conv, over all channels
  bool depthwise_plane_unfolded = false;  // or one padded channel of its input
  int im2col_bytes_per_value = 0;
  bool buffers_shared = false;  // one buffer beside the activations, as large as the largest
  int patches_per_side = 1;     // of the first layers, where a network does not fit otherwise
  std::int64_t fixed_sram_bytes = 0, sram_bytes_per_layer = 0, sram_bytes_per_channel = 0;
  std::int64_t code_bytes = 0, flash_bytes_per_layer = 0;
  int scale_bytes_per_channel = 0;

  double active_w = 0;  // at the highest clock, static_w included
  double static_w = 0;
};

// Throws InputError.
MicrocontrollerConstants read_microcontroller(const TomlTable& file, const std::string& device,
                                              Confidence confidence);

class Microcontroller final : public CostModel {
 public:
  explicit Microcontroller(MicrocontrollerConstants constants) : c_(std::move(constants)) {}
  using CostModel::estimate;
  Estimate estimate(const Workload& workload) const override;
  Capacity capacity() const override { return {c_.sram_bytes, c_.flash_bytes}; }

 private:
  struct Cycles {
    double compute, flash, overhead;
  };
  // What the runtime keeps of a whole network, beside tensors and weights.
  struct Kept {
    std::int64_t sram_bytes, buffer_bytes;  // largest buffer
    double flash_bytes;
  };
  struct Point {
    double hz, power_w;
  };

  Cycles cycles(const Kernel& kernel, const Network& network, const PatchPlan* patches) const;
  double per_mac(const Layer& layer, OpClass op) const;
  std::int64_t buffer_bytes(const Layer& layer, OpClass op) const;
  Kept kept(const std::vector<Kernel>& kernels, const Network& network) const;
  std::optional<PatchPlan> patches(const Workload& workload, const Kept& kept) const;
  LayerCost run(const Kernel& kernel, const Workload& workload, const MemoryPlan& plan,
                const PatchPlan* patches, const Point& point) const;
  void check_memory(Estimate& estimate) const;

  MicrocontrollerConstants c_;
};

}  // namespace hwnas
