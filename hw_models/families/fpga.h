// Fpga: streaming dataflow on an FPGA, one engine for each layer.
#pragma once

#include <memory>
#include <string>

#include "hw_models/cost_model.h"
#include "hw_models/device_file.h"

namespace hwnas {

// Throws InputError.
std::shared_ptr<const CostModel> make_fpga(const TomlTable& file, const std::string& device,
                                           Confidence confidence);

}  // namespace hwnas
