#include "experiments/fit/measurements.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "hw_models/csv_table.h"
#include "space/architecture_text.h"
#include "space/units.h"

namespace hwnas {
namespace {

struct ColumnUnit {
  const char* name;
  double factor;
  Metric metric;
};
constexpr std::array<ColumnUnit, 8> kUnits{{{"ms", 1e-3, Metric::latency},
                                            {"us", 1e-6, Metric::latency},
                                            {"ns", 1e-9, Metric::latency},
                                            {"s", 1, Metric::latency},
                                            {"mJ", 1e-3, Metric::energy},
                                            {"uJ", 1e-6, Metric::energy},
                                            {"nJ", 1e-9, Metric::energy},
                                            {"J", 1, Metric::energy}}};

const ColumnUnit* unit_at_end(const std::string& column) {
  for (const ColumnUnit& unit : kUnits) {
    if (column.ends_with(std::string("_") + unit.name)) return &unit;
  }
  return nullptr;
}

ColumnUnit unit_of(const MeasurementOptions& options) {
  const ColumnUnit* unit = unit_at_end(options.target);
  if (!options.unit.empty()) {
    const auto at = std::find_if(kUnits.begin(), kUnits.end(),
                                 [&](const ColumnUnit& u) { return options.unit == u.name; });
    if (at == kUnits.end())
      throw InputError("", 0, "--unit", options.unit, "expected s, ms, us, ns, J, mJ, uJ or nJ");
    unit = &*at;
  }
  if (!unit) {
    throw InputError("", 0, "--target", options.target,
                     "its name does not end in a unit such as _ms or _mJ; say --unit");
  }
  if (!options.metric.empty() &&
      options.metric != (unit->metric == Metric::latency ? "latency" : "energy")) {
    throw InputError("", 0, "--metric", options.metric,
                     options.metric == "latency" || options.metric == "energy"
                         ? "does not go with the unit " + std::string(unit->name)
                         : std::string("expected latency or energy"));
  }
  return *unit;
}

bool is_architecture(const SearchSpace& space, std::string_view text) {
  try {
    parse_architecture(space, text);
    return true;
  } catch (const std::invalid_argument&) {
    return false;
  }
}

std::size_t architecture_column(const CsvTable& csv, const MeasurementOptions& options,
                                const SearchSpace& space) {
  if (!options.architecture.empty()) return csv.column(options.architecture);
  const std::vector<std::string> header = csv.header();
  for (std::size_t c = 0; c < header.size(); ++c) {
    const std::size_t probes = std::min<std::size_t>(csv.rows(), 3);
    bool all = probes > 0;
    for (std::size_t row = 0; all && row < probes; ++row)
      all = is_architecture(space, csv.text(row, c));
    if (all) return c;
  }
  throw InputError(csv.file(), 0, "", "",
                   "no column holds architectures of space '" + space.name() +
                       "'; say which with --architecture");
}

std::vector<std::string> source_names(const CsvTable& csv, const MeasurementOptions& options) {
  if (options.sources != std::vector<std::string>{"all"}) {
    for (const std::string& name : options.sources) {
      csv.column(name);  // throws
      if (name == options.target)
        throw InputError("", 0, "--source-columns", name, "is the target itself");
    }
    return options.sources;
  }
  std::vector<std::string> names;
  for (const std::string& name : csv.header()) {
    if (unit_at_end(name) && name != options.target &&
        device_of_column(name) != device_of_column(options.target))
      names.push_back(name);
  }
  return names;
}

}  // namespace

std::string device_of_column(const std::string& column) {
  std::string device = column;
  if (const ColumnUnit* unit = unit_at_end(device))
    device.resize(device.size() - std::string(unit->name).size() - 1);
  for (const char* metric : {"_latency", "_energy", "_time", "_power"}) {
    if (device.ends_with(metric)) device.resize(device.size() - std::string(metric).size());
  }
  return device;
}

std::vector<std::size_t> Measurements::measured() const {
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isnan(values[i])) rows.push_back(i);
  }
  return rows;
}

Measurements read_measurements(const MeasurementOptions& options, const SearchSpace& space) {
  const CsvTable csv = CsvTable::read(options.csv);
  const ColumnUnit unit = unit_of(options);
  Measurements m;
  m.metric = unit.metric;
  m.unit = unit.factor;
  const std::size_t architecture = architecture_column(csv, options, space);
  m.architecture_column = csv.header()[architecture];
  const bool lacks = options.target_may_lack && !csv.has(options.target);
  const std::size_t target = lacks ? 0 : csv.column(options.target);
  std::vector<std::size_t> sources;
  for (const std::string& name : source_names(csv, options)) {
    sources.push_back(csv.column(name));
    m.sources.push_back({name, device_of_column(name), {}});
  }
  // NaN where missing; a time or an energy of 0 is missing too.
  const auto cell = [&csv](std::size_t row, std::size_t column) {
    const double value = csv.number(row, column);
    return value > 0 ? value : std::numeric_limits<double>::quiet_NaN();
  };
  for (std::size_t row = 0; row < csv.rows(); ++row) {
    try {
      const Genotype genotype = parse_architecture(space, csv.text(row, architecture));
      if (!live(space.decode(genotype).network)) {
        ++m.without_network;
        continue;
      }
      m.architectures.push_back(read_architecture(space, genotype));
      m.genotypes.push_back(genotype);
    } catch (const std::invalid_argument& error) {
      throw csv.error(row, architecture,
                      "no architecture of space '" + space.name() + "': " + error.what());
    }
    m.values.push_back(lacks ? std::nan("") : m.unit * cell(row, target));
    m.without_value += std::isnan(m.values.back());
    for (std::size_t i = 0; i < sources.size(); ++i)
      m.sources[i].values.push_back(cell(row, sources[i]));
  }
  if (m.genotypes.empty()) throw InputError(csv.file(), 0, "", "", "has no rows with a network");
  return m;
}

std::vector<double> prior_estimates(const Device& device, const SearchSpace& space,
                                    const Measurements& measurements) {
  std::vector<double> values;
  for (const Genotype& genotype : measurements.genotypes) {
    Candidate candidate = space.decode(genotype);
    candidate.network = *live(std::move(candidate.network));
    const Estimate estimate = device.model->estimate(candidate);
    const double value =
        measurements.metric == Metric::latency ? estimate.cost.latency_s : estimate.cost.energy_j;
    if (!estimate.covered || !(value > 0))
      throw InputError("", 0, "--prior", device.name,
                       "says nothing of " + to_text(genotype) + ": " + estimate.reason);
    values.push_back(value);
  }
  return values;
}

}  // namespace hwnas
