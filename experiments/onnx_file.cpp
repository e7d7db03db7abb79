#include "experiments/onnx_file.h"

#include <poll.h>

#include "experiments/library.h"
#include "space/child_process.h"
#include "space/input_error.h"
#include "space/network_file.h"

namespace hwnas {
namespace {

constexpr std::size_t kPiece = 1 << 20;

}  // namespace

Network read_onnx(const std::filesystem::path& file, const std::string& sizes) {
  std::string text;
  std::string problem;
  try {
    std::vector<std::string> command{companion_program("hwnas-onnx"), file.string()};
    if (!sizes.empty()) command.push_back(sizes);
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
    if (!child.epitaph().starts_with("exit code 0")) problem = child.last_words();
    if (problem.empty() && text.empty()) problem = file.string() + ": " + child.epitaph();
  } catch (const std::runtime_error& error) {
    problem = file.string() +
              ": needs hwnas-onnx, which was not built or is not beside hwnas: " + error.what();
  }
  if (!problem.empty()) throw InputError(problem);
  return parse_network(text, file.string());
}

}  // namespace hwnas
