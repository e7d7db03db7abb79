#include "predictors/device_model.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cassert>
#include <cmath>

#include "space/layer_counts.h"

namespace hwnas {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

std::size_t differences(const Architecture& a, const Architecture& b) {
  std::size_t number = 0;
  for (std::size_t i = 0; i < a.choices.size(); ++i) number += a.choices[i] != b.choices[i];
  return number;
}

VectorXd coordinates_of(const DeviceModel& model, const Architecture& a) {
  VectorXd x(static_cast<Index>(model.coordinates.size()));
  for (Index i = 0; i < x.size(); ++i)
    x[i] = model.coordinates[static_cast<std::size_t>(i)](a, model.cardinalities);
  return x;
}

}  // namespace

Architecture read_architecture(const SearchSpace& space, const Genotype& genotype) {
  Architecture a{genotype.genes, layer_counts(space.decode(genotype).network)};
  const std::vector<bool> active = space.active_genes(genotype);
  for (std::size_t i = 0; i < active.size(); ++i) {
    if (!active[i]) a.choices[i] = kInactive;
  }
  return a;
}

double Coordinate::operator()(const Architecture& a, std::span<const int> cardinalities) const {
  double sum = constant;
  std::size_t option = 0, pair = 0;
  for (std::size_t b = 0; b < cardinalities.size(); ++b) {
    const auto size = static_cast<std::size_t>(cardinalities[b]);
    const std::size_t chosen = a.choices[b];
    if (chosen != kInactive && !options.empty()) sum += options[option + chosen];
    option += size;
    if (pairs.empty()) continue;
    for (std::size_t before = 0; before < b; ++before) {
      const std::size_t other = a.choices[before];
      if (chosen != kInactive && other != kInactive) sum += pairs[pair + other * size + chosen];
      pair += static_cast<std::size_t>(cardinalities[before]) * size;
    }
  }
  for (std::size_t i = 0; i < counts.size(); ++i) sum += counts[i] * a.counts[i];
  return sum;
}

void Coordinate::multiply(double factor) {
  constant *= factor;
  for (auto* list : {&options, &pairs, &counts}) {
    for (double& number : *list) number *= factor;
  }
}

void Coordinate::add(const Coordinate& other, double factor) {
  constant += factor * other.constant;
  const auto add_list = [factor](std::vector<double>& to, const std::vector<double>& from) {
    if (to.size() < from.size()) to.resize(from.size(), 0);
    for (std::size_t i = 0; i < from.size(); ++i) to[i] += factor * from[i];
  };
  add_list(options, other.options);
  add_list(pairs, other.pairs);
  add_list(counts, other.counts);
}

struct DevicePredictor::Solution {
  MatrixXd x;                         // coordinates of the samples, a column each
  std::vector<double> by_difference;  // same, alike and level, by how many choices differ
  VectorXd weights;                   // inverse of the covariance times the values
  VectorXd slope;                     // x * weights
  MatrixXd inverse;                   // of the covariance; empty where there are too many samples
  double left_out_variance = 1;       // mean over the samples

  VectorXd covariance(const VectorXd& at, const DeviceModel& model, const Architecture& a) const {
    VectorXd k = x.transpose() * at;
    for (std::size_t i = 0; i < model.samples.size(); ++i)
      k[static_cast<Index>(i)] += by_difference[differences(model.samples[i], a)];
    return k;
  }
};

DevicePredictor::DevicePredictor(DeviceModel model) : model_(std::move(model)) {
  const std::size_t choices = model_.cardinalities.size();
  const auto n = static_cast<Index>(model_.samples.size());
  assert(n >= 1 && model_.values.size() == model_.samples.size());
  auto s = std::make_unique<Solution>();
  for (std::size_t d = 0; d <= choices; ++d) {
    const double share = choices == 0 ? 0 : static_cast<double>(d) / static_cast<double>(choices);
    s->by_difference.push_back(model_.same * (1 - share) + model_.alike * std::exp(-2 * share) +
                               model_.level);
  }
  s->x.resize(static_cast<Index>(model_.coordinates.size()), n);
  for (Index i = 0; i < n; ++i)
    s->x.col(i) = coordinates_of(model_, model_.samples[static_cast<std::size_t>(i)]);
  MatrixXd covariance(n, n);
  for (Index i = 0; i < n; ++i)
    covariance.col(i) =
        s->covariance(s->x.col(i), model_, model_.samples[static_cast<std::size_t>(i)]);
  covariance.diagonal().array() += model_.noise;
  VectorXd values(n);
  for (Index i = 0; i < n; ++i) {
    const double value = model_.values[static_cast<std::size_t>(i)];
    values[i] = (model_.logarithm ? std::log(value) : value) - model_.centre;
  }
  MatrixXd inverse = covariance.llt().solve(MatrixXd::Identity(n, n));
  s->weights = inverse * values;
  s->slope = s->x * s->weights;
  s->left_out_variance = inverse.diagonal().cwiseInverse().mean();
  for (Index i = 0; i < n; ++i) {
    const double variance = 1 / inverse(i, i);
    left_out_.push_back(prediction(model_.centre + values[i] - s->weights[i] * variance, variance));
  }
  if (model_.samples.size() <= kSamplesWithOwnSpread) s->inverse = std::move(inverse);
  solution_ = std::move(s);
}

DevicePredictor::~DevicePredictor() = default;
DevicePredictor::DevicePredictor(DevicePredictor&&) noexcept = default;
DevicePredictor& DevicePredictor::operator=(DevicePredictor&&) noexcept = default;

Prediction DevicePredictor::prediction(double mean, double variance) const {
  const double stddev = model_.scale * std::sqrt(variance);
  if (!model_.logarithm) return {mean, stddev};
  const double value = std::exp(mean);
  return {value, value * stddev};
}

Prediction DevicePredictor::with_line(Prediction process, const Architecture& a) const {
  double& mean = process.mean;
  if (model_.line_share > 0)
    mean += model_.line_share * (model_.line(a, model_.cardinalities) - mean);
  mean = std::max(mean, model_.lowest);
  return process;
}

Prediction DevicePredictor::predict(const Architecture& a) const {
  const Solution& s = *solution_;
  const VectorXd x = coordinates_of(model_, a);
  double mean = model_.centre + x.dot(s.slope);
  VectorXd alike(s.weights.size());
  for (std::size_t i = 0; i < model_.samples.size(); ++i)
    alike[static_cast<Index>(i)] = s.by_difference[differences(model_.samples[i], a)];
  mean += alike.dot(s.weights);
  if (s.inverse.size() == 0) return with_line(prediction(mean, s.left_out_variance), a);
  const VectorXd k = alike + s.x.transpose() * x;
  const double own = x.squaredNorm() + s.by_difference[0];
  const double variance = std::max(own - k.dot(s.inverse * k), 0.0) + model_.noise;
  return with_line(prediction(mean, variance), a);
}

}  // namespace hwnas
