#include "experiments/architecture_table.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <stdexcept>

#include "hw_models/csv_table.h"
#include "space/architecture_text.h"
#include "space/rng.h"

namespace hwnas {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

// SI; missing where the cell is empty, not finite or below zero (a usual mark of what failed).
double metric_at(const CsvTable& csv, std::size_t row, std::size_t column, const TableMetric& m) {
  const double cell = csv.real(row, column);
  if (std::isnan(cell) || cell < 0) return kMissing;
  const double value = m.offset + m.factor * cell;
  constexpr double kRounding = 1e-9;
  if (m.key.metric == Metric::accuracy && (value < -kRounding || value > 1 + kRounding)) {
    throw csv.error(row, column,
                    "an accuracy of " + format_quantity(value, Unit::fraction) +
                        "; is its unit in the run config right?");
  }
  return value;
}

}  // namespace

ArchitectureTable ArchitectureTable::load(const TableConfig& config, const SearchSpace& space) {
  ArchitectureTable table(config, space);
  const CsvTable csv = CsvTable::read(config.file);
  const std::size_t architecture = csv.column(config.architecture);
  std::vector<std::size_t> metrics, scores;
  for (const TableMetric& m : config.metrics) metrics.push_back(csv.column(m.column));
  for (const TableScore& s : config.scores) scores.push_back(csv.column(s.column));
  for (std::size_t row = 0; row < csv.rows(); ++row) {
    try {
      table.genotypes_.push_back(parse_architecture(space, csv.text(row, architecture)));
    } catch (const std::invalid_argument& error) {
      throw csv.error(row, architecture,
                      "no architecture of space '" + space.name() + "': " + error.what());
    }
    table.lines_.push_back(csv.line(row));
    for (std::size_t i = 0; i < metrics.size(); ++i)
      table.values_.push_back(metric_at(csv, row, metrics[i], config.metrics[i]));
    for (std::size_t i = 0; i < scores.size(); ++i)
      table.values_.push_back(config.scores[i].sign * csv.real(row, scores[i]));
    table.exact_.emplace_back(table.genotypes_.back(), row);
    table.canonical_.emplace_back(table.canonical(table.genotypes_.back()), row);
  }
  std::sort(table.exact_.begin(), table.exact_.end());
  std::sort(table.canonical_.begin(), table.canonical_.end());
  const auto twice =
      std::adjacent_find(table.exact_.begin(), table.exact_.end(),
                         [](const auto& a, const auto& b) { return a.first == b.first; });
  if (twice != table.exact_.end()) {
    throw csv.error((twice + 1)->second, architecture,
                    "is in line " + std::to_string(table.line(twice->second)) +
                        " already; expected one row for each architecture");
  }
  return table;
}

Genotype ArchitectureTable::canonical(Genotype genotype) const {
  const std::vector<bool> active = space_.active_genes(genotype);
  for (std::size_t i = 0; i < active.size(); ++i) {
    if (!active[i]) genotype.genes[i] = 0;
  }
  return genotype;
}

std::optional<std::size_t> ArchitectureTable::find(const Index& index, const Genotype& genotype) {
  const auto at = std::lower_bound(index.begin(), index.end(), std::pair{genotype, std::size_t{0}});
  if (at == index.end() || at->first != genotype) return std::nullopt;
  return at->second;
}

std::optional<std::size_t> ArchitectureTable::row(const Genotype& genotype) const {
  if (const auto row = find(exact_, genotype)) return row;
  return find(canonical_, canonical(genotype));
}

Genotype ArchitectureTable::representative(const Genotype& genotype) const {
  const std::optional<std::size_t> found = row(genotype);
  return found ? genotypes_[*found] : canonical(genotype);
}

double ArchitectureTable::metric(std::size_t row, std::size_t i) const {
  return values_[row * (config_.metrics.size() + config_.scores.size()) + i];
}

double ArchitectureTable::score(std::size_t row, std::size_t i) const {
  return metric(row, config_.metrics.size() + i);
}

ArchitectureTables::ArchitectureTables(const std::vector<TableConfig>& configs,
                                       const SearchSpace& space)
    : configs_(configs) {
  for (const TableConfig& config : configs)
    tables_.push_back(ArchitectureTable::load(config, space));
}

void ArchitectureTables::look_up(std::span<const Column> columns, const Genotype& genotype,
                                 Evaluation& evaluation) const {
  for (const Column& column : columns) {
    const ArchitectureTable& table = tables_[column.table];
    const TableMetric& m = metric(column);
    const std::optional<std::size_t> row = table.row(genotype);
    const double value = row ? table.metric(*row, column.metric) : kMissing;
    if (!std::isnan(value)) {
      const Source source = is_learned(m.key.metric) ? Source::trained : Source::measured;
      evaluation.measurements.push_back({m.key, source, m.fidelity, value, std::nullopt});
    } else if (column.required && evaluation.failure.empty()) {
      evaluation.failure = row ? table.name() + ", line " + std::to_string(table.line(*row)) +
                                     ": " + m.column + " of " + to_text(genotype) +
                                     " is empty, below zero or not finite"
                               : table.name() + " has no row for " + to_text(genotype);
    }
  }
}

std::vector<ArchitectureTables::Column> ArchitectureTables::known(
    std::span<const Objective> needed) const {
  std::vector<Column> columns;
  for (std::size_t t = 0; t < configs_.size(); ++t) {
    for (std::size_t i = 0; i < configs_[t].metrics.size(); ++i) {
      const TableMetric& m = configs_[t].metrics[i];
      if (m.cost > 0 || m.fidelity < highest(configs_, m.key)->fidelity) continue;
      const bool required = std::any_of(needed.begin(), needed.end(),
                                        [&m](const Objective& o) { return o.key == m.key; });
      columns.push_back({t, i, required});
    }
  }
  return columns;
}

std::vector<ArchitectureTables::Stage> ArchitectureTables::stages(
    std::span<const Objective> needed, std::span<const double> rungs) const {
  std::vector<Stage> stages;
  for (std::size_t t = 0; t < configs_.size(); ++t) {
    for (std::size_t i = 0; i < configs_[t].metrics.size(); ++i) {
      const TableMetric& m = configs_[t].metrics[i];
      const TableMetric& best = *highest(configs_, m.key);
      const bool wanted = std::any_of(needed.begin(), needed.end(),
                                      [&m](const Objective& o) { return o.key == m.key; });
      const bool counts = m.fidelity == best.fidelity ||
                          std::find(rungs.begin(), rungs.end(), m.fidelity) != rungs.end();
      if (!wanted || best.cost <= 0 || !counts) continue;
      auto stage = std::find_if(stages.begin(), stages.end(),
                                [&m](const Stage& s) { return s.fidelity == m.fidelity; });
      if (stage == stages.end()) stage = stages.insert(stages.end(), {m.fidelity, 0, {}});
      stage->columns.push_back({t, i, true});
      stage->cost += m.cost;
    }
  }
  std::sort(stages.begin(), stages.end(),
            [](const Stage& a, const Stage& b) { return a.fidelity < b.fidelity; });
  return stages;
}

std::vector<double> ArchitectureTables::scores(const Genotype& genotype) const {
  std::vector<double> scores;
  for (const ArchitectureTable& table : tables_) {
    if (table.config().scores.empty()) continue;
    const std::optional<std::size_t> row = table.row(genotype);
    for (std::size_t i = 0; i < table.config().scores.size(); ++i)
      scores.push_back(row ? table.score(*row, i) : kMissing);
  }
  return scores;
}

std::uint64_t ArchitectureTables::identity(const Genotype& genotype) const {
  std::uint64_t identity = 0;
  for (const ArchitectureTable& table : tables_)
    identity = hash_combine(identity, hash(table.representative(genotype)));
  return identity;
}

}  // namespace hwnas
