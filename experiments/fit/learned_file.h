// The device file of a fit: family "learned" (hw_models/families/learned.md).
#pragma once

#include <string>

#include "experiments/fit/measurements.h"
#include "predictors/device_model.h"

namespace hwnas {

struct LearnedFile {
  std::string description, space, source, date;
  Metric metric = Metric::latency;
  const Device* prior = nullptr;
};

// TOML. The samples are written by their genes.
std::string learned_text(const LearnedFile& file, const DeviceModel& model,
                         const std::vector<Genotype>& samples);

}  // namespace hwnas
