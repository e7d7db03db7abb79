// run_driver STUDY TRIALS WORKERS MOST_MS [rungs|flowing]: the toy search, to be killed
// (kill_test).
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "space/input_error.h"
#include "tests/search/run_support.h"

int main(int argc, char** argv) {
  if (argc < 5) return 2;
  try {
    const int workers = std::atoi(argv[3]), most_ms = std::atoi(argv[4]);
    const std::string_view how = argc > 5 ? argv[5] : "";
    if (how == "flowing") {
      hwnas::toy::Flowing{.workers = workers, .most_ms = most_ms}.run(argv[1], std::atoll(argv[2]));
    } else if (how == "rungs") {
      hwnas::toy::Bracket{.workers = workers, .most_ms = most_ms}.run(argv[1], std::atoll(argv[2]));
    } else {
      hwnas::toy::search(argv[1], std::atoll(argv[2]), workers, most_ms);
    }
  } catch (const hwnas::InputError& error) {
    std::cerr << error.what() << "\n";
    return 2;
  }
}
