#include "predictors/gaussian_process.h"

#include <Eigen/Dense>
#include <algorithm>
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

struct Hyperparameters {
  double choice_share = 0, choice_length = 0.3, radius = 0.6, noise = 1e-2;
};

class GaussianProcess : public Predictor {
 public:
  GaussianProcess(std::span<const Features> population, const GaussianProcessOptions& options)
      : scale_(population), options_(options) {}

  std::string_view name() const override { return "gaussian_process"; }
  void fit(std::span<const Features> samples, std::span<const double> values) override;
  std::vector<Prediction> predict(std::span<const Features> samples) const override;

 private:
  MatrixXd scaled(std::span<const Features> samples) const;
  Distances distances(std::span<const Features> samples, const MatrixXd& rows) const;
  MatrixXd kernel(const Distances& distances, const Hyperparameters& h) const;
  double log_likelihood(const MatrixXd& covariance, const VectorXd& target);

  FeatureScale scale_;
  GaussianProcessOptions options_;
  std::vector<std::vector<std::uint8_t>> choices_;
  MatrixXd rows_;
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

Distances GaussianProcess::distances(std::span<const Features> samples,
                                     const MatrixXd& rows) const {
  const Eigen::Index n = rows_.cols(), m = rows.cols();
  Distances d;
  d.numbers = -2.0 * rows_.transpose() * rows;
  d.numbers.colwise() += rows_.colwise().squaredNorm().transpose();
  d.numbers.rowwise() += rows.colwise().squaredNorm();
  d.numbers =
      d.numbers.cwiseMax(0.0) / static_cast<double>(std::max<Eigen::Index>(1, rows_.rows()));
  d.choices = MatrixXd::Zero(n, m);
  if (options_.choice_share <= 0) return d;
  for (Eigen::Index j = 0; j < m; ++j) {
    const auto& b = samples[static_cast<std::size_t>(j)].choices;
    for (Eigen::Index i = 0; i < n; ++i) {
      const auto& a = choices_[static_cast<std::size_t>(i)];
      int differ = 0;
      for (std::size_t g = 0; g < a.size(); ++g) differ += a[g] != b[g];
      d.choices(i, j) = differ / static_cast<double>(std::max<std::size_t>(1, a.size()));
    }
  }
  return d;
}

MatrixXd GaussianProcess::kernel(const Distances& d, const Hyperparameters& h) const {
  MatrixXd k = (1 - h.choice_share) * (d.numbers.array() * (-0.5 / (h.radius * h.radius))).exp();
  if (h.choice_share > 0) {
    k.array() += h.choice_share * (d.choices.array() * (-1 / h.choice_length)).exp();
  }
  return k;
}

double GaussianProcess::log_likelihood(const MatrixXd& covariance, const VectorXd& target) {
  factor_.compute(covariance);
  if (factor_.info() != Eigen::Success) return -std::numeric_limits<double>::infinity();
  const auto n = static_cast<double>(target.size());
  const VectorXd half = factor_.matrixL().solve(target);
  const double variance = half.squaredNorm() / n;
  return -0.5 * n * std::log(std::max(variance, 1e-12)) -
         factor_.matrixLLT().diagonal().array().log().sum();
}

void GaussianProcess::fit(std::span<const Features> samples, std::span<const double> values) {
  assert(!samples.empty() && samples.size() == values.size());
  if (scale_.size() == 0) scale_ = FeatureScale(samples);
  const auto n = static_cast<Eigen::Index>(samples.size());
  choices_.clear();
  for (const Features& f : samples) choices_.push_back(f.choices);
  rows_ = scaled(samples);
  const Eigen::Map<const VectorXd> y(values.data(), n);
  mean_ = y.mean();
  stddev_ = std::sqrt((y.array() - mean_).square().mean());
  if (!(stddev_ > 0)) stddev_ = 1;
  const VectorXd target = (y.array() - mean_) / stddev_;
  const Distances d = distances(samples, rows_);
  double best = -std::numeric_limits<double>::infinity();
  Hyperparameters h;
  h.choice_share = options_.choice_share;
  for (const double length : {0.15, 0.3, 0.6}) {
    if (h.choice_share <= 0 && length != 0.3) continue;
    for (const double radius : {0.3, 0.6, 1.2}) {
      h.choice_length = length;
      h.radius = radius;
      const MatrixXd k = kernel(d, h);
      for (const double noise : {1e-3, 1e-2, 5e-2}) {
        h.noise = noise;
        const double likelihood = log_likelihood(k + noise * MatrixXd::Identity(n, n), target);
        if (likelihood > best) {
          best = likelihood;
          chosen_ = h;
        }
      }
    }
  }
  factor_.compute(kernel(d, chosen_) + chosen_.noise * MatrixXd::Identity(n, n));
  weights_ = factor_.solve(target);
  variance_ = std::max(target.dot(weights_) / static_cast<double>(n), 1e-9);
}

std::vector<Prediction> GaussianProcess::predict(std::span<const Features> samples) const {
  const MatrixXd k = kernel(distances(samples, scaled(samples)), chosen_);
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
