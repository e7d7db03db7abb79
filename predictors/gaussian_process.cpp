#include "predictors/gaussian_process.h"

#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <limits>

#include "predictors/feature_scale.h"

namespace hwnas {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

// Distances of every sample of `a` to every one of `b`.
struct Distances {
  MatrixXd numbers;  // squared, over the number of features
  MatrixXd choices;  // share that differ
};

using ManyChoices = std::vector<std::vector<std::uint8_t>>;

struct Hyperparameters {
  double choice_share = 0, choice_length = 0.3, radius = 0.6, noise = 1e-2;
};

constexpr std::array kShares{0.5};
constexpr std::array kLengths{0.3, 1.0, 4.0};
constexpr std::array kMixedRadii{0.3, 0.8};
constexpr std::array kRadii{0.15, 0.3, 0.6, 1.2, 2.4};
constexpr std::array kNoises{1e-3, 1e-2, 5e-2};
constexpr Eigen::Index kMostLikely = 128;  // samples by which hyperparameters are chosen

// Of every column of `a` to every column of `b`: |a - b|^2 over the number of rows.
MatrixXd number_distances(const MatrixXd& a, const MatrixXd& b) {
  MatrixXd d = -2.0 * a.transpose() * b;
  d.colwise() += a.colwise().squaredNorm().transpose();
  d.rowwise() += b.colwise().squaredNorm();
  return d.cwiseMax(0.0) / static_cast<double>(std::max<Eigen::Index>(1, a.rows()));
}

MatrixXd choice_distances(const ManyChoices& a, const ManyChoices& b) {
  MatrixXd d(static_cast<Eigen::Index>(a.size()), static_cast<Eigen::Index>(b.size()));
  for (std::size_t j = 0; j < b.size(); ++j) {
    for (std::size_t i = 0; i < a.size(); ++i) {
      int differ = 0;
      for (std::size_t g = 0; g < a[i].size(); ++g) differ += a[i][g] != b[j][g];
      d(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(j)) =
          differ / static_cast<double>(std::max<std::size_t>(1, a[i].size()));
    }
  }
  return d;
}

class GaussianProcess : public Predictor {
 public:
  GaussianProcess(std::span<const Features> population, const GaussianProcessOptions& options)
      : scale_(population), options_(options) {}

  std::string_view name() const override { return "gaussian_process"; }
  void fit(std::span<const Features> samples, std::span<const double> values) override;
  void assume(std::span<const Features> samples, std::span<const double> values) override;
  std::vector<Prediction> predict(std::span<const Features> samples) const override;

 private:
  MatrixXd scaled(std::span<const Features> samples) const;
  Distances to_samples(const MatrixXd& rows, const ManyChoices& choices) const;
  void add(std::span<const Features> samples, std::span<const double> values);
  void solve(const Distances& d);

  FeatureScale scale_;
  GaussianProcessOptions options_;
  std::vector<std::vector<std::uint8_t>> choices_;  // of the samples
  MatrixXd rows_;                                   // their scaled numbers, one column each
  std::vector<double> values_;
  double mean_ = 0, stddev_ = 1;
  Hyperparameters chosen_;
  Eigen::LLT<MatrixXd> factor_;
  VectorXd weights_;
  double variance_ = 1;  // of the process, in standardised units
};

MatrixXd GaussianProcess::scaled(std::span<const Features> samples) const {
  MatrixXd rows(static_cast<Eigen::Index>(scale_.size()),
                static_cast<Eigen::Index>(samples.size()));
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const std::vector<double> row = scale_(samples[i]);
    for (std::size_t j = 0; j < row.size(); ++j) {
      rows(static_cast<Eigen::Index>(j), static_cast<Eigen::Index>(i)) = row[j];
    }
  }
  return rows;
}

MatrixXd kernel(const Distances& d, const Hyperparameters& h) {
  MatrixXd k = (1 - h.choice_share) * (d.numbers.array() * (-0.5 / (h.radius * h.radius))).exp();
  if (h.choice_share > 0) {
    k.array() += h.choice_share * (d.choices.array() * (-1 / h.choice_length)).exp();
  }
  return k;
}

// Up to a constant, with the variance that makes it highest.
double log_likelihood(const MatrixXd& covariance, const VectorXd& target) {
  const Eigen::LLT<MatrixXd> factor(covariance);
  if (factor.info() != Eigen::Success) return -std::numeric_limits<double>::infinity();
  const auto n = static_cast<double>(target.size());
  const VectorXd half = factor.matrixL().solve(target);
  return -0.5 * n * std::log(std::max(half.squaredNorm() / n, 1e-12)) -
         factor.matrixLLT().diagonal().array().log().sum();
}

Distances GaussianProcess::to_samples(const MatrixXd& rows, const ManyChoices& choices) const {
  Distances d;
  d.numbers = number_distances(rows_, rows);
  if (options_.choices) d.choices = choice_distances(choices_, choices);
  return d;
}

// The grid: numbers alone, then both kinds of kernel.
std::vector<Hyperparameters> kernels(bool with_choices) {
  std::vector<Hyperparameters> all;
  for (const double radius : kRadii) all.push_back({.radius = radius});
  if (!with_choices) return all;
  for (const double share : kShares) {
    for (const double length : kLengths) {
      for (const double radius : kMixedRadii) {
        all.push_back({.choice_share = share, .choice_length = length, .radius = radius});
      }
    }
  }
  return all;
}

Hyperparameters most_likely(const Distances& d, const VectorXd& target, bool with_choices) {
  Hyperparameters best;
  double highest = -std::numeric_limits<double>::infinity();
  for (Hyperparameters h : kernels(with_choices)) {
    MatrixXd k = kernel(d, h);
    double diagonal = 0;
    for (const double noise : kNoises) {
      h.noise = noise;
      k.diagonal().array() += noise - diagonal;
      diagonal = noise;
      const double likelihood = log_likelihood(k, target);
      if (!(likelihood > highest)) continue;
      highest = likelihood;
      best = h;
    }
  }
  return best;
}

void GaussianProcess::add(std::span<const Features> samples, std::span<const double> values) {
  for (const Features& f : samples) choices_.push_back(f.choices);
  values_.insert(values_.end(), values.begin(), values.end());
  const MatrixXd added = scaled(samples);
  rows_.conservativeResize(added.rows(), rows_.cols() + added.cols());
  rows_.rightCols(added.cols()) = added;
}

void GaussianProcess::solve(const Distances& d) {
  const auto n = static_cast<Eigen::Index>(values_.size());
  const Eigen::Map<const VectorXd> y(values_.data(), n);
  const VectorXd target = (y.array() - mean_) / stddev_;
  factor_.compute(kernel(d, chosen_) + chosen_.noise * MatrixXd::Identity(n, n));
  weights_ = factor_.solve(target);
  variance_ = std::max(target.dot(weights_) / static_cast<double>(n), 1e-9);
}

void GaussianProcess::fit(std::span<const Features> samples, std::span<const double> values) {
  assert(!samples.empty() && samples.size() == values.size());
  if (scale_.size() == 0) scale_ = FeatureScale(samples);
  choices_.clear();
  values_.clear();
  rows_.resize(static_cast<Eigen::Index>(scale_.size()), 0);
  add(samples, values);
  const auto n = static_cast<Eigen::Index>(values_.size());
  const Eigen::Map<const VectorXd> y(values_.data(), n);
  mean_ = y.mean();
  stddev_ = std::sqrt((y.array() - mean_).square().mean());
  if (!(stddev_ > 0)) stddev_ = 1;
  const Distances all = to_samples(rows_, choices_);
  const Eigen::Index m = std::min(n, kMostLikely);
  const auto some = Eigen::VectorXi::LinSpaced(m, 0, static_cast<int>(n) - 1).eval();
  const VectorXd target = ((y.array() - mean_) / stddev_)(some);
  const auto part = [&](const MatrixXd& d) -> MatrixXd {
    return d.size() > 0 ? MatrixXd(d(some, some)) : d;
  };
  chosen_ = most_likely({part(all.numbers), part(all.choices)}, target, options_.choices);
  solve(all);
}

void GaussianProcess::assume(std::span<const Features> samples, std::span<const double> values) {
  add(samples, values);
  solve(to_samples(rows_, choices_));
}

std::vector<Prediction> GaussianProcess::predict(std::span<const Features> samples) const {
  ManyChoices choices;
  for (const Features& f : samples) choices.push_back(f.choices);
  const MatrixXd k = kernel(to_samples(scaled(samples), choices), chosen_);
  const VectorXd mean = k.transpose() * weights_;
  const MatrixXd half = factor_.matrixL().solve(k);
  std::vector<Prediction> predictions;
  for (Eigen::Index i = 0; i < mean.size(); ++i) {
    const double left = std::max(1 - half.col(i).squaredNorm(), 1e-9);
    predictions.push_back({mean_ + stddev_ * mean(i), stddev_ * std::sqrt(variance_ * left)});
  }
  return predictions;
}

}  // namespace

std::unique_ptr<Predictor> make_gaussian_process(std::span<const Features> population,
                                                 const GaussianProcessOptions& options) {
  return std::make_unique<GaussianProcess>(population, options);
}

}  // namespace hwnas
