// A trained network as TorchScript: a program that LibTorch and Python's torch.jit.load run without
// hwnas. Float32 with the norms kept; images in (batch x channels x height x width, normalised),
// logits out (batch x classes; where the network ends in a softmax, its probabilities).
#pragma once

#include <filesystem>
#include <string>

#include "trainer/module.h"

namespace hwnas {

// The source of the method `forward`. Throws std::invalid_argument with the layer's name where an
// op has none.
std::string script_source(const Module& module);

// Values are attributes of the module, LAYER_weight and so on (dots and the like become "_").
// Throws std::invalid_argument as above, std::runtime_error where `path` cannot be written.
void save_script(const Module& module, const std::filesystem::path& path);

}  // namespace hwnas
