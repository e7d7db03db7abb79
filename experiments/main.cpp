// hwnas: the program. Chooses a command; turns errors into one line and an exit code.
//   0 done   1 internal error   2 bad input   130 interrupted (the study continues)
#include <array>
#include <cstdio>
#include <exception>
#include <iostream>
#include <span>
#include <string>
#include <vector>

#include "experiments/commands.h"
#include "space/input_error.h"

namespace {

struct Command {
  const char* name;
  int (*run)(const hwnas::Arguments&);
  const char* help;
};

constexpr std::array kCommands{
    Command{"search", hwnas::search_command, "run a search, or continue one"},
    Command{"status", hwnas::status_command, "how far a study is"},
    Command{"pareto", hwnas::pareto_command, "the Pareto front of a study"},
    Command{"pick", hwnas::pick_command, "choose one: the best that keeps your conditions"},
    Command{"show", hwnas::show_command, "one trial of a study: genes, numbers, layers"},
    Command{"lineage", hwnas::lineage_command, "where a trial comes from, gene by gene"},
    Command{"diff", hwnas::diff_command, "what one study found that another did not"},
    Command{"rescore", hwnas::rescore_command, "the front of a study on other hardware"},
    Command{"train", hwnas::train_command, "train a trial in full, test it once"},
    Command{"reproduce", hwnas::reproduce_command, "train a trial again and compare"},
    Command{"export", hwnas::export_command,
            "a trained trial as ONNX, TorchScript and a model card"},
    Command{"estimate", hwnas::estimate_command, "what a network costs on devices"},
    Command{"proxies", hwnas::proxies_command, "zero-cost scores of an untrained network"},
    Command{"devices", hwnas::devices_command, "list or show hardware descriptions"},
    Command{"networks", hwnas::networks_command, "list or show the networks that ship with hwnas"},
    Command{"space", hwnas::space_command, "check: whether a run can meet its bounds"},
    Command{"spaces", hwnas::spaces_command, "list or show search spaces"},
    Command{"bench", hwnas::bench_command, "compare search algorithms where the truth is known"},
};

void print_help() {
  std::cout << "hwnas " HWNAS_VERSION
               ": hardware-aware neural architecture search\n\n"
               "usage: hwnas COMMAND ... (--help after any command)\n\n";
  for (const Command& command : kCommands) std::printf("  %-10s %s\n", command.name, command.help);
  std::cout << "\nStart with: hwnas search fashion_mnist\n";
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.empty() || arguments[0] == "--help" || arguments[0] == "-h" ||
      arguments[0] == "help") {
    print_help();
    return arguments.empty() ? 2 : 0;
  }
  if (arguments[0] == "--version") {
    std::cout << "hwnas " HWNAS_VERSION "\n";
    return 0;
  }
  std::vector<std::string> names;
  for (const Command& command : kCommands) {
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
