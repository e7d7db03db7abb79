// ArchitectureTable: a CSV file of architectures of a space, ready to be looked up.
//
// A genotype finds the row of its own, else the first row that agrees with it in all active genes
// (what lies beyond a stage's depth decides nothing). Immutable; thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "experiments/table_config.h"
#include "search/evaluator.h"
#include "space/search_space.h"

namespace hwnas {

class ArchitectureTable {
 public:
  // Throws InputError (file, line, column, value): no such column, what is no architecture of the
  // space or is in the table twice, no number, an accuracy beyond 100 %.
  static ArchitectureTable load(const TableConfig& config, const SearchSpace& space);

  std::optional<std::size_t> row(const Genotype& genotype) const;
  // One and the same for all genotypes that find the same row.
  Genotype representative(const Genotype& genotype) const;
  std::size_t rows() const { return lines_.size(); }
  const Genotype& genotype(std::size_t row) const { return genotypes_[row]; }

  const TableConfig& config() const { return config_; }
  double metric(std::size_t row, std::size_t i) const;  // of config().metrics; NaN: missing
  double score(std::size_t row, std::size_t i) const;   // of config().scores; NaN: missing

  std::string name() const { return config_.file.filename().string(); }
  int line(std::size_t row) const { return lines_[row]; }

 private:
  ArchitectureTable(TableConfig config, SearchSpace space)
      : config_(std::move(config)), space_(std::move(space)) {}
  using Index = std::vector<std::pair<Genotype, std::size_t>>;  // sorted
  static std::optional<std::size_t> find(const Index& index, const Genotype& genotype);
  Genotype canonical(Genotype genotype) const;

  TableConfig config_;
  SearchSpace space_;
  std::vector<Genotype> genotypes_;  // by row
  std::vector<int> lines_;           // by row
  std::vector<double> values_;       // row-major: metrics, then scores
  Index exact_, canonical_;
};

// All tables of a run, joined by genotype.
class ArchitectureTables {
 public:
  ArchitectureTables(const std::vector<TableConfig>& configs, const SearchSpace& space);

  // Adds the cells of these metrics (table, metric) to an evaluation, or why one is missing.
  struct Column {
    std::size_t table = 0, metric = 0;
    bool required = true;  // a missing cell is a failure
  };
  void look_up(std::span<const Column> columns, const Genotype& genotype,
               Evaluation& evaluation) const;

  // The metrics that are known before anything is spent: those of no cost at their highest
  // fidelity. Required are those among `needed`.
  std::vector<Column> known(std::span<const Objective> needed) const;
  // What else is needed, by fidelity, the lowest first; of lower fidelities only those of `rungs`.
  struct Stage {
    double fidelity = 0, cost = 0;
    std::vector<Column> columns;
  };
  std::vector<Stage> stages(std::span<const Objective> needed, std::span<const double> rungs) const;

  std::vector<double> scores(const Genotype& genotype) const;  // NaN: missing

  // Equal where two genotypes have the same rows.
  std::uint64_t identity(const Genotype& genotype) const;

  const std::vector<ArchitectureTable>& tables() const { return tables_; }
  const TableMetric& metric(const Column& column) const {
    return tables_[column.table].config().metrics[column.metric];
  }

 private:
  std::vector<TableConfig> configs_;
  std::vector<ArchitectureTable> tables_;
};

}  // namespace hwnas
