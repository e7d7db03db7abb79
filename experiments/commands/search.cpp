#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "experiments/command_line.h"
#include "experiments/commands.h"
#include "experiments/experiment.h"
#include "experiments/final/finalists.h"
#include "experiments/front_report.h"
#include "experiments/interrupt.h"
#include "experiments/library.h"
#include "experiments/progress.h"
#include "experiments/stored_programs.h"
#include "search/engine/rungs.h"
#include "space/input_error.h"

namespace hwnas {
namespace {

namespace fs = std::filesystem;

CommandLine describe_command() {
  CommandLine line(
      "hwnas search CONFIG|STUDY [options]",
      "Runs the search that a run config describes and stores it in a study file, or continues a "
      "study.\n"
      "Ctrl-C finishes what is running and leaves a study that continues; again to stop at once.\n"
      "Example: hwnas search fashion_mnist && hwnas search fashion_mnist.db --trials 500");
  line.positional("CONFIG",
                  "a run config: a name that ships with hwnas or a .toml file; or a study (.db) to "
                  "continue")
      .value("study", "FILE", "where to store the study (NAME.db here)")
      .value("trials", "N", "complete trials to stop at, instead of the config's")
      .value("cost", "C", "stop before look-ups in tables have cost more than this")
      .value("time", "T", "stop after this long, such as '10 min'")
      .value("workers", "N", "trainer processes (one for each core)")
      .value("seed", "N", "seed of a new study, instead of the config's")
      .flag("json", "print the front as JSON");
  return line;
}

struct Request {
  RunConfig config;
  Materials materials;
  fs::path study;
  std::string again;  // what goes on with it: a study that names programs has none run
};

// A new run from a config, or the run that a study holds.
Request read_request(const CommandLine& line) {
  Request request;
  const std::string what = line.get("CONFIG");
  if (fs::path(what).extension() == ".db") {
    if (line.has("study")) throw InputError("--study goes with a run config, not with a study");
    const Study study = Study::open_readonly(what);
    request.study = what;
    request.config = stored_config(study, what);
    request.materials = stored_materials(request.config, study);
  } else {
    request.config = RunConfig::load(find_file(LibraryShelf::configs, what));
    if (const auto seed = line.integer("seed", 0, std::int64_t{1} << 53))
      request.config.seed = static_cast<std::uint64_t>(*seed);
    request.materials = load_materials(request.config);
    request.study = line.has("study") ? line.get("study") : request.config.name + ".db";
  }
  request.again = request.study.string();
  if (what != request.again && names_programs(request.config, request.materials.devices)) {
    request.again = what;
    if (line.has("study")) request.again += " --study " + request.study.string();
  }
  if (const auto trials = line.integer("trials", 1, 1'000'000'000))
    request.config.budget.trials = *trials;
  if (const auto workers = line.integer("workers", 1, 4096))
    request.config.workers.count = static_cast<int>(*workers);
  if (line.has("cost")) request.config.budget.cost = line.number("cost", 1e-9, 1e15);
  if (line.has("time")) {
    try {
      request.config.budget.seconds = parse_quantity(line.get("time"), Unit::second);
    } catch (const std::invalid_argument& error) {
      throw InputError("", 0, "--time", line.get("time"), error.what());
    }
  }
  return request;
}

std::string ending(Stopped stopped) {
  switch (stopped) {
    case Stopped::budget:
      return "done";
    case Stopped::time:
      return "stopped at the time limit";
    case Stopped::request:
      return "interrupted";
    case Stopped::failing:
      return "stopped: trial after trial fails";
    case Stopped::exhausted:
      return "the space has no further candidate within the bounds";
  }
  return "";
}

std::string last_failure(const Study& study) {
  const std::vector<Trial> trials = study.trials();
  const auto last = std::find_if(trials.rbegin(), trials.rend(), [](const Trial& trial) {
    return trial.state == TrialState::failed;
  });
  return "every trial fails in stage '" + last->stage + "'; the last one: " + last->reason;
}

void announce(const Experiment& experiment, const Survey& survey, const fs::path& study,
              ProgressPrinter& printer) {
  char size[32];
  std::snprintf(size, sizeof size, "10^%.1f", experiment.space().log10_size());
  printer.message(experiment.config().name + ": " +
                  std::string(to_string(experiment.config().search.algorithm)) + " over space '" +
                  experiment.space().name() + "' (" + size + " genotypes), " +
                  std::to_string(survey.feasible) + " of " + std::to_string(survey.sampled) +
                  " random candidates within the bounds");
  if (const auto& t = experiment.trainer()) {
    const bool text = experiment.config().data->is_text();
    printer.message("training on " + std::to_string(t->train_images) +
                    (text ? " sequences, validating on " : " images, validating on ") +
                    std::to_string(t->validation_images) + " (LibTorch " + t->torch + ", " +
                    t->device + ")");
  }
  std::string rungs;
  auto trials = static_cast<std::size_t>(experiment.config().batch);
  for (const Stage& stage : experiment.plan()) {
    if (!stage.is_rung()) continue;
    trials = kept(stage, trials);
    rungs += ", " + std::to_string(trials) + " go on after '" +
             std::string(stage.evaluator->name()) + "'";
  }
  if (!rungs.empty()) {
    printer.message("of " + std::to_string(experiment.config().batch) + " proposals a round" +
                    rungs.substr(1));
  }
  printer.message("study " + study.string());
}

// Its trainers end with it. Nothing where it was interrupted before it began.
std::optional<Stopped> run(Request request, bool json, const Interrupt& interrupt) {
  ProgressPrinter printer(request.config, isatty(STDERR_FILENO) != 0);
  Experiment experiment(std::move(request.config), std::move(request.materials), request.study,
                        {[&printer](const EpochReport& report) { printer.epoch(report); },
                         [&printer](const std::string& trouble) { printer.message(trouble); }},
                        interrupt.kill());
  const Survey survey = experiment.look(interrupt.stop());
  if (interrupt.stop().stop_requested()) return std::nullopt;
  Study study = experiment.open_study(survey);
  announce(experiment, survey, request.study, printer);
  for (const Trial& trial : study.front()) printer.note_best(trial);
  const Stopped stopped = experiment.run(study, survey, printer, interrupt.stop());
  printer.message(ending(stopped) + "; continue with: hwnas search " + request.again +
                  " --trials N");
  const FrontReport report = report_front(study);
  std::cout << (json ? to_json(report) + "\n" : to_text(report)) << std::flush;
  if (stopped == Stopped::failing) throw InputError(last_failure(study));
  return stopped;
}

// Nothing where it was interrupted.
std::optional<std::string> run_finals(const RunConfig& config, const fs::path& path,
                                      const Interrupt& interrupt) {
  const Study study = Study::open_readonly(path);
  return train_finalists(finalists(study, path, config), config, interrupt.stop());
}

}  // namespace

int search_command(const Arguments& arguments) {
  CommandLine line = describe_command();
  if (!line.parse(arguments)) return 0;
  Request request = read_request(line);
  const RunConfig config = request.config;
  const fs::path path = request.study;
  const Interrupt interrupt;
  const auto stopped = run(std::move(request), line.has("json"), interrupt);
  if (!stopped || stopped == Stopped::request) return 130;
  if (config.finals.empty()) return 0;
  const auto outcomes = run_finals(config, path, interrupt);
  if (!outcomes) {
    std::cerr << "interrupted; the same command goes on\n";
    return 130;
  }
  (line.has("json") ? std::cerr : std::cout) << *outcomes;
  return 0;
}

}  // namespace hwnas
