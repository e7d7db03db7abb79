#include "experiments/onnx/tensor_file.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "space/input_error.h"

namespace hwnas {
namespace {

using nlohmann::json;

constexpr std::size_t kLengthBytes = 8;

std::size_t item_bytes(const std::string& type) {
  if (type == "F32" || type == "I32") return 4;
  if (type == "I64") return 8;
  return type == "I8" || type == "U8" ? 1 : 0;
}

StoredTensor read_tensor(const json& entry, const std::string& data) {
  StoredTensor tensor{entry.at("dtype"), entry.at("shape"), ""};
  std::size_t bytes = item_bytes(tensor.type);
  for (const std::int64_t d : tensor.shape) {
    if (d < 0 || (d > 0 && bytes > data.size() / static_cast<std::size_t>(d))) bytes = 0;
    bytes *= static_cast<std::size_t>(d);
  }
  const auto begin = entry.at("data_offsets").at(0).get<std::size_t>();
  const auto end = entry.at("data_offsets").at(1).get<std::size_t>();
  if (begin > end || end > data.size() || end - begin != bytes)
    throw std::runtime_error("its place is not of its size");
  tensor.bytes = data.substr(begin, bytes);
  return tensor;
}

}  // namespace

StoredTensors load_tensors(const std::filesystem::path& path) {
  const auto fail = [&path](const std::string& problem) {
    throw InputError(path.string(), 0, "", "", problem);
  };
  std::ifstream in(path, std::ios::binary);
  if (!in) fail("cannot be read; does the file exist?");
  std::ostringstream all;
  all << in.rdbuf();
  const std::string file = std::move(all).str();
  std::uint64_t length = 0;
  if (file.size() < kLengthBytes) fail("is no file of tensors (safetensors)");
  file.copy(reinterpret_cast<char*>(&length), kLengthBytes);
  if (length > file.size() - kLengthBytes)
    fail("is cut short, or no file of tensors (safetensors)");
  const json header = json::parse(file.substr(kLengthBytes, length), nullptr, false);
  if (!header.is_object()) fail("is no file of tensors (safetensors)");
  const std::string data = file.substr(kLengthBytes + length);
  StoredTensors tensors;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") continue;
    try {
      tensors[name] = read_tensor(entry, data);
    } catch (const std::exception& error) {
      fail("tensor '" + name + "': " + error.what());
    }
  }
  return tensors;
}

}  // namespace hwnas
