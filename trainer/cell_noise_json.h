// CellNoise in the requests of hwnas-trainer (README.md of this folder, key "cells").
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "trainer/cell_noise.h"

namespace hwnas {

// Throws InputError: key, value, what would be right.
CellNoise read_cell_noise(const nlohmann::ordered_json& cells);

}  // namespace hwnas
