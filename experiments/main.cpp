// hwnas: the program. Chooses a command; turns errors into one line and an exit code.
//   0 done   1 internal error   2 bad input   130 interrupted (the study continues)
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "experiments/commands.h"
#include "experiments/version.h"
#include "space/input_error.h"

namespace {

int run(const std::vector<std::string>& arguments) {
  if (arguments.empty()) {
    hwnas::help_command({});
    return 2;
  }
  if (arguments[0] == "--help" || arguments[0] == "-h") return hwnas::help_command({});
  if (arguments[0] == "--version") {
    std::cout << hwnas::version_text();
    return 0;
  }
  std::vector<std::string> names;
  for (const hwnas::Command& command : hwnas::all_commands()) {
    if (arguments[0] == command.name) return command.run({arguments.begin() + 1, arguments.end()});
    names.emplace_back(command.name);
  }
  throw hwnas::InputError("no command '" + arguments[0] + "'" +
                          hwnas::suggestion(arguments[0], names));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv + 1, argv + argc});
  } catch (const hwnas::InputError& error) {
    std::cout.flush();
    std::cerr << "hwnas: " << error.what() << '\n';
    return 2;
  } catch (const std::exception& error) {
    std::cout.flush();
    std::cerr << "hwnas: internal error: " << error.what() << '\n';
    return 1;
  }
}
