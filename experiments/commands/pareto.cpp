#include <fstream>
#include <iostream>

#include "experiments/command_line.h"
#include "experiments/commands.h"
#include "experiments/front_plot.h"
#include "experiments/front_report.h"
#include "space/input_error.h"

namespace hwnas {

namespace {

void write_svg(const std::string& path, const std::string& svg) {
  if (svg.empty())
    throw InputError("", 0, "--svg", path,
                     "there is nothing to draw: it takes two objectives and a complete trial");
  std::ofstream file(path, std::ios::binary);
  file << svg;
  file.close();
  if (!file) throw InputError(path, 0, "", "", "cannot be written");
}

}  // namespace

int pareto_command(const Arguments& arguments) {
  CommandLine line("hwnas pareto STUDY [--plot | --csv | --json] [--svg FILE]",
                   "Prints the Pareto front of a study: the complete trials that no other beats in "
                   "every objective.\n"
                   "The study may be running. Example: hwnas pareto fashion_mnist.db");
  line.positional("STUDY", "a study file, as hwnas search writes it")
      .flag("plot", "draw the front in its first two objectives, too")
      .value("svg", "FILE", "write the plot as a picture, too")
      .flag("csv", "print a table for other programs")
      .flag("json", "print JSON instead of a table");
  if (!line.parse(arguments)) return 0;
  if (line.has("plot") + line.has("csv") + line.has("json") > 1)
    throw InputError("--plot, --csv and --json do not go together: choose one");
  const Study study = Study::open_readonly(line.get("STUDY"));
  const FrontReport report = report_front(study);
  if (line.has("svg")) write_svg(line.get("svg"), front_svg(report, study.trials()));
  if (line.has("json")) {
    std::cout << to_json(report) << '\n';
  } else if (line.has("csv")) {
    std::cout << to_csv(report);
  } else {
    if (line.has("plot")) {
      const std::string plot = front_plot(report, study.trials());
      std::cout << plot << (plot.empty() ? "" : "\n");
    }
    std::cout << to_text(report);
  }
  return 0;
}

}  // namespace hwnas
