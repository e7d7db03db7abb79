#include "experiments/adapters/cost_evaluator.h"

#include <cmath>

namespace hwnas {
namespace {

void add(std::vector<Measurement>& measurements, Metric metric, const std::string& device,
         double value) {
  if (std::isnan(value)) return;  // no price
  measurements.push_back({{metric, device}, Source::analytic, 0, value, std::nullopt});
}

Evaluation evaluate(const std::vector<PricedDevice>& devices, const Job& job) {
  Evaluation evaluation;
  evaluation.measurements.reserve(2 + 6 * devices.size());
  const Network& network = job.candidate->network;
  const Workload workload(*job.candidate);
  add(evaluation.measurements, Metric::parameters, "", static_cast<double>(parameters(network)));
  add(evaluation.measurements, Metric::macs, "", static_cast<double>(macs(network)));
  for (const auto& [device, required] : devices) {
    const Estimate estimate = device.model->estimate(workload);
    // Memories with a capacity are bounds of the run; any other misfit is a failure.
    const bool bounded = device.model->capacity().memory_bytes > 0;
    if (!estimate.covered || (!estimate.fits && !bounded)) {
      if (required) evaluation.failure = estimate.reason;
      continue;
    }
    add_measurements(evaluation.measurements, device.name, estimate.cost);
  }
  return evaluation;
}

}  // namespace

void add_measurements(std::vector<Measurement>& measurements, const std::string& device,
                      const Cost& cost) {
  add(measurements, Metric::latency, device, cost.latency_s);
  add(measurements, Metric::energy, device, cost.energy_j);
  add(measurements, Metric::memory, device, static_cast<double>(cost.peak_memory_bytes));
  add(measurements, Metric::storage, device, static_cast<double>(cost.storage_bytes));
  add(measurements, Metric::throughput, device, cost.throughput_per_s);
  add(measurements, Metric::cost, device, cost.usd_per_million);
}

std::unique_ptr<Evaluator> cost_evaluator(std::vector<PricedDevice> devices, int threads) {
  return parallel_evaluator("costs", threads, [devices = std::move(devices)](const Job& job) {
    return evaluate(devices, job);
  });
}

}  // namespace hwnas
