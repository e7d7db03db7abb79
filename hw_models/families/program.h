// Program: a program of the user, spoken to over its input and output.
#pragma once

#include <memory>
#include <string>

#include "hw_models/cost_model.h"
#include "hw_models/device_file.h"

namespace hwnas {

// Throws InputError.
std::shared_ptr<const CostModel> make_program(const TomlTable& file, const std::string& device,
                                              Confidence confidence);

}  // namespace hwnas
