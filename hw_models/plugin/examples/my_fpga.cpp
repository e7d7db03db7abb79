// A cost model in C++: a pipeline of layers at 150 MHz, as fast as its slowest stage.
#include <hwnas_plugin.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <vector>

namespace {

constexpr double kClockHz = 150e6, kMultipliersPerStage = 128, kWatts = 3.5, kMemoryBytes = 4e6;

// What one layer takes, in cycles.
double cycles(const hwnas_layer& layer) {
  const double elements = 1.0 * layer.out.channels * layer.out.height * layer.out.width;
  return std::max(layer.macs / kMultipliersPerStage, elements);
}

void fill(const hwnas_request& request, hwnas_cost& cost) {
  std::vector<double> stages;
  double weight_bytes = 0;
  for (int32_t i = 1; i < request.layer_count; ++i) {
    const hwnas_layer& layer = *hwnas_layer_at(&request, i);
    stages.push_back(cycles(layer));
    weight_bytes += layer.parameters * layer.weight_bits / 8;
  }
  double sum = 0;
  for (const double stage : stages) sum += stage;
  const double slowest = *std::max_element(stages.begin(), stages.end());
  const double hz = kClockHz * request.clock_share;
  cost.latency_s = (sum + slowest * (request.batch - 1)) / hz;
  cost.energy_j = kWatts * cost.latency_s / request.batch;
  cost.storage_bytes = weight_bytes;
}

// No exception may leave a plug-in.
int32_t estimate(const hwnas_request* request, hwnas_cost* cost) noexcept try {
  fill(*request, *cost);
  if (cost->storage_bytes <= kMemoryBytes) return 0;
  std::snprintf(cost->reason, cost->reason_size,
                "my_fpga has %.0f bytes for weights, this needs %.0f", kMemoryBytes,
                cost->storage_bytes);
  return 1;
} catch (const std::exception& error) {
  std::snprintf(cost->reason, cost->reason_size, "%s", error.what());
  return 1;
}

}  // namespace

extern "C" HWNAS_PLUGIN_EXPORT const hwnas_plugin_table* hwnas_plugin() {
  static const hwnas_plugin_table table{HWNAS_PLUGIN_VERSION, sizeof(hwnas_plugin_table), "my_fpga",
                                        estimate};
  return &table;
}
