// Figures that come from outside (a table of measurements, a program) made into an Estimate.
#pragma once

#include <limits>
#include <string>
#include <vector>

#include "hw_models/cost_model.h"
#include "hw_models/device_file.h"

namespace hwnas {

// NaN: not known. Latency of one batch, energy of one inference.
struct Figures {
  double latency_s = std::numeric_limits<double>::quiet_NaN();
  double energy_j = std::numeric_limits<double>::quiet_NaN();
  double peak_memory_bytes = std::numeric_limits<double>::quiet_NaN();
  double storage_bytes = std::numeric_limits<double>::quiet_NaN();
  double latency_stddev_s = 0, energy_stddev_j = 0;  // standard errors; 0: not known
};

// Why figures cannot be those of a device ("latency_s is -1, which no device takes"), or empty. At
// least one of latency and energy must be known.
std::string refusal(const Figures& figures);

// Memory and storage that nobody knows are counted from the network, which a line of `extrapolated`
// says. `rows`, where there are any, add up to the figures.
Estimate to_estimate(const Figures& figures, std::vector<LayerCost> rows, const Workload& workload,
                     const Price& price, Confidence confidence);

// What neither a table nor a program can be asked for ("batch 0 is not at least 1"), or empty.
std::string refusal(const Candidate& candidate);

}  // namespace hwnas
