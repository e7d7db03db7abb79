#include "experiments/adapters/cost_evaluator.h"

#include <cmath>

namespace hwnas {
namespace {

void add(Evaluation& evaluation, Metric metric, const std::string& device, double value) {
  if (std::isnan(value)) return;  // no price
  evaluation.measurements.push_back({{metric, device}, Source::analytic, 0, value, std::nullopt});
}

Evaluation evaluate(const std::vector<PricedDevice>& devices, const Job& job) {
  Evaluation evaluation;
  evaluation.measurements.reserve(2 + 6 * devices.size());
  const Network& network = job.candidate->network;
  add(evaluation, Metric::parameters, "", static_cast<double>(parameters(network)));
  add(evaluation, Metric::macs, "", static_cast<double>(macs(network)));
  for (const auto& [device, required] : devices) {
    const Estimate estimate = device.model->estimate(*job.candidate);
    // Memories with a capacity are bounds of the run; any other misfit is a failure.
    const bool bounded = device.model->capacity().memory_bytes > 0;
    if (!estimate.covered || (!estimate.fits && !bounded)) {
      if (required) evaluation.failure = estimate.reason;
      continue;
    }
    const Cost& cost = estimate.cost;
    add(evaluation, Metric::latency, device.name, cost.latency_s);
    add(evaluation, Metric::energy, device.name, cost.energy_j);
    add(evaluation, Metric::memory, device.name, static_cast<double>(cost.peak_memory_bytes));
    add(evaluation, Metric::storage, device.name, static_cast<double>(cost.storage_bytes));
    add(evaluation, Metric::throughput, device.name, cost.throughput_per_s);
    add(evaluation, Metric::cost, device.name, cost.usd_per_million);
  }
  return evaluation;
}

}  // namespace

std::unique_ptr<Evaluator> cost_evaluator(std::vector<PricedDevice> devices, int threads) {
  return parallel_evaluator("costs", threads, [devices = std::move(devices)](const Job& job) {
    return evaluate(devices, job);
  });
}

}  // namespace hwnas
