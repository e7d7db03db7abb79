#include "predictors/ridge.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cassert>
#include <cmath>

#include "predictors/accuracy.h"
#include "predictors/feature_scale.h"
#include "predictors/one_hot.h"

namespace hwnas {
namespace {

using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr double kLowestPenalty = 1e-8, kHighestPenalty = 1e3;  // of the mean eigenvalue
constexpr int kPenaltiesOfDecade = 2;

Eigen::Map<const VectorXd> as_vector(std::span<const double> values) {
  return {values.data(), static_cast<Index>(values.size())};
}

std::vector<double> as_list(const VectorXd& vector) {
  return {vector.data(), vector.data() + vector.size()};
}

}  // namespace

struct RidgeRows::Spectrum {
  VectorXd mean;         // of the columns
  VectorXd eigenvalues;  // of the centred rows' second moments, those above rounding
  MatrixXd directions;   // columns x eigenvalues
  MatrixXd scores;       // rows x eigenvalues: the centred rows in these directions
};

RidgeRows::RidgeRows(std::span<const double> numbers, std::size_t columns) {
  const auto p = static_cast<Index>(columns);
  const auto n = static_cast<Index>(columns == 0 ? 0 : numbers.size() / columns);
  assert(n >= 1 && n * p == static_cast<Index>(numbers.size()));
  const Eigen::Map<const Rows> rows(numbers.data(), n, p);
  auto s = std::make_unique<Spectrum>();
  s->mean = rows.colwise().mean();
  const MatrixXd centred = rows.rowwise() - s->mean.transpose();
  MatrixXd moments = MatrixXd::Zero(std::min(n, p), std::min(n, p));
  if (n < p) {
    moments.selfadjointView<Eigen::Lower>().rankUpdate(centred);
  } else {
    moments.selfadjointView<Eigen::Lower>().rankUpdate(centred.transpose());
  }
  const Eigen::SelfAdjointEigenSolver<MatrixXd> solver(moments);
  const VectorXd& values = solver.eigenvalues();  // ascending
  const double least = 1e-11 * std::max(values.maxCoeff(), 0.0);
  Index kept = 0;
  while (kept < values.size() && values[values.size() - 1 - kept] > least) ++kept;
  s->eigenvalues = values.tail(kept);
  const MatrixXd vectors = solver.eigenvectors().rightCols(kept);
  if (n < p) {
    s->scores = vectors * s->eigenvalues.cwiseSqrt().asDiagonal();
    s->directions =
        centred.transpose() * vectors * s->eigenvalues.cwiseSqrt().cwiseInverse().asDiagonal();
  } else {
    s->directions = vectors;
    s->scores = centred * vectors;
  }
  spectrum_ = std::move(s);
}

RidgeRows::~RidgeRows() = default;
RidgeRows::RidgeRows(RidgeRows&&) noexcept = default;
RidgeRows& RidgeRows::operator=(RidgeRows&&) noexcept = default;

RidgeRows::Fit RidgeRows::fit(std::span<const double> targets, double penalty) const {
  const Spectrum& s = *spectrum_;
  const Index n = s.scores.rows();
  assert(static_cast<Index>(targets.size()) == n);
  const double mean = as_vector(targets).mean();
  const VectorXd centred = as_vector(targets).array() - mean;
  const VectorXd shrunk = (s.eigenvalues.array() + penalty).inverse();
  const VectorXd coordinates = shrunk.cwiseProduct(s.scores.transpose() * centred);
  const VectorXd residuals = centred - s.scores * coordinates;
  const VectorXd leverage = (s.scores.cwiseAbs2() * shrunk).array() + 1 / static_cast<double>(n);
  const VectorXd rest = (1 - leverage.array()).max(1e-9);
  const VectorXd left_out_errors = residuals.cwiseQuotient(rest);
  Fit fit;
  const VectorXd weights = s.directions * coordinates;
  fit.weights = as_list(weights);
  fit.intercept = mean - weights.dot(s.mean);
  fit.penalty = penalty;
  fit.left_out = as_list(as_vector(targets) - left_out_errors);
  fit.left_out_error = left_out_errors.cwiseAbs2().mean();
  fit.noise = calibration(as_list(residuals.cwiseQuotient(rest.cwiseSqrt())));
  if (n < 2) {  // nothing is left out
    fit.left_out_error = 0;
    fit.noise = std::fabs(mean);
  }
  return fit;
}

RidgeRows::Fit RidgeRows::fit(std::span<const double> targets) const {
  const Spectrum& s = *spectrum_;
  const double unit = s.eigenvalues.size() > 0 ? s.eigenvalues.mean() : 1;
  const double step = std::pow(10, 1.0 / kPenaltiesOfDecade);
  Fit best;
  for (double share = kHighestPenalty; share > kLowestPenalty * 0.99; share /= step) {
    Fit next = fit(targets, share * unit);
    if (best.weights.empty() || next.left_out_error < best.left_out_error) best = std::move(next);
    if (s.scores.rows() < 2) break;
  }
  return best;
}

double RidgeRows::variance(std::span<const double> row, double penalty) const {
  const Spectrum& s = *spectrum_;
  const VectorXd centred = as_vector(row) - s.mean;
  const VectorXd coordinates = s.directions.transpose() * centred;
  const double seen = (coordinates.array().square() / (s.eigenvalues.array() + penalty)).sum();
  const double unseen = std::max(0.0, centred.squaredNorm() - coordinates.squaredNorm());
  return 1 + 1 / static_cast<double>(s.scores.rows()) + seen + unseen / penalty;
}

namespace {

class Ridge final : public Predictor {
 public:
  Ridge(std::span<const Features> population, const RidgeOptions& options) : options_(options) {
    if (!population.empty()) scale_ = FeatureScale(population);
    scaled_ = !population.empty();
  }

  std::string_view name() const override { return "ridge"; }

  void fit(std::span<const Features> samples, std::span<const double> values) override {
    if (!scaled_) scale_ = FeatureScale(samples);
    options_seen_ = options_.choices ? OneHot(samples) : OneHot();
    std::vector<double> numbers;
    for (const Features& sample : samples) {
      const std::vector<double> row = row_of(sample);
      numbers.insert(numbers.end(), row.begin(), row.end());
    }
    rows_ = std::make_unique<RidgeRows>(numbers, numbers.size() / samples.size());
    fit_ = rows_->fit(values);
    double largest = 0;
    for (const double value : values) largest = std::max(largest, std::fabs(value));
    least_stddev_ = std::max(1e-9 * largest, 1e-300);
  }

  std::vector<Prediction> predict(std::span<const Features> samples) const override {
    std::vector<Prediction> predictions;
    predictions.reserve(samples.size());
    for (const Features& sample : samples) {
      const std::vector<double> row = row_of(sample);
      const double stddev = fit_.noise * std::sqrt(rows_->variance(row, fit_.penalty));
      const double mean = fit_.intercept + as_vector(row).dot(as_vector(fit_.weights));
      predictions.push_back({mean, std::max(stddev, least_stddev_)});
    }
    return predictions;
  }

 private:
  std::vector<double> row_of(const Features& sample) const {
    std::vector<double> row = scale_(sample);
    options_seen_.append(sample, row);
    row.push_back(0);  // never no column at all
    return row;
  }

  RidgeOptions options_;
  FeatureScale scale_;
  bool scaled_ = false;
  OneHot options_seen_;
  std::unique_ptr<RidgeRows> rows_;
  RidgeRows::Fit fit_;
  double least_stddev_ = 0;
};

}  // namespace

std::unique_ptr<Predictor> make_ridge(std::span<const Features> population,
                                      const RidgeOptions& options) {
  return std::make_unique<Ridge>(population, options);
}

}  // namespace hwnas
