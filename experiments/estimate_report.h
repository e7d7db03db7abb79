// Estimates of one network on many devices: computed in one pass, ranked, as a table or JSON.
#pragma once

#include <iosfwd>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "hw_models/device.h"
#include "space/candidate.h"

namespace hwnas {

struct DeviceEstimate {
  const Device* device = nullptr;
  Bits bits;               // that the network was costed at; 0: as it came
  double clock_share = 0;  // that a power cap left; 0: the candidate's own
  Estimate estimate;
};

struct EstimateOptions {
  bool native = false;                // each device at the precision that its file names first
  std::optional<double> power_cap_w;  // each at the highest clock whose mean power stays below
};

// Keeps pointers to `devices`.
std::vector<DeviceEstimate> estimate_on(const std::vector<Device>& devices,
                                        const Candidate& candidate, const EstimateOptions& options);

// Those that run and fit first, by `metric` (latency, energy, memory, cost, throughput), then those
// that do not fit, then those that cannot run. Throws InputError on another metric.
void rank(std::vector<DeviceEstimate>& estimates, const std::string& metric);

void print_estimates(std::ostream& out, const std::vector<DeviceEstimate>& estimates);
nlohmann::json estimates_json(const std::vector<DeviceEstimate>& estimates, const Network& network);

}  // namespace hwnas
