#include "trainer/tensor_file.h"

#include <torch/torch.h>

#include <bit>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace hwnas {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

const char* type_name(at::ScalarType type) {
  switch (type) {
    case at::kFloat:
      return "F32";
    case at::kLong:
      return "I64";
    case at::kInt:
      return "I32";
    case at::kChar:
      return "I8";
    case at::kByte:
      return "U8";
    default:
      throw std::runtime_error("a tensor has a type that no tensor file of ours holds");
  }
}

}  // namespace

void save_tensors(const NamedTensors& tensors, const std::map<std::string, std::string>& notes,
                  const std::filesystem::path& path) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!notes.empty()) header["__metadata__"] = notes;
  std::vector<at::Tensor> plain;
  std::size_t end = 0;
  for (const auto& [name, tensor] : tensors) {
    plain.push_back(tensor.detach().to(at::kCPU).contiguous());
    const std::size_t begin = end;
    end += plain.back().nbytes();
    header[name] = {{"dtype", type_name(tensor.scalar_type())},
                    {"shape", tensor.sizes().vec()},
                    {"data_offsets", {begin, end}}};
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');  // so that values lie aligned
  const std::uint64_t length = text.size();
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(&length), sizeof length);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  for (const at::Tensor& tensor : plain) {
    file.write(static_cast<const char*>(tensor.data_ptr()),
               static_cast<std::streamsize>(tensor.nbytes()));
  }
  file.close();
  if (!file) throw std::runtime_error(path.string() + ": cannot be written");
}

}  // namespace hwnas
