#include "hw_models/figures.h"

#include <cmath>
#include <sstream>

namespace hwnas {
namespace {

struct Range {
  const char* name;
  double Figures::*value;
  double lowest, highest;
};
// From a femtosecond to two weeks, from an attojoule to 300 kWh, up to a petabyte.
constexpr Range kRanges[] = {{"latency_s", &Figures::latency_s, 1e-12, 1e6},
                             {"energy_j", &Figures::energy_j, 1e-18, 1e9},
                             {"peak_memory_bytes", &Figures::peak_memory_bytes, 0, 1e15},
                             {"storage_bytes", &Figures::storage_bytes, 0, 1e15}};

constexpr Fusion kFused{true, true, true};

double stored_bytes(const Workload& workload) {
  double sum = 0;
  for (const Kernel& kernel : workload.kernels(kFused))
    sum += kernel.weight_bytes + kernel.constant_bytes + kernel.table_bytes;
  return sum;
}

}  // namespace

std::string refusal(const Figures& figures) {
  for (const Range& range : kRanges) {
    const double value = figures.*range.value;
    if (std::isnan(value) || (value >= range.lowest && value <= range.highest)) continue;
    std::ostringstream text;
    text << range.name << " is " << value << ", not from " << range.lowest << " to "
         << range.highest;
    return text.str();
  }
  if (std::isnan(figures.latency_s) && std::isnan(figures.energy_j))
    return "neither latency_s nor energy_j is known";
  return "";
}

std::string refusal(const Candidate& candidate) {
  std::ostringstream text;
  const auto& [batch, clock_share] = candidate.deployment;
  if (batch < 1) {
    text << "batch " << batch << " is not at least 1";
  } else if (!(clock_share > 0 && clock_share <= 1)) {
    text << "clock_share " << clock_share << " is not in (0, 1]";
  } else if (candidate.network.size() < 2) {
    text << "the network has no layers";
  }
  return text.str();
}

Estimate to_estimate(const Figures& figures, std::vector<LayerCost> rows, const Workload& workload,
                     const Price& price, Confidence confidence) {
  const MemoryPlan& plan = workload.memory({});
  const int batch = workload.batch();
  Estimate estimate;
  Cost& cost = estimate.cost;
  cost.layers = std::move(rows);
  if (cost.layers.empty()) {
    cost.latency_s = figures.latency_s;
    cost.energy_j = figures.energy_j;
    cost.throughput_per_s = batch / cost.latency_s;
    cost.bound = Bound::unknown;
  } else {
    for (LayerCost& row : cost.layers)
      row.live_bytes = plan.live_bytes[static_cast<std::size_t>(row.layer)];
    add_up(cost, batch);
    if (std::isnan(cost.energy_j)) cost.energy_j = figures.energy_j;  // not known by layer
  }
  const bool no_memory = std::isnan(figures.peak_memory_bytes);
  const bool no_storage = std::isnan(figures.storage_bytes);
  cost.peak_memory_bytes =
      no_memory ? plan.peak_bytes : static_cast<std::int64_t>(std::ceil(figures.peak_memory_bytes));
  cost.storage_bytes = static_cast<std::int64_t>(
      std::ceil(no_storage ? stored_bytes(workload) : figures.storage_bytes));
  if (no_memory || no_storage) {
    cost.extrapolated.push_back(std::string(no_memory && no_storage ? "peak memory and storage are"
                                            : no_memory             ? "peak memory is"
                                                                    : "storage is") +
                                " counted from the network");
  }
  cost.confidence = confidence;
  cost.latency_stddev_s = figures.latency_stddev_s;
  cost.energy_stddev_j = figures.energy_stddev_j;
  cost.usd_per_million = price.usd_per_million(cost.latency_s / batch, cost.energy_j);
  cost.usd_per_million_stddev =
      price.usd_per_million_stddev(cost.latency_stddev_s / batch, cost.energy_stddev_j);
  return estimate;
}

}  // namespace hwnas
