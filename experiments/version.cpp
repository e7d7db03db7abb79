#include "experiments/version.h"

#include <exception>

#include "commit.h"
#include "experiments/library.h"
#include "search/engine/process_pool.h"

namespace hwnas {
namespace {

#ifdef __clang__
const std::string kCompiler = "clang " __clang_version__;
#else
const std::string kCompiler = "GCC " __VERSION__;
#endif

// It takes a moment to load LibTorch, or is not there.
std::string trainer_version() {
  try {
    return ProcessPool({.command = {"sh", "-c", "\"$0\" --version && cat",
                                    companion_program("hwnas-trainer")}})
        .greeting();
  } catch (const std::exception&) {
    return "hwnas-trainer is not beside it nor in PATH: nothing can be trained";
  }
}

}  // namespace

std::string version_text() {
  return "hwnas " HWNAS_VERSION " (" HWNAS_COMMIT "), " + kCompiler + ", " HWNAS_BUILD_TYPE "\n" +
         trainer_version() + "\n";
}

}  // namespace hwnas
