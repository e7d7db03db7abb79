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

ComparisonReport read_request(const CommandLine& line, const std::string& config) {
  ComparisonReport report;
  ComparisonPlan& plan = report.plan;
  plan.config = RunConfig::load(find_file(LibraryShelf::configs, config));
  if (const auto batch = line.integer("batch", 1, 100'000)) plan.batch = static_cast<int>(*batch);
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

// Loads what the runs need and scans the space for the truth.
void prepare(ComparisonReport& report, std::stop_token stop) {
  ComparisonPlan& plan = report.plan;
  if (plan.config.training)
    throw InputError(plan.config.file, 0, "training", "",
                     "a bench does not train; it needs a space whose every architecture is in "
                     "[[tables]] or known to cost models");
  plan.materials = load_materials(plan.config);
  RunConfig config = plan.config;
  config.budget = {};
  const Experiment experiment(std::move(config), plan.materials, "", {}, {});
  report.objectives = experiment.objectives();
  report.choices = experiment.space().choices();
  report.truth = scan(experiment, plan.threads, std::move(stop));
}

void run_all(ComparisonReport& report, std::stop_token stop) {
  const bool terminal = isatty(STDERR_FILENO) != 0;
  std::size_t ended = 0;
  const std::size_t runs =
      report.plan.algorithms.size() * static_cast<std::size_t>(report.plan.seeds);
  report.contenders = compare(
      report.plan, report.truth,
      [&](const Contender& contender, const Trace& trace) {
        ++ended;
        if (!terminal) return;
        std::cerr << "\r\033[K" << report.plan.config.name << ": " << ended << " of " << runs
                  << " runs | " << to_string(contender.algorithm) << ", seed " << trace.seed << ": "
                  << trace.ratio.back() << std::flush;
      },
      std::move(stop));
  if (terminal) std::cerr << "\r\033[K";
}

int bench_search(const CommandLine& line) {
  std::vector<ComparisonReport> reports;
  for (const std::string& config : split(line.get("CONFIG")))
    reports.push_back(read_request(line, config));
  const Interrupt interrupt;
  const std::stop_token stop = interrupt.stop();
  for (ComparisonReport& report : reports) {  // every mistake is found before anything runs
    prepare(report, stop);
    if (stop.stop_requested()) return 130;
  }
  std::ofstream svg;
  if (line.has("svg")) {
    svg.open(line.get("svg"));
    if (!svg) throw InputError("", 0, "--svg", line.get("svg"), "cannot be written");
  }
  const bool several = reports.size() > 1;
  for (ComparisonReport& report : reports) {
    run_all(report, stop);
    if (stop.stop_requested()) return 130;
    if (!line.has("json")) std::cout << to_text(report) << (several ? "\n\n" : "") << std::flush;
  }
  const ComparisonReport all = several ? mean_of(reports) : reports.front();
  if (line.has("json")) {
    std::cout << (several ? to_json(reports, all) : to_json(all)) << '\n';
  } else if (several) {
    std::cout << all.plan.config.name << '\n' << ratio_table(all);
  }
  if (line.has("svg") && !(svg << ratio_plot(all) << std::flush))
    throw InputError("", 0, "--svg", line.get("svg"), "cannot be written");
  return 0;
}

}  // namespace

int bench_command(const Arguments& arguments) {
  CommandLine line(
      "hwnas bench search CONFIG[,CONFIG...] [options]",
      "Compares search algorithms on a space whose every architecture is in tables (or known to\n"
      "cost models): how much of the true front each has found after how many evaluations. Every\n"
      "run is what 'hwnas search' does; nothing of the truth reaches it.\n"
      "Example: hwnas bench search nb201.toml --algorithms random,nsga2 --seeds 20 --svg "
      "nb201.svg");
  line.positional("WHAT", "search")
      .positional("CONFIG", "a run config, or several and their mean")
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
