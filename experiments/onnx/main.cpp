// hwnas-onnx FILE [SIZES]: an ONNX model as a network file, on standard output. SIZES, "3x224x224":
// of the input without the batch, where the model leaves them free. 0 done, 2 bad input.
#include <onnx/onnx_pb.h>

#include <charconv>
#include <fstream>
#include <iostream>
#include <string_view>
#include <vector>

#include "experiments/onnx/import.h"
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

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) {
    std::cerr << "usage: hwnas-onnx FILE [SIZES]\n";
    return 2;
  }
  try {
    std::ifstream in(argv[1], std::ios::binary);
    onnx::ModelProto model;
    if (!in) throw hwnas::InputError(argv[1], 0, "", "", "cannot be read; does the file exist?");
    if (!model.ParseFromIstream(&in) || !model.has_graph())
      throw hwnas::InputError(argv[1], 0, "", "", "is not an ONNX model");
    std::cout << hwnas::to_toml(
        hwnas::import_onnx(std::move(model), argv[1], parse_sizes(argc == 3 ? argv[2] : "")));
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 2;
  }
}
