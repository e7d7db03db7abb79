// A device's noise -> what hwnas-trainer wants to know of its cells (trainer/README.md, "cells").
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "experiments/run_config.h"
#include "hw_models/device.h"
#include "space/network.h"

namespace hwnas {

// For a network at one of the device's precisions: that of its first conv or linear layer. Throws
// InputError where the device has no such precision or no noise.
nlohmann::json cells_json(const NoiseConfig& config, const Device& device, const Network& network);

}  // namespace hwnas
