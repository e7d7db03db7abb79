// The [[tables]] of a run config: CSV files that hold what would else be trained or measured. The
// format is in experiments/README.md.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "hw_models/named_files.h"
#include "search/objective.h"
#include "space/toml_table.h"

namespace hwnas {

// A column that holds a metric: value = offset + factor * cell, SI.
struct TableMetric {
  MetricKey key;
  std::string column;
  double factor = 1, offset = 0;
  double fidelity = 0;  // e.g. epochs; where a metric has several, the highest counts
  double cost = 1;      // of one look-up, in a unit of the user's own; 0: known in advance
};

// A column that holds a zero-cost score; its values times `sign` are higher where better.
struct TableScore {
  std::string column;
  double sign = 1;
};

struct TableConfig {
  std::filesystem::path file;
  std::string hash;          // of its contents
  std::string architecture;  // column of what space/architecture_text.h reads
  std::vector<TableMetric> metrics;
  std::vector<TableScore> scores;
};

// Throws InputError: unknown or missing keys, no such file, one that is no longer what `files` says
// it was, units of another kind, a metric of one fidelity given twice.
std::vector<TableConfig> read_tables(const TomlTable& config, NamedFiles& files);

// The highest fidelity of a metric in any table, or nullptr where none gives it.
const TableMetric* highest(const std::vector<TableConfig>& tables, const MetricKey& key);

// Every key that some table gives, once, in the order of the config.
std::vector<MetricKey> keys_of(const std::vector<TableConfig>& tables);

// What of them decides the trials, one "key = value" a line: contents, not places.
std::string deciding_settings(const std::vector<TableConfig>& tables);

}  // namespace hwnas
