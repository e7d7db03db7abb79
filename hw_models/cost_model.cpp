#include "hw_models/cost_model.h"

#include <algorithm>
#include <array>
#include <limits>

namespace hwnas {

std::string_view to_string(Bound bound) {
  switch (bound) {
    case Bound::compute:
      return "compute";
    case Bound::memory:
      return "memory";
    case Bound::overhead:
      return "overhead";
    case Bound::unknown:
      return "unknown";
  }
  return "";
}

Estimate not_covered(std::string reason) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  Estimate estimate;
  estimate.covered = false;
  estimate.reason = std::move(reason);
  Cost& cost = estimate.cost;
  cost.latency_s = cost.energy_j = cost.throughput_per_s = cost.usd_per_million = kNone;
  return estimate;
}

double count(const Cost& cost, std::string_view name) {
  double sum = 0;
  for (const Count& entry : cost.counts) {
    if (entry.name == name) sum += entry.value;
  }
  return sum;
}

double count(const Cost& cost, std::string_view name, int layer) {
  double sum = 0;
  for (const Count& entry : cost.counts) {
    if (entry.layer == layer && entry.name == name) sum += entry.value;
  }
  return sum;
}

void add_up(Cost& cost, int batch) {
  std::array<double, 4> share{};
  cost.latency_s = cost.energy_j = 0;
  for (const LayerCost& row : cost.layers) {
    cost.latency_s += row.latency_s;
    cost.energy_j += row.energy_j / batch;
    share[static_cast<std::size_t>(row.bound)] += row.latency_s;
  }
  cost.throughput_per_s = batch / cost.latency_s;
  cost.bound = static_cast<Bound>(std::max_element(share.begin(), share.end()) - share.begin());
}

}  // namespace hwnas
