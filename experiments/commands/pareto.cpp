#include <iostream>

#include "experiments/command_line.h"
#include "experiments/commands.h"
#include "experiments/front_report.h"

namespace hwnas {

int pareto_command(const Arguments& arguments) {
  CommandLine line("hwnas pareto STUDY [--json]",
                   "Prints the Pareto front of a study: the complete trials that no other beats in "
                   "every objective.\n"
                   "The study may be running. Example: hwnas pareto fashion_mnist.db");
  line.positional("STUDY", "a study file, as hwnas search writes it")
      .flag("json", "print JSON instead of a table");
  if (!line.parse(arguments)) return 0;
  const Study study = Study::open_readonly(line.get("STUDY"));
  const FrontReport report = report_front(study);
  if (line.has("json")) {
    std::cout << to_json(report) << '\n';
  } else {
    std::cout << to_text(report);
  }
  return 0;
}

}  // namespace hwnas
