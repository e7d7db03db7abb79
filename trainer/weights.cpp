#include <torch/torch.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <stdexcept>

#include "trainer/module.h"

namespace hwnas {
namespace {

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& problem) {
  throw std::runtime_error(path.string() + ": " + problem);
}

c10::Dict<c10::IValue, c10::IValue> read_dictionary(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(path, "cannot be opened");
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  try {
    return torch::pickle_load(bytes).toGenericDict();
  } catch (const std::exception&) {  // LibTorch's text is a page of its own source lines
    fail(path, "is not a file of weights");
  }
}

}  // namespace

void save_weights(const Module& module, const std::filesystem::path& path) {
  c10::Dict<std::string, at::Tensor> named;
  for (const auto& [name, value] : module.state()) {
    named.insert(name, value.detach().to(at::kCPU).contiguous());
  }
  const std::vector<char> bytes = torch::pickle_save(named);
  // The process id keeps two writers of one path from sharing a temporary file.
  std::filesystem::path temporary = path;
  temporary += ".tmp" + std::to_string(getpid());
  std::ofstream file(temporary, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  std::error_code error;
  if (file) std::filesystem::rename(temporary, path, error);
  if (!file || error) {
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    fail(path, "cannot be written" + (error ? ": " + error.message() : std::string()));
  }
}

void load_weights(Module& module, const std::filesystem::path& path) {
  const auto named = read_dictionary(path);
  for (const auto& entry : named) {  // files of older versions have no ranges
    if (entry.key().isString() && entry.key().toStringRef().ends_with(kRangeSuffix)) {
      module.expect_ranges(false);
      break;
    }
  }
  const NamedTensors state = module.state();
  if (named.size() != state.size()) {
    fail(path, "holds " + std::to_string(named.size()) + " values, the network " +
                   std::to_string(state.size()));
  }
  const torch::NoGradGuard no_grad;
  for (const auto& [name, value] : state) {
    const auto found = named.find(name);
    if (found == named.end()) fail(path, "has no value '" + name + "'");
    const at::Tensor stored = found->value().toTensor();
    if (stored.sizes() != value.sizes()) fail(path, "value '" + name + "' has another shape");
    value.copy_(stored);
  }
}

std::map<std::string, at::Tensor> read_weights(const std::filesystem::path& path) {
  std::map<std::string, at::Tensor> all;
  for (const auto& entry : read_dictionary(path)) {
    if (!entry.key().isString() || !entry.value().isTensor())
      fail(path, "is not a file of weights");
    all.emplace(entry.key().toStringRef(), entry.value().toTensor());
  }
  return all;
}

}  // namespace hwnas
