#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iostream>

#include "experiments/bench/comparison_report.h"
#include "experiments/bench/ratio_plot.h"
#include "experiments/command_line.h"
#include "experiments/commands.h"
#include "experiments/interrupt.h"
#include "experiments/library.h"
#include "search/engine/scheduler.h"
#include "space/input_error.h"

namespace hwnas {
namespace {

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    parts.push_back(list.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::vector<Algorithm> read_algorithms(const std::string& list) {
  std::vector<Algorithm> algorithms;
  for (const std::string& name : split(list)) {
    const auto algorithm = parse_algorithm(name);
    if (!algorithm)
      throw InputError("", 0, "--algorithms", name,
                       "not known here" + suggestion(name, algorithm_names()));
    if (std::find(algorithms.begin(), algorithms.end(), *algorithm) != algorithms.end())
      throw InputError("", 0, "--algorithms", name, "is named twice");
    algorithms.push_back(*algorithm);
  }
  return algorithms;
}

std::vector<std::int64_t> read_budgets(const std::string& list) {
  std::vector<std::int64_t> budgets;
  for (const std::string& text : split(list)) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 1 || value > 1'000'000)
      throw InputError("", 0, "--budgets", text, "expected evaluations, such as 50,100,200");
    budgets.push_back(value);
  }
  std::sort(budgets.begin(), budgets.end());
  budgets.erase(std::unique(budgets.begin(), budgets.end()), budgets.end());
  return budgets;
}

ComparisonReport read_request(const CommandLine& line) {
  ComparisonReport report;
  ComparisonPlan& plan = report.plan;
  plan.config = RunConfig::load(find_file(LibraryShelf::configs, line.get("CONFIG")));
  if (const auto batch = line.integer("batch", 1, 100'000))
    plan.config.batch = static_cast<int>(*batch);
  plan.algorithms = line.has("algorithms")
                        ? read_algorithms(line.get("algorithms"))
                        : std::vector{Algorithm::random, plan.config.search.algorithm};
  if (plan.algorithms.size() == 2 && plan.algorithms[0] == plan.algorithms[1])
    plan.algorithms.pop_back();
  report.budgets = read_budgets(line.has("budgets") ? line.get("budgets") : "50,100,200");
  plan.evaluations = report.budgets.back();
  plan.seeds = static_cast<int>(line.integer("seeds", 1, 10'000).value_or(20));
  plan.first_seed =
      static_cast<std::uint64_t>(line.integer("seed", 0, std::int64_t{1} << 53)
                                     .value_or(static_cast<std::int64_t>(plan.config.seed)));
  plan.threads = static_cast<int>(line.integer("threads", 1, 4096).value_or(machine_threads()));
  return report;
}

int bench_search(const CommandLine& line) {
  ComparisonReport report = read_request(line);
  ComparisonPlan& plan = report.plan;
  if (plan.config.training)
    throw InputError(plan.config.file, 0, "training", "",
                     "a bench does not train; it needs a space whose every architecture is in "
                     "[[tables]] or known to cost models");
  plan.materials = load_materials(plan.config);
  const Interrupt interrupt;
  {
    RunConfig config = plan.config;
    config.budget = {};
    const Experiment experiment(std::move(config), plan.materials, "", {}, {});
    report.objectives = experiment.objectives();
    report.choices = experiment.space().choices();
    report.truth = scan(experiment, plan.threads, interrupt.stop());
  }
  if (interrupt.stop().stop_requested()) return 130;
  std::ofstream svg;
  if (line.has("svg")) {  // before hours are spent
    svg.open(line.get("svg"));
    if (!svg) throw InputError("", 0, "--svg", line.get("svg"), "cannot be written");
  }
  const bool terminal = isatty(STDERR_FILENO) != 0;
  std::size_t ended = 0;
  const std::size_t runs = plan.algorithms.size() * static_cast<std::size_t>(plan.seeds);
  report.contenders = compare(
      plan, report.truth,
      [&](const Contender& contender, const Trace& trace) {
        ++ended;
        if (!terminal) return;
        std::cerr << "\r\033[K" << ended << " of " << runs << " runs | "
                  << to_string(contender.algorithm) << ", seed " << trace.seed << ": "
                  << trace.ratio.back() << std::flush;
      },
      interrupt.stop());
  if (terminal) std::cerr << "\r\033[K";
  if (interrupt.stop().stop_requested()) return 130;
  std::cout << (line.has("json") ? to_json(report) + "\n" : to_text(report));
  if (line.has("svg")) {
    if (!(svg << ratio_plot(report) << std::flush))
      throw InputError("", 0, "--svg", line.get("svg"), "cannot be written");
  }
  return 0;
}

}  // namespace

int bench_command(const Arguments& arguments) {
  CommandLine line(
      "hwnas bench search CONFIG [options]",
      "Compares search algorithms on a space whose every architecture is in tables (or known to\n"
      "cost models): how much of the true front each has found after how many evaluations. Every\n"
      "run is what 'hwnas search' does; nothing of the truth reaches it.\n"
      "Example: hwnas bench search nb201.toml --algorithms random,nsga2 --seeds 20 --svg "
      "nb201.svg");
  line.positional("WHAT", "search")
      .positional("CONFIG", "a run config")
      .value("algorithms", "A[,B...]", "to compare (random, and the config's)")
      .value("seeds", "N", "runs of each (20)")
      .value("seed", "FIRST", "seed of the first run, instead of the config's; then one more each")
      .value("budgets", "N[,N...]", "evaluations at which to look (50,100,200)")
      .value("batch", "N", "proposals a round, instead of the config's")
      .value("threads", "N", "runs at the same time (one for each core)")
      .value("svg", "FILE", "draw the ratio against evaluations")
      .flag("json", "print everything as JSON instead of tables");
  if (!line.parse(arguments)) return 0;
  if (line.get("WHAT") != "search") throw InputError("expected 'hwnas bench search CONFIG'");
  return bench_search(line);
}

}  // namespace hwnas
