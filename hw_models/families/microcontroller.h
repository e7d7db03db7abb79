// Microcontroller: one in-order core, weights in flash, activations in SRAM, one input at a time.
//   cycles = macs * cycles_per_mac(op, input channels) * factor(precision)
//            + outputs * cycles_per_output + elements * cycles_per_element
//            + weight bytes * flash_wait_cycles_per_byte + cycles_per_layer
//   t = cycles / f;  E = (static_w * V/Vmax + dynamic_w * f/fmax * (V/Vmax)^2) * t
//   SRAM = most bytes alive (memory_plan.h) with the layer's im2col buffer + the runtime's own
//   flash = weights + 4-byte biases + scales per channel + code
// Convs of fewer than 4 input channels cannot feed the dual-MAC instructions, depthwise ones
// neither: they have their own constants. Sources: MLPerf Tiny, arXiv:2106.07597; CMSIS-NN,
// arXiv:1801.06601; TinyEngine in MCUNet, arXiv:2007.10319.
#pragma once

#include <string>
#include <vector>

#include "hw_models/cost_model.h"
#include "hw_models/device_file.h"

namespace hwnas {

struct MicrocontrollerConstants {
  Confidence confidence = Confidence::D;
  Coverage coverage;
  Clock clock;
  Sparsity sparsity;
  Price price;
  std::vector<double> precision_factors;  // of the cycles per MAC

  double conv_per_mac = 0, narrow_conv_per_mac = 0, depthwise_per_mac = 0, linear_per_mac = 0;
  double per_output = 0;   // of conv and linear layers: requantisation
  double per_element = 0;  // read by all other layers
  double per_layer = 0;
  double flash_wait_per_byte = 0;

  std::int64_t sram_bytes = 0, flash_bytes = 0;
  MemoryRules memory_rules;
  int im2col_columns = 0;  // columns of a conv's input that are unfolded at a time
  int im2col_bytes_per_value = 0;
  std::int64_t fixed_sram_bytes = 0;  // of the runtime
  std::int64_t code_bytes = 0;
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
    double compute, memory, overhead;
  };
  Cycles cycles(const Kernel& kernel, const Network& network) const;
  double per_mac(const Layer& layer, OpClass op) const;
  std::int64_t im2col_bytes(const Layer& layer, OpClass op) const;
  void check_memory(Estimate& estimate) const;

  MicrocontrollerConstants c_;
};

}  // namespace hwnas
