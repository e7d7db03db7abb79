// What both kinds of lookup tables have in common: internal to the family.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "hw_models/csv_table.h"
#include "hw_models/families/lookup.h"
#include "hw_models/figures.h"

namespace hwnas {

// A column of the CSV that holds figures in a unit.
struct FigureColumn {
  std::size_t column = 0;
  double factor = 1;  // to SI
};

// Of the rows that know a figure.
struct Mean {
  double most = 0, least = std::numeric_limits<double>::infinity();
  int rows = 0;

  void add(double value, double stddev = 0) {
    if (std::isnan(value)) return;
    least = std::min(least, value);
    most = std::max(most, value);
    ++rows;
    const double step = value - mean_;
    mean_ += step / rows;
    squares_ += step * (value - mean_);
    given_ += stddev > 0 ? stddev * stddev : std::numeric_limits<double>::quiet_NaN();
  }
  double value() const { return rows ? mean_ : std::numeric_limits<double>::quiet_NaN(); }
  // Standard error of the mean: from those that the rows give where all do, else from how the rows
  // differ; 0 where one row says nothing.
  double stddev() const {
    if (rows > 0 && !std::isnan(given_)) return std::sqrt(given_) / rows;
    return rows > 1 ? std::sqrt(squares_ / (rows - 1) / rows) : 0;
  }

 private:
  double mean_ = 0, squares_ = 0, given_ = 0;
};

struct LookupTable {
  std::string device;
  std::string file;  // the CSV's name, for people
  Confidence confidence = Confidence::D;
  Price price;
  Deployment measured_at;
  int weight_bits = 0, activation_bits = 0;  // 0: as the space says
  std::shared_ptr<const CsvTable> csv;
  std::optional<FigureColumn> latency, energy, memory, storage;
  std::optional<FigureColumn> latency_stddev, energy_stddev;  // standard errors of the cells

  // NaN where missing; a latency or an energy of 0 is missing too.
  Figures figures(std::size_t row) const;
  // Why the table says nothing of a candidate, whatever its network; or empty.
  std::string deployment_refusal(const Candidate& candidate) const;
};

std::shared_ptr<const CostModel> make_network_lookup(LookupTable table, const TomlTable& section,
                                                     NamedFiles& files);
std::shared_ptr<const CostModel> make_kernel_lookup(LookupTable table, const TomlTable& section);

}  // namespace hwnas
