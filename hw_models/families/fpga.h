// Fpga: streaming dataflow on an FPGA: one engine for each layer, all at work at once, weights on
// chip.
//   interval   = slowest engine, cycles: throughput = clock / interval
//   latency    = start_s + when the last position of one image has passed all engines
//   (FpgaPipeline)
//                + (batch - 1) * interval
//   energy     = static_w * latency + sum of engines: (energy per cycle of its LUTs, DSPs, BRAMs
//   and
//                URAMs) * (busy cycles + idle_share * idle cycles) * (V/Vmax)^2 + DRAM bytes
// An engine's parallelism (FpgaEngine) is given by hand or found automatically: as fast as LUTs,
// DSPs and BRAM allow (FpgaFolding). A layer's row of the cost is by how much it moves the
// completion of the image; layers beside the critical path take a cycle. The images of a batch that
// follow the first wait for the slowest engine, in whose row they are. Norms and activations that
// the device file fuses are part of the engine before them.
// Sources: FINN, doi:10.1145/3020078.3021744; fpgaConvNet, doi:10.1109/FCCM.2016.22.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "hw_models/cost_model.h"
#include "hw_models/device_file.h"
#include "hw_models/families/fpga_engine.h"
#include "hw_models/families/fpga_folding.h"

namespace hwnas {

struct FpgaConstants {
  Confidence confidence = Confidence::D;
  Coverage coverage;
  Clock clock;
  Price price;
  std::vector<double> macs_per_dsp;  // of each precision; 0: in LUTs
  FpgaStyle style;
  FpgaResources resources;
  double usable_share = 1;      // of them, that automatic folding fills
  int weight_stream_bits = 36;  // widest weights of one output in a cycle
  double throughput_per_s = 0;  // that automatic folding stops at; 0: none
  std::map<std::string, FpgaFolding, std::less<>> folding;  // by hand, by name of layer
  double bits_per_cycle = 0;                                // of the input and output streams
  double start_s = 0;                                       // of one inference, by the host
  double energy_per_byte_j = 0;                             // to and from the host's memory
  double static_w = 0;
  // For each unit in a cycle.
  double lut_j = 0, dsp_j = 0, bram18_j = 0, uram_j = 0;
  double idle_share = 0;  // of these, in cycles in which an engine waits
};

// Throws InputError.
FpgaConstants read_fpga(const TomlTable& file, const std::string& device, Confidence confidence);
std::shared_ptr<const CostModel> make_fpga(const TomlTable& file, const std::string& device,
                                           Confidence confidence);

class Fpga final : public CostModel {
 public:
  explicit Fpga(FpgaConstants constants) : c_(std::move(constants)) {}
  using CostModel::estimate;
  Estimate estimate(const Workload& workload) const override;

 private:
  struct Design;
  Design design(const Workload& workload, const std::vector<Kernel>& kernels) const;
  void stream(const Workload& workload, const std::vector<Kernel>& kernels, Design& design) const;
  void add_rows(const Workload& workload, const std::vector<Kernel>& kernels, const Design& design,
                Cost& cost) const;
  double cycle_energy_j(const FpgaEngine& engine, const FpgaResources& weights) const;
  void add_counts(const Design& design, int batch, Cost& cost) const;
  void check(const Workload& workload, const Design& design, Estimate& estimate) const;

  FpgaConstants c_;
};

}  // namespace hwnas
