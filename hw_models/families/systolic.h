// Systolic: arrays of multipliers that data stream through (TPU, Edge TPU, NPUs).
#pragma once

#include <memory>
#include <string>

#include "hw_models/cost_model.h"
#include "hw_models/device_file.h"

namespace hwnas {

// Throws InputError.
std::shared_ptr<const CostModel> make_systolic(const TomlTable& file, const std::string& device,
                                               Confidence confidence);

}  // namespace hwnas
