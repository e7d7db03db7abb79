// Measurements: a CSV of architectures of a space with a device's latency or energy, and columns of
// other devices, ready for predictors/few_shot.h.
#pragma once

#include <string>
#include <vector>

#include "hw_models/device.h"
#include "predictors/device_sources.h"
#include "search/objective.h"
#include "space/search_space.h"

namespace hwnas {

struct MeasurementOptions {
  std::string csv;
  std::string target;        // column
  std::string unit;          // "ms", ...; empty: the end of the column's name, "_ms"
  std::string metric;        // "latency" or "energy"; empty: by the unit
  std::string architecture;  // column; empty: the first whose cells are architectures
  // Columns; "all": every other one whose name ends in a unit, but those of the target's device.
  std::vector<std::string> sources;
  bool target_may_lack = false;  // a target that is no column is one without values
};

struct Measurements {
  std::string architecture_column;
  Metric metric = Metric::latency;
  double unit = 1;  // in SI
  std::vector<Genotype> genotypes;
  std::vector<Architecture> architectures;
  std::vector<double> values;  // SI; NaN where there is none
  std::vector<SourceColumn> sources;
  std::size_t without_value = 0;    // rows of the above
  std::size_t without_network = 0;  // rows left out: nothing reaches their output

  // Rows that have a value.
  std::vector<std::size_t> measured() const;
};

// Throws InputError (file, line, column, value; option).
Measurements read_measurements(const MeasurementOptions& options, const SearchSpace& space);

// "c10_edgegpu_latency_ms" and "c10_edgegpu_energy_mJ" are of one device, "c10_edgegpu".
std::string device_of_column(const std::string& column);

// What a device says of each row, in SI. Throws InputError where it does not cover one.
std::vector<double> prior_estimates(const Device& device, const SearchSpace& space,
                                    const Measurements& measurements);

}  // namespace hwnas
