#include "hw_models/families/lookup.h"

#include <cmath>
#include <sstream>

#include "hw_models/families/lookup_table.h"
#include "space/units.h"

namespace hwnas {
namespace {

std::size_t find_column(const TomlTable& section, const CsvTable& csv, const std::string& key) {
  const std::string name = section.string(key);
  if (csv.has(name)) return csv.column(name);
  throw section.error(key, "no such column in " + csv.file() + suggestion(name, csv.header()));
}

// `KEY_column` and `KEY_unit`.
std::optional<FigureColumn> read_column(const TomlTable& section, const CsvTable& csv,
                                        const std::string& key, Unit unit) {
  const std::string column_key = key + "_column", unit_key = key + "_unit";
  if (!section.has(column_key)) return std::nullopt;
  FigureColumn column{find_column(section, csv, column_key)};
  const std::string text = section.string(unit_key);
  try {
    if (text.empty() || text.front() == ' ') throw std::invalid_argument("");
    column.factor = parse_quantity("1 " + text, unit);
  } catch (const std::invalid_argument&) {
    throw section.error(unit_key,
                        "expected the unit of the column, as in " + std::string(unit_hint(unit)));
  }
  return column;
}

// `KEY_stddev_column`, in the unit of `of`.
std::optional<FigureColumn> read_stddev(const TomlTable& section, const CsvTable& csv,
                                        const std::string& key,
                                        const std::optional<FigureColumn>& of) {
  const std::string column_key = key + "_stddev_column";
  if (!section.has(column_key)) return std::nullopt;
  if (!of) throw section.error(column_key, "is of no use without " + key + "_column");
  return FigureColumn{find_column(section, csv, column_key), of->factor};
}

double figure(const CsvTable& csv, std::size_t row, const std::optional<FigureColumn>& column,
              bool zero_is_missing) {
  if (!column) return std::nan("");
  const double value = csv.number(row, column->column) * column->factor;
  return zero_is_missing && value == 0 ? std::nan("") : value;
}

}  // namespace

Figures LookupTable::figures(std::size_t row) const {
  Figures found;
  found.latency_s = figure(*csv, row, latency, true);
  found.energy_j = figure(*csv, row, energy, true);
  found.peak_memory_bytes = figure(*csv, row, memory, false);
  found.storage_bytes = figure(*csv, row, storage, false);
  const auto error = [&](const auto& column) {  // 0 where it is missing
    const double value = figure(*csv, row, column, true);
    return std::isnan(value) ? 0 : value;
  };
  found.latency_stddev_s = error(latency_stddev);
  found.energy_stddev_j = error(energy_stddev);
  return found;
}

std::string LookupTable::deployment_refusal(const Candidate& candidate) const {
  const auto& [batch, clock_share] = candidate.deployment;
  std::ostringstream text;
  if (batch != measured_at.batch) {
    text << device << " was measured at batch " << measured_at.batch << ", not at " << batch;
  } else if (clock_share != measured_at.clock_share) {
    text << device << " was measured at clock_share " << measured_at.clock_share << ", not at "
         << clock_share;
  } else if (const std::string problem = refusal(candidate); !problem.empty()) {
    text << problem;
  }
  return text.str();
}

std::shared_ptr<const CostModel> make_lookup(const TomlTable& file, const std::string& device,
                                             Confidence confidence, NamedFiles& files) {
  const TomlTable section = cited_section(file, "table");
  LookupTable table;
  table.device = device;
  table.confidence = confidence;
  table.price = Price::read(file);
  table.file = section.string("file");
  table.csv = std::make_shared<CsvTable>(CsvTable::read(files.find(section, "file")));
  table.measured_at.batch = static_cast<int>(section.integer("batch", 1, 1 << 20, 1));
  table.measured_at.clock_share = section.number("clock_share", 1e-6, 1, 1);
  table.latency = read_column(section, *table.csv, "latency", Unit::second);
  table.energy = read_column(section, *table.csv, "energy", Unit::joule);
  table.latency_stddev = read_stddev(section, *table.csv, "latency", table.latency);
  table.energy_stddev = read_stddev(section, *table.csv, "energy", table.energy);
  if (!table.latency && !table.energy)
    throw section.error("latency_column",
                        "is missing; a table has latency_column, energy_column "
                        "or both");
  const std::string rows = section.string("rows");
  if (rows != "networks" && rows != "kernels")
    throw section.error("rows", "expected \"networks\" or \"kernels\"");
  const bool networks = rows == "networks";
  const std::optional<std::int64_t> no_bits =
      networks ? std::optional(std::int64_t{0}) : std::nullopt;
  table.weight_bits = static_cast<int>(section.integer("weight_bits", 1, 32, no_bits));
  table.activation_bits = static_cast<int>(section.integer("activation_bits", 1, 32, no_bits));
  if ((table.weight_bits == 0) != (table.activation_bits == 0))
    throw section.error("weight_bits", "weight_bits and activation_bits go together");
  if (!networks) return make_kernel_lookup(std::move(table), section);
  table.memory = read_column(section, *table.csv, "memory", Unit::byte);
  table.storage = read_column(section, *table.csv, "storage", Unit::byte);
  return make_network_lookup(std::move(table), section, files);
}

}  // namespace hwnas
