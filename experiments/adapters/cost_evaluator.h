// CostModel -> Evaluator: the stage "costs".
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "experiments/architecture_table.h"
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

// Measured where the device is a table of measurements, predicted where it was learned from some,
// else analytic.
Source source_of(const Device& device);

// All that is known of a candidate for nothing: what the cost models say, and what tables hold at
// no cost. The stage "costs" of a run, and the eyes of whatever looks ahead (the survey, an
// Outlook). Immutable; pure and thread-safe.
class Pricing {
 public:
  // `tables` may be null. A free metric of theirs that `needed` names and that is missing is a
  // candidate's failure.
  Pricing(std::vector<PricedDevice> devices, std::shared_ptr<const ArchitectureTables> tables,
          std::span<const Objective> needed);

  // Parameters and macs; on every device latency, energy, memory, storage, throughput and (where
  // priced) cost; then the tables' free metrics. Whether a candidate fits a device's memories is
  // for bounds to decide. The candidate's network must be live.
  Evaluation price(const Candidate& candidate) const;

  // Zero-cost scores, higher is better; NaN where missing, empty where no table has any.
  std::vector<double> scores(const Genotype& genotype) const;

 private:
  std::vector<PricedDevice> devices_;
  std::shared_ptr<const ArchitectureTables> tables_;
  std::vector<ArchitectureTables::Column> known_;
};

std::unique_ptr<Evaluator> cost_evaluator(std::shared_ptr<const Pricing> pricing, int threads);

}  // namespace hwnas
