// Tensors of a file as trainer/tensor_file.h writes it (the public format "safetensors").
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace hwnas {

struct StoredTensor {
  std::string type;  // "F32", "I64", "I32", "I8", "U8"
  std::vector<std::int64_t> shape;
  std::string bytes;  // little-endian, row by row
};

using StoredTensors = std::map<std::string, StoredTensor>;

// Throws InputError with the file's name: unreadable, or a header that does not fit what follows.
StoredTensors load_tensors(const std::filesystem::path& path);

}  // namespace hwnas
