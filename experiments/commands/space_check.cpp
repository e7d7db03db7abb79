#include <iostream>

#include "experiments/command_line.h"
#include "experiments/commands.h"
#include "experiments/interrupt.h"
#include "experiments/library.h"
#include "experiments/space_report.h"
#include "space/input_error.h"

namespace hwnas {

int space_command(const Arguments& arguments) {
  CommandLine line(
      "hwnas space check CONFIG [--samples N] [--seed N] [--json]",
      "Whether a run can meet its bounds, before anything is trained: the cost models look at a "
      "sample of the\n"
      "space. For each bound the share that meets it, which bound binds, and the nearest value "
      "that is feasible.\n"
      "Exit code 2 where nothing is. Example: hwnas space check fashion_mnist");
  line.positional("ACTION", "check")
      .positional("CONFIG", "a run config: a name that ships with hwnas or a .toml file")
      .value("samples", "N", "random genotypes to look at (1000)")
      .value("seed", "N", "seed of the sample, instead of the config's")
      .flag("json", "print JSON instead of tables");
  if (!line.parse(arguments)) return 0;
  if (line.get("ACTION") != "check")
    throw InputError("expected 'hwnas space check CONFIG'; 'hwnas spaces' lists and shows spaces");
  RunConfig config = RunConfig::load(find_file(LibraryShelf::configs, line.get("CONFIG")));
  if (const auto seed = line.integer("seed", 0, std::int64_t{1} << 53))
    config.seed = static_cast<std::uint64_t>(*seed);
  Materials materials = load_materials(config);
  const Interrupt interrupt;
  const Experiment experiment(std::move(config), std::move(materials));
  const auto samples = static_cast<int>(line.integer("samples", 1, 1'000'000).value_or(1000));
  const Survey survey = experiment.survey(interrupt.stop(), samples);
  if (interrupt.stop().stop_requested()) return 130;
  const SpaceReport report{experiment, survey, feasibility(survey, experiment.objectives())};
  std::cout << (line.has("json") ? to_json(report) + "\n" : to_text(report));
  experiment.require_feasible(survey);
  return 0;
}

}  // namespace hwnas
