#include "experiments/commands/fit_device.h"

#include <chrono>
#include <cmath>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "experiments/command_line.h"
#include "experiments/fit/device_fit.h"
#include "experiments/fit/fit_report.h"
#include "experiments/fit/learned_file.h"
#include "experiments/library.h"
#include "predictors/boosted_trees.h"
#include "space/input_error.h"
#include "space/operators.h"

namespace hwnas {
namespace {

namespace fs = std::filesystem;

CommandLine command_line() {
  CommandLine line(
      "hwnas devices fit --space S --csv F --target COLUMN [--source-columns A,B,...]",
      "Learns a device from measurements of some architectures of a space, says how well it\n"
      "predicts those it did not see, and writes a device file that estimate, search and rescore\n"
      "use like any other. With columns of other devices ten measurements go a long way.\n"
      "Example: hwnas devices fit --space nasbench201 --csv latencies.csv --target phone_ms\n"
      "           --source-columns all --samples 10 --seeds 10 --out phone.toml");
  line.value("space", "S", "a name of 'hwnas spaces list', or a space file")
      .value("csv", "F", "CSV, plain or gzip: a row for each architecture")
      .value("target", "COLUMN", "what was measured on the device")
      .value("unit", "U", "of the target: s, ms, us, ns, J, mJ, uJ, nJ (the end of its name: _ms)")
      .value("metric", "M", "latency or energy (as the unit says)")
      .value("architecture", "COLUMN", "where architectures are (the first column that holds them)")
      .value("source-columns", "A,B,...",
             "columns of other devices, or 'all': those whose name ends in a unit, but the "
             "target's own device")
      .value("prior", "DEVICE", "learn the ratio to this device's estimates")
      .value("samples", "N",
             "learn from N rows at random, predict the others (all rows, tenths left out)")
      .value("seeds", "K", "so many times (10 with --samples, else 1)")
      .value("method", "M", "auto (the default), gaussian_process, ridge or boosted_trees")
      .value("out", "FILE", "the device file to write, from all rows or from the first seed's")
      .value("name", "NAME", "the same as --out NAME.toml")
      .value("choose", "N", "print the N architectures to measure next, and fit nothing")
      .flag("json", "print JSON");
  return line;
}

std::string needed(const CommandLine& line, const char* option) {
  if (!line.has(option)) throw InputError("--" + std::string(option) + " is missing");
  return line.get(option);
}

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> items;
  std::istringstream in(list);
  for (std::string item; std::getline(in, item, ',');) items.push_back(item);
  return items;
}

FitMethod method_of(const std::string& name, bool writes) {
  if (name == "auto" || name == "gaussian_process") return FitMethod::gaussian_process;
  if (name == "ridge") return FitMethod::ridge;
  if (name != "boosted_trees") {
    throw InputError("", 0, "--method", name,
                     "expected auto, gaussian_process, ridge or boosted_trees");
  }
  if (writes)
    throw InputError("", 0, "--method", name,
                     "can be compared, but not written to a device file; leave out --out");
  make_boosted_trees();  // throws where there are none
  return FitMethod::boosted_trees;
}

std::string out_file(const CommandLine& line) {
  if (line.has("out") && line.has("name") && fs::path(line.get("out")).stem() != line.get("name"))
    throw InputError("", 0, "--name", line.get("name"),
                     "a device has the name of its file, which --out says is another");
  if (line.has("out")) return line.get("out");
  return line.has("name") ? line.get("name") + ".toml" : "";
}

// The day on which the measurements were written down.
std::string date_of(const fs::path& file) {
  std::error_code failed;
  const auto written = fs::last_write_time(file, failed);
  const auto time = std::chrono::file_clock::to_sys(written);
  const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(time));
  char text[16];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(day.year()),
                static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
  return text;
}

// Architectures of the space at random, nothing measured.
Measurements unmeasured(const SearchSpace& space) {
  Measurements m;
  Rng rng(1);
  for (int tries = 0; tries < 2000; ++tries) {
    Genotype genotype = sample(space.cardinalities(), rng);
    if (!live(space.decode(genotype).network)) continue;
    m.architectures.push_back(read_architecture(space, genotype));
    m.genotypes.push_back(std::move(genotype));
    m.values.push_back(std::nan(""));
  }
  if (m.genotypes.empty()) throw InputError("no network found in space '" + space.name() + "'");
  return m;
}

int choose(const CommandLine& line, const SearchSpace& space, Measurements measurements) {
  const auto number = static_cast<std::size_t>(*line.integer("choose", 1, 10'000));
  const DeviceFit fit(space, std::move(measurements), FitMethod::gaussian_process, {});
  const std::vector<std::size_t> rows = fit.choose(number);
  if (rows.empty()) throw InputError("every row has a value already: nothing is left to choose");
  nlohmann::json all = nlohmann::json::array();
  for (const std::size_t row : rows) {
    const std::string text = to_text(fit.measurements().genotypes[row]);
    all.push_back(text);
    if (!line.has("json")) std::cout << text << '\n';
  }
  if (line.has("json"))
    std::cout << nlohmann::json{{"space", space.name()}, {"choose", all}}.dump(2) << '\n';
  return 0;
}

void write_device(const FitReport& report, const DeviceFit& fit, const FitResult& result,
                  const std::string& space, const Device* prior) {
  std::vector<std::size_t> rows = fit.measurements().measured();
  Rng rng(1);
  rng.shuffle(rows);
  const std::size_t samples = result.model->samples.size();
  std::vector<Genotype> genotypes;
  for (std::size_t i = 0; i < samples; ++i)
    genotypes.push_back(fit.measurements().genotypes[rows[i]]);
  const std::string csv = fs::path(report.csv).filename().string();
  LearnedFile file;
  file.description = report.target + " of " + csv + ", learned from " + std::to_string(samples) +
                     " architectures of " + report.space;
  file.source = "measured: column " + report.target + " of " + csv +
                "; learned by hwnas devices fit (" + report.method + ", " +
                std::to_string(report.sources.size()) +
                " columns of other devices); on rows left out: " + quality_text(result.method);
  file.date = date_of(report.csv);
  file.space = space;
  file.metric = fit.measurements().metric;
  file.prior = prior;
  std::ofstream out(report.file);
  if (!(out << learned_text(file, *result.model, genotypes) << std::flush))
    throw InputError(report.file, 0, "", "", "cannot be written");
}

}  // namespace

int fit_device(const Arguments& arguments) {
  CommandLine line = command_line();
  if (!line.parse(arguments)) return 0;
  const fs::path space_file = find_file(LibraryShelf::spaces, needed(line, "space"));
  const SearchSpace space = SearchSpace::load(space_file);
  const bool chooses = line.has("choose");
  if (chooses && !line.has("csv")) return choose(line, space, unmeasured(space));
  MeasurementOptions options;
  options.csv = needed(line, "csv");
  options.target = needed(line, "target");
  options.target_may_lack = chooses;
  const auto optional = [&line](const char* name) { return line.has(name) ? line.get(name) : ""; };
  options.unit = optional("unit");
  options.metric = optional("metric");
  options.architecture = optional("architecture");
  options.sources = split(optional("source-columns"));
  FitReport report;
  report.file = out_file(line);
  const std::string method = line.has("method") ? line.get("method") : "auto";
  const FitMethod kind = method_of(method, !report.file.empty());
  Measurements measurements = read_measurements(options, space);
  if (chooses) return choose(line, space, std::move(measurements));
  report.space = space.name();
  report.csv = options.csv;
  report.target = options.target;
  report.method = method == "auto" ? "gaussian_process" : method;
  for (const SourceColumn& source : measurements.sources) report.sources.push_back(source.name);
  const std::size_t rows = measurements.measured().size();
  if (rows < 2) {
    throw InputError(options.csv, 0, options.target, "",
                     "has " + std::to_string(rows) + " values above 0; at least 2 are needed");
  }
  report.samples = static_cast<std::size_t>(line.integer("samples", 1, 1'000'000).value_or(0));
  if (report.samples >= rows) {
    throw InputError("", 0, "--samples", line.get("samples"),
                     "leaves no row to predict: " + std::to_string(rows) +
                         " are measured; leave it out to learn from all");
  }
  report.seeds = static_cast<std::size_t>(
      line.integer("seeds", 1, 10'000).value_or(report.samples > 0 ? 10 : 1));
  std::optional<Device> prior;
  std::vector<double> estimates;
  if (line.has("prior")) {
    prior = find_device(line.get("prior"));
    report.prior = prior->name;
    estimates = prior_estimates(*prior, space, measurements);
  }
  const DeviceFit fit(space, std::move(measurements), kind, std::move(estimates));
  const FitResult result = report.samples > 0 ? fit.draw(report.samples, report.seeds)
                                              : fit.cross_validate(report.seeds);
  if (!report.file.empty()) {
    const std::string shelved = space_file.stem().string();
    const bool named = line.get("space") == shelved;
    write_device(report, fit, result, named ? shelved : fs::absolute(space_file).string(),
                 prior ? &*prior : nullptr);
  }
  if (line.has("json")) {
    print_fit_json(std::cout, report, fit, result);
  } else {
    print_fit(std::cout, report, fit, result);
  }
  return 0;
}

}  // namespace hwnas
