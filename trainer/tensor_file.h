// Tensors in a file of the public format "safetensors": eight bytes that say how long the header
// is (little-endian), the header (JSON: of each tensor its type, shape and place), raw bytes. No
// code is in it; Python, Rust and JavaScript have readers
// (https://github.com/huggingface/safetensors).
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "trainer/module.h"

namespace hwnas {

// Float32, int64, int32, int8 and uint8 tensors, in the order given; `notes` go into the header.
// Throws std::runtime_error where `path` cannot be written.
void save_tensors(const NamedTensors& tensors, const std::map<std::string, std::string>& notes,
                  const std::filesystem::path& path);

}  // namespace hwnas
