#include "predictors/device_sources.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>

#include "space/layer_counts.h"
#include "space/rng.h"

namespace hwnas {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr std::size_t kMostPairInputs = 700;
constexpr std::size_t kRowsOfASource = 4000, kReferenceRows = 1000;
constexpr std::size_t kFewestValues = 8;
constexpr Index kComponents = 6;

// `most` of them at random, always the same, in order.
std::vector<std::size_t> some(std::vector<std::size_t> rows, std::size_t most) {
  if (rows.size() <= most) return rows;
  Rng rng(1);
  rng.shuffle(rows);
  rows.resize(most);
  std::sort(rows.begin(), rows.end());
  return rows;
}

std::vector<std::size_t> all(std::size_t size) {
  std::vector<std::size_t> rows(size);
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  return rows;
}

// Each of mean square 1 / number; those that do not vary, or repeat another, are dropped.
std::vector<Coordinate> standardised(std::vector<Coordinate> raw,
                                     const std::vector<Architecture>& population,
                                     const std::vector<int>& cardinalities) {
  std::vector<Coordinate> kept;
  std::vector<VectorXd> columns;
  const auto n = static_cast<Index>(population.size());
  for (Coordinate& c : raw) {
    VectorXd column(n);
    for (Index i = 0; i < n; ++i)
      column[i] = c(population[static_cast<std::size_t>(i)], cardinalities);
    const double mean = column.mean();
    const double scale = std::sqrt((column.array() - mean).square().mean());
    if (!(scale > 1e-9 * (1 + std::fabs(mean)))) continue;
    column = (column.array() - mean) / scale;
    const bool repeated = std::any_of(columns.begin(), columns.end(), [&](const VectorXd& other) {
      return std::fabs(column.dot(other)) > 0.9999 * static_cast<double>(n);
    });
    if (repeated) continue;
    columns.push_back(std::move(column));
    c.constant -= mean;
    c.multiply(1 / scale);
    kept.push_back(std::move(c));
  }
  for (Coordinate& c : kept) c.multiply(1 / std::sqrt(static_cast<double>(kept.size())));
  return kept;
}

}  // namespace

DeviceSources::DeviceSources(const SearchSpace& space, std::vector<Architecture> population,
                             std::vector<SourceColumn> columns)
    : cardinalities_(space.cardinalities()), population_(std::move(population)) {
  for (std::size_t b = 0; b < cardinalities_.size(); ++b) {
    option_inputs_ += static_cast<std::size_t>(cardinalities_[b]);
    for (std::size_t a = 0; a < b; ++a)
      pair_inputs_ += static_cast<std::size_t>(cardinalities_[a] * cardinalities_[b]);
  }
  pairs_ = pair_inputs_ <= kMostPairInputs;
  if (!pairs_) pair_inputs_ = 0;
  scale_counts();
  make_option_counts(space);
  for (const std::size_t row : some(all(population_.size()), kReferenceRows))
    reference_.push_back(inputs(population_[row]));
  std::optional<Rows> rows;
  for (SourceColumn& column : columns) {
    std::vector<std::size_t> known;
    for (std::size_t i = 0; i < column.values.size(); ++i) {
      if (!std::isnan(column.values[i])) known.push_back(i);
    }
    if (known.size() < kFewestValues) continue;
    known = some(std::move(known), kRowsOfASource);
    if (!rows || rows->which != known) rows = read_rows(std::move(known));
    learn(column, *rows);
    columns_.push_back(std::move(column));
  }
}

void DeviceSources::scale_counts() {
  const std::size_t size = layer_count_names().size();
  const auto n = static_cast<double>(population_.size());
  for (std::size_t i = 0; i < size; ++i) {
    double mean = 0, squares = 0;
    for (const Architecture& a : population_) mean += a.counts[i] / n;
    for (const Architecture& a : population_)
      squares += (a.counts[i] - mean) * (a.counts[i] - mean) / n;
    count_mean_.push_back(mean);
    count_scale_.push_back(squares > 1e-18 * (1 + mean * mean) ? 1 / std::sqrt(squares) : 0);
  }
}

// How often an option is chosen among the choices that have the same options, and the counts of
// the layers that are used.
void DeviceSources::make_option_counts(const SearchSpace& space) {
  std::map<std::vector<std::string>, std::vector<std::size_t>> groups;  // options -> choices
  std::vector<std::size_t> offsets;
  std::size_t offset = 0;
  for (std::size_t c = 0; c < space.choices().size(); ++c) {
    groups[space.choices()[c].options].push_back(c);
    offsets.push_back(offset);
    offset += space.choices()[c].options.size();
  }
  std::vector<Coordinate> raw;
  for (const auto& [names, choices] : groups) {
    for (std::size_t option = 0; option < names.size(); ++option) {
      Coordinate c{"options." + names[option], 0, std::vector<double>(option_inputs_, 0), {}, {}};
      for (const std::size_t choice : choices) c.options[offsets[choice] + option] = 1;
      raw.push_back(std::move(c));
    }
  }
  options_ = standardised(std::move(raw), population_, cardinalities_);
  raw.clear();
  const std::vector<std::string>& names = layer_count_names();
  for (std::size_t i = names.size() / 2; i < names.size(); ++i) {
    Coordinate c{names[i], 0, {}, {}, std::vector<double>(names.size(), 0)};
    c.counts[i] = 1;
    raw.push_back(std::move(c));
  }
  used_ = standardised(std::move(raw), population_, cardinalities_);
}

std::vector<double> DeviceSources::inputs(const Architecture& a) const {
  std::vector<double> row(option_inputs_ + pair_inputs_, 0);
  std::size_t option = 0, pair = option_inputs_;
  for (std::size_t b = 0; b < cardinalities_.size(); ++b) {
    const auto size = static_cast<std::size_t>(cardinalities_[b]);
    if (a.choices[b] != kInactive) row[option + a.choices[b]] = 1;
    option += size;
    for (std::size_t before = 0; pairs_ && before < b; ++before) {
      if (a.choices[b] != kInactive && a.choices[before] != kInactive)
        row[pair + a.choices[before] * size + a.choices[b]] = 1;
      pair += static_cast<std::size_t>(cardinalities_[before]) * size;
    }
  }
  for (std::size_t i = 0; i < count_mean_.size(); ++i)
    row.push_back((a.counts[i] - count_mean_[i]) * count_scale_[i]);
  return row;
}

std::vector<double> DeviceSources::count_inputs(const Architecture& a, bool used) const {
  const std::size_t half = count_mean_.size() / 2;
  std::vector<double> row;
  for (std::size_t i = used ? half : 0; i < (used ? 2 * half : half); ++i)
    row.push_back((a.counts[i] - count_mean_[i]) * count_scale_[i]);
  return row;
}

DeviceSources::Rows DeviceSources::read_rows(std::vector<std::size_t> which) const {
  std::vector<double> full, by_counts[2];
  for (const std::size_t row : which) {
    const std::vector<double> x = inputs(population_[row]);
    full.insert(full.end(), x.begin(), x.end());
    for (const bool used : {false, true}) {
      const std::vector<double> counts = count_inputs(population_[row], used);
      by_counts[used].insert(by_counts[used].end(), counts.begin(), counts.end());
    }
  }
  const std::size_t n = which.size(), half = count_mean_.size() / 2;
  return {std::move(which), RidgeRows(full, full.size() / n), RidgeRows(by_counts[0], half),
          RidgeRows(by_counts[1], half)};
}

void DeviceSources::learn(const SourceColumn& column, const Rows& rows) {
  std::vector<double> values;
  for (const std::size_t row : rows.which) values.push_back(column.values[row]);
  const std::size_t half = count_mean_.size() / 2;
  const RidgeRows::Fit fit = rows.inputs.fit(values);
  fitted_.push_back({fit.weights, fit.intercept});
  const RidgeRows::Fit counted[2] = {rows.all_counts.fit(values), rows.used_counts.fit(values)};
  // The device skips what is unused where those counts say more; the other is what it does not do.
  const bool skips = counted[1].left_out_error < counted[0].left_out_error;
  Line other{std::vector<double>(fit.weights.size(), 0), counted[skips].intercept};
  const std::size_t to = option_inputs_ + pair_inputs_ + (skips ? 0 : half),
                    from = skips ? half : 0;
  for (std::size_t i = 0; i < half; ++i) {
    const std::size_t target = (skips ? 0 : half) + i;
    // The weight is of the count itself: both are scaled by their own spread.
    if (count_scale_[target] > 0)
      other.weights[to + i] =
          counted[skips].weights[i] * count_scale_[from + i] / count_scale_[target];
  }
  other_.push_back(std::move(other));
}

std::vector<Coordinate> DeviceSources::principal(const std::vector<Line>& lines,
                                                 const std::vector<std::size_t>& which,
                                                 const std::string& name) const {
  if (which.empty() || reference_.empty()) return {};
  const auto n = static_cast<Index>(reference_.size()),
             width = static_cast<Index>(reference_[0].size());
  const auto devices = static_cast<Index>(which.size());
  MatrixXd weights(width, devices), inputs(n, width);
  VectorXd intercepts(devices);
  for (Index d = 0; d < devices; ++d) {
    const Line& line = lines[which[static_cast<std::size_t>(d)]];
    weights.col(d) = Eigen::Map<const VectorXd>(line.weights.data(), width);
    intercepts[d] = line.intercept;
  }
  for (Index i = 0; i < n; ++i)
    inputs.row(i) =
        Eigen::Map<const VectorXd>(reference_[static_cast<std::size_t>(i)].data(), width);
  MatrixXd columns = (inputs * weights).rowwise() + intercepts.transpose();
  for (Index d = 0; d < devices; ++d) {
    const double mean = columns.col(d).mean();
    const double spread = std::sqrt((columns.col(d).array() - mean).square().mean());
    const double scale = spread > 1e-12 * std::fabs(mean) + 1e-300 ? 1 / spread : 0;
    columns.col(d) = (columns.col(d).array() - mean) * scale;
    weights.col(d) *= scale;
    intercepts[d] = (intercepts[d] - mean) * scale;
  }
  const Eigen::SelfAdjointEigenSolver<MatrixXd> solver(columns.transpose() * columns /
                                                       static_cast<double>(n));
  const Index kept = std::min(devices, kComponents);
  const double total = std::max(solver.eigenvalues().tail(kept).sum(), 1e-300);
  std::vector<Coordinate> coordinates;
  for (Index k = 0; k < kept; ++k) {
    VectorXd direction = solver.eigenvectors().col(devices - 1 - k) / std::sqrt(total);
    if (direction.sum() < 0) direction = -direction;
    const VectorXd w = weights * direction;
    Coordinate c{name + "." + std::to_string(k + 1), intercepts.dot(direction), {}, {}, {}};
    const double* at = w.data();
    c.options.assign(at, at + option_inputs_);
    c.pairs.assign(at + option_inputs_, at + option_inputs_ + pair_inputs_);
    at += option_inputs_ + pair_inputs_;
    for (std::size_t i = 0; i < count_mean_.size(); ++i) {
      c.counts.push_back(at[i] * count_scale_[i]);
      c.constant -= c.counts.back() * count_mean_[i];
    }
    coordinates.push_back(std::move(c));
  }
  return coordinates;
}

CoordinateSets DeviceSources::coordinates(const std::string& without_device) const {
  std::vector<std::size_t> which;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (without_device.empty() || columns_[i].device != without_device) which.push_back(i);
  }
  return {principal(fitted_, which, "sources"), principal(other_, which, "others"), options_,
          used_};
}

}  // namespace hwnas
