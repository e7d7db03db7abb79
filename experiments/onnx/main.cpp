// hwnas-onnx FILE [SIZES]: an ONNX model as a network file, on standard output. SIZES, "3x224x224":
// of the input without the batch, where the model leaves them free.
// hwnas-onnx write NETWORK.toml TENSORS.safetensors FILE: a network and its values as an ONNX
// model. 0 done, 2 bad input.
#include <onnx/onnx_pb.h>

#include <charconv>
#include <fstream>
#include <iostream>
#include <string_view>
#include <vector>

#include "experiments/onnx/export.h"
#include "experiments/onnx/import.h"
#include "experiments/onnx/tensor_file.h"
#include "space/input_error.h"
#include "space/network_file.h"

namespace {

std::vector<std::int64_t> parse_sizes(std::string_view text) {
  std::vector<std::int64_t> sizes;
  const char* end = text.data() + text.size();
  for (const char* at = text.data(); at < end; ++at) {
    std::int64_t size = 0;
    const auto parsed = std::from_chars(at, end, size);
    const bool more = parsed.ptr != end;
    if (parsed.ec != std::errc() || size < 1 || size > 1 << 24 ||
        (more && (*parsed.ptr != 'x' || parsed.ptr + 1 == end)))
      throw hwnas::InputError("", 0, "sizes of the input", text, "expected such as 3x224x224");
    sizes.push_back(size);
    at = parsed.ptr;
  }
  return sizes;
}

void read(const std::string& file, std::string_view sizes) {
  std::ifstream in(file, std::ios::binary);
  onnx::ModelProto model;
  if (!in) throw hwnas::InputError(file, 0, "", "", "cannot be read; does the file exist?");
  if (!model.ParseFromIstream(&in) || !model.has_graph())
    throw hwnas::InputError(file, 0, "", "", "is not an ONNX model");
  std::cout << hwnas::to_toml(hwnas::import_onnx(std::move(model), file, parse_sizes(sizes)));
}

void write(const std::string& network, const std::string& tensors, const std::string& file) {
  const onnx::ModelProto model =
      hwnas::export_onnx(hwnas::load_network(network), hwnas::load_tensors(tensors), tensors);
  std::ofstream out(file, std::ios::binary);
  if (!model.SerializeToOstream(&out) || !out.flush())
    throw hwnas::InputError(file, 0, "", "", "cannot be written");
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  try {
    if (arguments.size() == 4 && arguments[0] == "write") {
      write(arguments[1], arguments[2], arguments[3]);
    } else if (arguments.size() == 1 || arguments.size() == 2) {
      read(arguments[0], arguments.size() == 2 ? arguments[1] : "");
    } else {
      std::cerr << "usage: hwnas-onnx FILE [SIZES]\n"
                   "       hwnas-onnx write NETWORK.toml TENSORS.safetensors FILE\n";
      return 2;
    }
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 2;
  }
}
