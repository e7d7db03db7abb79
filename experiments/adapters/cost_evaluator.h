// CostModel -> Evaluator: the stage "costs".
#pragma once

#include <memory>
#include <vector>

#include "hw_models/device.h"
#include "search/evaluator.h"

namespace hwnas {

struct PricedDevice {
  Device device;
  bool required =
      true;  // an objective or bound names it: a candidate that it cannot run has failed
};

// What an estimate says of a device, as measurements; figures that are unknown (NaN) are left out.
void add_measurements(std::vector<Measurement>& measurements, const Device& device,
                      const Cost& cost);

// Measured where the device is a table of measurements, else analytic.
Source source_of(const Device& device);

// Measures parameters and macs, and on every device latency, energy, memory, storage, throughput
// and (where priced) cost. Whether a candidate fits a device's memories is for bounds to decide.
std::unique_ptr<Evaluator> cost_evaluator(std::vector<PricedDevice> devices, int threads);

}  // namespace hwnas
