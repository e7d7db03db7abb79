#include "experiments/table_config.h"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <stdexcept>

#include "space/units.h"

namespace hwnas {
namespace {

// SI per unit of the column: 0.01 for "%", 0.001 for "ms"; "" is a plain number.
double read_unit(const TomlTable& table, Metric metric) {
  const std::string name = table.string("unit");
  try {
    return parse_quantity("1 " + name, unit(metric));
  } catch (const std::invalid_argument&) {
    throw table.error("unit", "is no unit of " + std::string(to_string(metric)) +
                                  "; expected that of " + std::string(unit_hint(unit(metric))));
  }
}

// "lower": of an accuracy, the column holds the error. Of all else it is a matter of course.
bool holds_error(const TomlTable& table, Metric metric) {
  const char* usual = maximised(metric) ? "higher" : "lower";
  const std::string direction = table.string("direction", usual);
  if (direction != "higher" && direction != "lower")
    throw table.error("direction", "expected \"higher\" or \"lower\": which values are better");
  if (direction == usual) return false;
  if (metric == Metric::accuracy) return true;
  throw table.error("direction", std::string(to_string(metric)) + " is better where it is " +
                                     usual +
                                     "; only of accuracy may a column hold the opposite, "
                                     "the error");
}

TableMetric read_metric(const TomlTable& table) {
  TableMetric m;
  try {
    m.key = parse_metric_key(table.string("metric"));
  } catch (const std::invalid_argument& error) {
    throw table.error("metric", error.what());
  }
  m.column = table.string("column");
  m.factor = read_unit(table, m.key.metric);
  if (holds_error(table, m.key.metric)) {
    m.offset = 1;
    m.factor = -m.factor;
  }
  m.fidelity = table.number("fidelity", 0, 1e12, 0.0);
  m.cost = table.number("cost", 0, 1e12, 1.0);
  table.done();
  return m;
}

TableScore read_score(const std::string& text) {
  if (text.starts_with('-')) return {text.substr(1), -1};
  return {text, 1};
}

TableConfig read_table(const TomlTable& table, NamedFiles& files) {
  TableConfig config;
  config.file = files.find(table, "file");
  config.hash = files.hash(table.string("file"));
  config.architecture = table.string("architecture");
  for (const TomlTable& metric : table.tables("metrics"))
    config.metrics.push_back(read_metric(metric));
  for (const std::string& score : table.strings("scores"))
    config.scores.push_back(read_score(score));
  if (config.metrics.empty() && config.scores.empty())
    throw table.error("metrics", "is missing; a table gives at least one metric or score");
  table.done();
  return config;
}

}  // namespace

std::vector<TableConfig> read_tables(const TomlTable& config, NamedFiles& files) {
  std::vector<TableConfig> tables;
  std::vector<const TableMetric*> seen;
  const std::vector<TomlTable> all = config.tables("tables");
  tables.reserve(all.size());
  for (const TomlTable& table : all) {
    tables.push_back(read_table(table, files));
    for (const TableMetric& m : tables.back().metrics) {
      const auto same = [&m](const TableMetric* other) {
        return other->key == m.key && other->fidelity == m.fidelity;
      };
      if (std::any_of(seen.begin(), seen.end(), same))
        throw table.error("metrics",
                          to_text(m.key) + " is given twice; tell rungs apart by their fidelity");
      seen.push_back(&m);
    }
  }
  return tables;
}

const TableMetric* highest(const std::vector<TableConfig>& tables, const MetricKey& key) {
  const TableMetric* best = nullptr;
  for (const TableConfig& table : tables) {
    for (const TableMetric& m : table.metrics) {
      if (m.key == key && (!best || m.fidelity > best->fidelity)) best = &m;
    }
  }
  return best;
}

std::vector<MetricKey> keys_of(const std::vector<TableConfig>& tables) {
  std::vector<MetricKey> keys;
  for (const TableConfig& table : tables) {
    for (const TableMetric& m : table.metrics) {
      if (std::find(keys.begin(), keys.end(), m.key) == keys.end()) keys.push_back(m.key);
    }
  }
  return keys;
}

std::string deciding_settings(const std::vector<TableConfig>& tables) {
  std::ostringstream out;
  out.precision(17);
  for (const TableConfig& table : tables) {
    const std::string name = "table " + table.file.filename().string();
    out << name << " contents = " << table.hash << '\n'
        << name << " architecture = " << table.architecture << '\n';
    for (const TableMetric& m : table.metrics) {
      out << name << ' ' << to_text(m.key) << " = " << m.column << " * " << m.factor << " + "
          << m.offset << ", fidelity " << m.fidelity << ", cost " << m.cost << '\n';
    }
    for (const TableScore& s : table.scores)
      out << name << " score = " << (s.sign < 0 ? "-" : "") << s.column << '\n';
  }
  return out.str();
}

}  // namespace hwnas
