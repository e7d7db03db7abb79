// run_driver STUDY TRIALS WORKERS MOST_MS: the toy search, to be killed (kill_test).
#include <cstdlib>
#include <iostream>

#include "space/input_error.h"
#include "tests/search/run_support.h"

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  try {
    hwnas::toy::search(argv[1], std::atoll(argv[2]), std::atoi(argv[3]), std::atoi(argv[4]));
  } catch (const hwnas::InputError& error) {
    std::cerr << error.what() << "\n";
    return 2;
  }
}
