// Ridge: linear regression with a penalty on the weights, its strength chosen by leave-one-out.
//
// The left-out errors are exact and cost nothing beyond one eigendecomposition: residual / (1 -
// leverage) (Allen 1974, doi:10.1080/00401706.1974.10489157). The standard deviation is that of the
// Bayesian linear model with that penalty, its noise scaled so that the left-out intervals hold
// what they say (calibration() of accuracy.h).
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "predictors/predictor.h"

namespace hwnas {

// Fits of any number of targets on the same rows. Immutable after construction; thread-safe.
class RidgeRows {
 public:
  // Row by row; at least one row, and as many numbers as rows * columns.
  RidgeRows(std::span<const double> numbers, std::size_t columns);
  ~RidgeRows();
  RidgeRows(RidgeRows&&) noexcept;
  RidgeRows& operator=(RidgeRows&&) noexcept;

  struct Fit {
    std::vector<double> weights;  // one for each column
    double intercept = 0;
    double penalty = 0;
    std::vector<double> left_out;  // prediction of each row by a fit without it
    double left_out_error = 0;     // its mean square
    double noise = 0;              // standard deviation, calibrated
  };
  // The penalty that predicts left-out rows best; or this one.
  Fit fit(std::span<const double> targets) const;
  Fit fit(std::span<const double> targets, double penalty) const;

  // Variance of a prediction, as a multiple of the fit's squared noise: 1 and the weights' own.
  double variance(std::span<const double> row, double penalty) const;

 private:
  struct Spectrum;
  std::unique_ptr<const Spectrum> spectrum_;
};

struct RidgeOptions {
  bool choices = true;  // the choices beside the numbers, a column for each option
};

// `population`: samples of the space that scale the numbers; without any those fitted do.
std::unique_ptr<Predictor> make_ridge(std::span<const Features> population = {},
                                      const RidgeOptions& options = {});

}  // namespace hwnas
