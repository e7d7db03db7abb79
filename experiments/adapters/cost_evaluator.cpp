#include "experiments/adapters/cost_evaluator.h"

#include <cmath>

namespace hwnas {
namespace {

void add(std::vector<Measurement>& measurements, Metric metric, const std::string& device,
         Source source, double value, double stddev = 0) {
  if (std::isnan(value)) return;  // no price
  Measurement& m = measurements.emplace_back(Measurement{{metric, device}, source, 0, value});
  if (stddev > 0) m.stddev = stddev;
}

}  // namespace

void add_measurements(std::vector<Measurement>& measurements, const Device& device,
                      const Cost& cost) {
  const Source source = source_of(device);
  const auto memory = static_cast<double>(cost.peak_memory_bytes);
  const auto storage = static_cast<double>(cost.storage_bytes);
  add(measurements, Metric::latency, device.name, source, cost.latency_s, cost.latency_stddev_s);
  add(measurements, Metric::energy, device.name, source, cost.energy_j, cost.energy_stddev_j);
  add(measurements, Metric::memory, device.name, source, memory);
  add(measurements, Metric::storage, device.name, source, storage);
  add(measurements, Metric::throughput, device.name, source, cost.throughput_per_s,
      cost.throughput_per_s * cost.latency_stddev_s / cost.latency_s);  // to the first order
  add(measurements, Metric::cost, device.name, source, cost.usd_per_million,
      cost.usd_per_million_stddev);
}

Source source_of(const Device& device) {
  if (device.family == Family::lookup) return Source::measured;
  return device.family == Family::learned ? Source::predicted : Source::analytic;
}

Pricing::Pricing(std::vector<PricedDevice> devices,
                 std::shared_ptr<const ArchitectureTables> tables,
                 std::span<const Objective> needed)
    : devices_(std::move(devices)), tables_(std::move(tables)) {
  if (tables_) known_ = tables_->known(needed);
}

Evaluation Pricing::price(const Candidate& candidate) const {
  Evaluation evaluation;
  evaluation.measurements.reserve(2 + 6 * devices_.size() + known_.size());
  const Network& network = candidate.network;
  const Workload workload(candidate);
  add(evaluation.measurements, Metric::parameters, "", Source::analytic,
      static_cast<double>(parameters(network)));
  add(evaluation.measurements, Metric::macs, "", Source::analytic,
      static_cast<double>(macs(network)));
  for (const auto& [device, required] : devices_) {
    const Estimate estimate = device.model->estimate(workload);
    // Memories with a capacity are bounds of the run; any other misfit is a failure.
    const bool bounded = device.model->capacity().memory_bytes > 0;
    if (!estimate.covered || (!estimate.fits && !bounded)) {
      if (required) evaluation.failure = estimate.reason;
      continue;
    }
    add_measurements(evaluation.measurements, device, estimate.cost);
  }
  if (tables_) tables_->look_up(known_, candidate.genotype, evaluation);
  return evaluation;
}

std::vector<double> Pricing::scores(const Genotype& genotype) const {
  return tables_ ? tables_->scores(genotype) : std::vector<double>{};
}

std::unique_ptr<Evaluator> cost_evaluator(std::shared_ptr<const Pricing> pricing, int threads) {
  return parallel_evaluator("costs", threads, [pricing = std::move(pricing)](const Job& job) {
    return pricing->price(*job.candidate);
  });
}

}  // namespace hwnas
