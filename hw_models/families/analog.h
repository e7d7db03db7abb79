// Analog: in-memory compute. Layers lie on arrays (analog_array.h) of R x C cells:
//   K x N weights take ceil(K / R) * ceil(N / weights of a row) arrays, all of which work at once;
//   t = max(ceil(M / copies) * row groups * t_mvm, buffer, spill) + reload
//   E = M * E_mvm + bytes * E_byte + E_reload + static_w * t
// Resident: every layer keeps its arrays, spare arrays hold copies of layers in proportion to
// their work, and inputs may follow each other from layer to layer (throughput). Where the weights
// exceed the arrays, either the device reloads them layer by layer, all of them for each batch, or
// the network does not fit. Ops without weights run on [vector] or on the declared [fallback].
// The clock slows arrays and [vector], not memory; energies of both go with V^2.
// Such models are accurate only after calibration to one chip. What precision loses is counted
// (mvm_snr_db, adc_bits_lost: hw_models/analog_noise.h).
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "hw_models/analog_noise.h"
#include "hw_models/cost_model.h"
#include "hw_models/device_file.h"
#include "hw_models/families/analog_array.h"
#include "hw_models/memory_levels.h"

namespace hwnas {

struct AnalogConstants {
  // Writing weights where they exceed the arrays.
  struct Reload {
    bool possible = false;
    double row_s = 0;  // to write a row of an array; all arrays at the same time
    double cell_j = 0;
  };

  Confidence confidence = Confidence::D;
  Coverage coverage;
  Clock clock;
  Sparsity sparsity;  // zero weights draw no current; they keep their cells
  Price price;
  AnalogArray array;
  std::vector<AnalogMvm> precisions;
  std::vector<AnalogNoise> noise;  // of each precision
  bool copies = false;             // spare arrays hold copies
  bool pipelined = false;          // inputs follow each other from layer to layer
  Reload reload;
  MemoryLevels memory;            // of activations; the first feeds the arrays
  double network_j_per_byte = 0;  // between arrays
  ElementUnit vector;
  double static_w = 0;  // at the highest clock
  MemoryRules memory_rules;
};

// Throws InputError.
AnalogConstants read_analog(const TomlTable& file, const std::string& device,
                            Confidence confidence);
std::shared_ptr<const CostModel> make_analog(const TomlTable& file, const std::string& device,
                                             Confidence confidence);

class Analog final : public CostModel {
 public:
  explicit Analog(AnalogConstants constants);
  using CostModel::estimate;
  Estimate estimate(const Workload& workload) const override;
  Capacity capacity() const override;

  const AnalogConstants& constants() const { return c_; }

 private:
  struct Layout;
  struct Schedule;
  struct Traffic;
  struct Point;
  Schedule schedule(const Layout& layout, const Point& point, int batch) const;
  Traffic traffic(const Kernel& kernel, const Layout& layout, const Schedule& schedule,
                  int batch) const;
  std::pair<double, double> precision_lost(const Layout& layout) const;
  LayerCost run(const Kernel& kernel, const Workload& workload, const Layout& layout,
                const Point& point, std::vector<Count>& counts) const;
  LayerCost run_elements(const Kernel& kernel, const Workload& workload, const Point& point) const;
  void check_fit(Estimate& estimate, double arrays, bool resident) const;

  AnalogConstants c_;
  std::vector<double> weight_noise_;  // noise to signal, of each precision
};

}  // namespace hwnas
