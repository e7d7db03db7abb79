// The tensors of a training, for a checkpoint and back. Internal to trainer/.
#pragma once

#include <vector>

#include "trainer/checkpoint.h"
#include "trainer/module.h"
#include "trainer/sgd.h"

namespace hwnas {

// Weights, running statistics and momentum.
std::vector<Checkpoint::Values> capture(const Module& module, const Sgd& sgd);

// All of them or, where one is missing or has another size, none: then std::runtime_error.
void restore(Module& module, Sgd& sgd, const std::vector<Checkpoint::Values>& values);

}  // namespace hwnas
