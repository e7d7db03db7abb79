// pool_driver COMMAND...: starts a pool of such workers, through a launcher where there are several
// words, prints their pids, and waits to be killed (process_pool_test).
#include <iostream>
#include <string>
#include <vector>

#include <unistd.h>

#include "search/engine/process_pool.h"

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  hwnas::ProcessPool pool(
      {.command = {argv + 1, argv + argc}, .processes = 2, .launched = argc > 2});
  const std::vector<std::string> tasks{"pid", "slow 200", "pid", "slow 200", "hang", "hang"};
  const auto on_line = [](std::size_t, const std::string& line) {
    if (line.rfind("done ", 0) == 0) std::cout << line.substr(5) << std::endl;
    return line.rfind("done", 0) == 0;
  };
  pool.run(tasks, on_line, [](std::size_t, hwnas::TaskResult) {}, {}, {});
}
