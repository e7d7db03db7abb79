// The tensors of a training, for a checkpoint and back. Internal to trainer/.
#pragma once

#include <vector>

#include "trainer/checkpoint.h"
#include "trainer/module.h"
#include "trainer/optimiser.h"

namespace hwnas {

// Weights, running statistics and what the optimiser remembers.
std::vector<Checkpoint::Values> capture(const Module& module, const Optimiser& optimiser);

// All of them or, where one is missing or has another size, none: then std::runtime_error.
void restore(Module& module, Optimiser& optimiser, const std::vector<Checkpoint::Values>& values);

}  // namespace hwnas
