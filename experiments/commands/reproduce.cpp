#include <cstdio>
#include <iostream>

#include "experiments/command_line.h"
#include "experiments/commands.h"
#include "experiments/experiment.h"
#include "experiments/final/reproduction.h"
#include "experiments/interrupt.h"

namespace hwnas {

int reproduce_command(const Arguments& arguments) {
  CommandLine line(
      "hwnas reproduce STUDY ID",
      "Trains a trial again from what the study holds of it, and says whether the numbers are the "
      "same to the\nlast digit, as they are with one thread on the same kind of machine. Exit code "
      "1 "
      "where they are not.\nExample: hwnas reproduce fashion_mnist.db 42");
  line.positional("STUDY", "a study file").positional("ID", "number of a trained trial");
  if (!line.parse(arguments)) return 0;
  const std::filesystem::path path = line.get("STUDY");
  const Study study = Study::open_readonly(path);
  const auto id =
      line.integer("ID", 0, std::max<std::int64_t>(study.trial_count() - 1, 0)).value_or(0);
  const Interrupt interrupt;
  const auto reproduction = reproduce(study, path, id, interrupt.stop());
  if (!reproduction) return 130;
  std::cout << to_text(*reproduction);
  return reproduction->matches() ? 0 : 1;
}

}  // namespace hwnas
