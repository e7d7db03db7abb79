#include "hw_models/families/learned_process.h"

#include <algorithm>
#include <cmath>

#include "space/architecture_text.h"
#include "space/features.h"
#include "space/layer_counts.h"

namespace hwnas {
namespace {

constexpr std::size_t kSamplesWithOwnSpread = 200;
constexpr std::size_t kMostSamples = 2000;
constexpr double kLargest = 1e12;

double dot(const double* a, const double* b, std::size_t size) {
  double sum = 0;
  for (std::size_t i = 0; i < size; ++i) sum += a[i] * b[i];
  return sum;
}

// In place, lower, row by row. False where the matrix is not positive definite.
bool factorise(std::vector<double>& matrix, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    double* const row = &matrix[i * n];
    for (std::size_t j = 0; j <= i; ++j) {
      const double rest = row[j] - dot(row, &matrix[j * n], j);
      if (i == j && !(rest > 0)) return false;
      row[j] = i == j ? std::sqrt(rest) : rest / matrix[j * n + j];
    }
  }
  return true;
}

void solve_forward(const std::vector<double>& factor, std::vector<double>& values) {
  const std::size_t n = values.size();
  for (std::size_t i = 0; i < n; ++i)
    values[i] = (values[i] - dot(&factor[i * n], values.data(), i)) / factor[i * n + i];
}

void solve_backward(const std::vector<double>& factor, std::vector<double>& values) {
  const std::size_t n = values.size();
  for (std::size_t i = n; i-- > 0;) {
    values[i] /= factor[i * n + i];
    for (std::size_t j = 0; j < i; ++j) values[j] -= factor[i * n + j] * values[i];
  }
}

std::vector<double> list(const TomlTable& table, const char* key, std::size_t size) {
  std::vector<double> numbers = table.numbers(key);
  if (!numbers.empty() && numbers.size() != size)
    throw table.error(key, "expected " + std::to_string(size) + " numbers, found " +
                               std::to_string(numbers.size()));
  return numbers;
}

}  // namespace

LearnedInput learned_input(const SearchSpace& space, const Candidate& decoded) {
  LearnedInput input{decoded.genotype.genes, layer_counts(decoded.network)};
  const std::vector<bool> active = space.active_genes(decoded.genotype);
  for (std::size_t i = 0; i < active.size(); ++i) {
    if (!active[i]) input.choices[i] = kInactive;
  }
  return input;
}

double LearnedProcess::Coordinate::at(const LearnedInput& input,
                                      const std::vector<int>& cardinalities) const {
  double sum = constant;
  std::size_t option = 0, pair = 0;
  for (std::size_t b = 0; b < cardinalities.size(); ++b) {
    const std::size_t chosen = input.choices[b];
    const auto size = static_cast<std::size_t>(cardinalities[b]);
    if (chosen != kInactive && !options.empty()) sum += options[option + chosen];
    option += size;
    for (std::size_t a = 0; a < b && !pairs.empty(); ++a) {
      const std::size_t other = input.choices[a];
      if (chosen != kInactive && other != kInactive) sum += pairs[pair + other * size + chosen];
      pair += static_cast<std::size_t>(cardinalities[a]) * size;
    }
  }
  return counts.empty() ? sum : sum + dot(counts.data(), input.counts.data(), counts.size());
}

LearnedProcess::Coordinate LearnedProcess::read_coordinate(
    const TomlTable& table, const std::vector<std::string>& counted) const {
  std::size_t options = 0, pairs = 0;
  for (std::size_t b = 0; b < cardinalities_.size(); ++b) {
    options += static_cast<std::size_t>(cardinalities_[b]);
    for (std::size_t a = 0; a < b; ++a)
      pairs += static_cast<std::size_t>(cardinalities_[a] * cardinalities_[b]);
  }
  Coordinate c;
  c.constant = table.number("constant", -kLargest, kLargest, 0);
  c.options = list(table, "options", options);
  c.pairs = list(table, "pairs", pairs);
  const std::vector<double> counts = list(table, "counts", counted.size());
  if (counts.empty()) return c;
  const std::vector<std::string>& known = layer_count_names();
  c.counts.assign(known.size(), 0);
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const auto at = std::find(known.begin(), known.end(), counted[i]);
    c.counts[static_cast<std::size_t>(at - known.begin())] = counts[i];
  }
  return c;
}

void LearnedProcess::read_samples(const TomlTable& section, const SearchSpace& space) {
  for (const std::string& text : section.strings("architectures")) {
    try {
      samples_.push_back(learned_input(space, space.decode(parse_architecture(space, text))));
    } catch (const std::invalid_argument& error) {
      throw section.error("architectures", "'" + text + "': " + error.what());
    }
  }
  if (samples_.empty() || samples_.size() > kMostSamples)
    throw section.error("architectures", "expected from 1 to " + std::to_string(kMostSamples));
}

LearnedProcess::LearnedProcess(const TomlTable& section, const SearchSpace& space)
    : cardinalities_(space.cardinalities()) {
  read_samples(section, space);
  std::vector<double> values = list(section, "values", samples_.size());
  logarithm_ = section.boolean("logarithm", false);
  centre_ = section.number("centre", -kLargest, kLargest);
  lowest_ = section.number("lowest", 0, kLargest);
  scale_ = section.number("scale", 0, kLargest);
  noise_ = section.number("noise", 0, kLargest);
  const double same = section.number("same", 0, kLargest),
               alike = section.number("alike", 0, kLargest),
               level = section.number("level", 0, kLargest);
  for (std::size_t d = 0; d <= cardinalities_.size(); ++d) {
    const double share = static_cast<double>(d) /
                         static_cast<double>(std::max<std::size_t>(1, cardinalities_.size()));
    by_difference_.push_back(same * (1 - share) + alike * std::exp(-2 * share) + level);
  }
  const std::vector<std::string> counted = section.strings("counts");
  const std::vector<std::string>& known = layer_count_names();
  for (const std::string& name : counted) {
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw section.error("counts", "no layer count '" + name + "'" + suggestion(name, known));
  }
  for (const TomlTable& table : section.tables("coordinates")) {
    table.string("name", "");
    coordinates_.push_back(read_coordinate(table, counted));
    table.done();
  }
  if (const std::optional<TomlTable> line = section.maybe_table("line")) {
    line_share_ = line->number("share", 0, 1);
    line_ = read_coordinate(*line, counted);
    line->done();
  }
  for (double& value : values) {
    if (logarithm_ && !(value > 0)) throw section.error("values", "expected values above 0");
    value = (logarithm_ ? std::log(value) : value) - centre_;
  }
  if (values.empty()) throw section.error("values", "is missing");
  solve(section, values);
}

void LearnedProcess::solve(const TomlTable& section, const std::vector<double>& values) {
  const std::size_t n = samples_.size();
  for (const LearnedInput& sample : samples_) {
    const std::vector<double> x = coordinates_of(sample);
    sample_x_.insert(sample_x_.end(), x.begin(), x.end());
  }
  std::vector<double> k(n);
  for (std::size_t i = 0; i < n; ++i) {
    covariances(samples_[i], coordinates_of(samples_[i]), k);
    factor_.insert(factor_.end(), k.begin(), k.end());
    factor_[i * n + i] += noise_;
  }
  if (!factorise(factor_, n))
    throw section.error("noise", "is too small for these samples; try " +
                                     std::to_string(std::max(1e-6, 10 * noise_)));
  weights_ = values;
  solve_forward(factor_, weights_);
  solve_backward(factor_, weights_);
  if (n <= kSamplesWithOwnSpread) return;
  left_out_variance_ = 0;
  for (std::size_t i = 0; i < n; ++i) {
    std::vector<double> unit(n, 0);
    unit[i] = 1;
    solve_forward(factor_, unit);
    left_out_variance_ += 1 / dot(unit.data(), unit.data(), n) / static_cast<double>(n);
  }
  factor_.clear();
}

std::vector<double> LearnedProcess::coordinates_of(const LearnedInput& input) const {
  std::vector<double> x;
  x.reserve(coordinates_.size());
  for (const Coordinate& c : coordinates_) x.push_back(c.at(input, cardinalities_));
  return x;
}

void LearnedProcess::covariances(const LearnedInput& input, const std::vector<double>& x,
                                 std::vector<double>& k) const {
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    std::size_t differ = 0;
    for (std::size_t c = 0; c < input.choices.size(); ++c)
      differ += input.choices[c] != samples_[i].choices[c];
    k[i] = by_difference_[differ] + dot(x.data(), sample_x_.data() + i * x.size(), x.size());
  }
}

std::pair<double, double> LearnedProcess::predict(const LearnedInput& input) const {
  const std::vector<double> x = coordinates_of(input);
  std::vector<double> k(samples_.size());
  covariances(input, x, k);
  double mean = centre_ + dot(k.data(), weights_.data(), k.size());
  double variance = left_out_variance_;
  if (!factor_.empty()) {
    const double own = by_difference_[0] + dot(x.data(), x.data(), x.size());
    solve_forward(factor_, k);
    variance = std::max(own - dot(k.data(), k.data(), k.size()), 0.0) + noise_;
  }
  double stddev = scale_ * std::sqrt(variance);
  if (logarithm_) {
    mean = std::exp(mean);
    stddev *= mean;
  }
  if (line_share_ > 0) mean += line_share_ * (line_.at(input, cardinalities_) - mean);
  return {std::max(mean, lowest_), stddev};
}

}  // namespace hwnas
