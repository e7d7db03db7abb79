#include "experiments/onnx_file.h"

#include <poll.h>

#include "experiments/library.h"
#include "space/child_process.h"
#include "space/input_error.h"
#include "space/network_file.h"

namespace hwnas {
namespace {

constexpr std::size_t kPiece = 1 << 20;

// Runs hwnas-onnx and returns what it prints. Throws InputError with its words, or about `file`.
std::string ask(std::vector<std::string> command, const std::string& file) {
  std::string text;
  std::string problem;
  try {
    command.insert(command.begin(), companion_program("hwnas-onnx"));
    ChildProcess child(command);
    child.close_input();
    while (child.output() >= 0 || child.errors() >= 0) {
      pollfd waiting[] = {{child.output(), POLLIN, 0}, {child.errors(), POLLIN, 0}};
      poll(waiting, 2, -1);
      child.read_output(kPiece);
      child.read_errors();
      while (const auto line = child.next_line()) text += *line + '\n';
    }
    while (!child.ended()) poll(nullptr, 0, 1);
    if (!child.epitaph().starts_with("exit code 0")) {
      problem = child.last_words();
      if (problem.empty()) problem = file + ": " + child.epitaph();
    }
  } catch (const std::runtime_error& error) {
    problem =
        file + ": needs hwnas-onnx, which was not built or is not beside hwnas: " + error.what();
  }
  if (!problem.empty()) throw InputError(problem);
  return text;
}

}  // namespace

Network read_onnx(const std::filesystem::path& file, const std::string& sizes) {
  std::vector<std::string> command{file.string()};
  if (!sizes.empty()) command.push_back(sizes);
  return parse_network(ask(std::move(command), file.string()), file.string());
}

void write_onnx(const std::filesystem::path& network, const std::filesystem::path& tensors,
                const std::filesystem::path& file) {
  ask({"write", network.string(), tensors.string(), file.string()}, file.string());
}

}  // namespace hwnas
