// GaussianProcess: regression with an exact Gaussian process, for tens to hundreds of samples.
//
// Kernel: share * exp(-h / l) + (1 - share) * exp(-|a - b|^2 / (2 r^2 d)), h: share of choices that
// differ, d: number of scaled features; noise on the diagonal. Share, length, radius and noise are
// those of a small grid with the highest marginal likelihood (Rasmussen and Williams 2006, section 5.4),
// of at most 128 of the samples, evenly spaced. O(n^3) to fit, O(n^2) to predict one.
#pragma once

#include <memory>

#include "predictors/predictor.h"

namespace hwnas {

struct GaussianProcessOptions {
  bool choices = true;  // false: a kernel on numbers alone
};

// `population`: samples of the space that scale the features; without any those fitted do.
std::unique_ptr<Predictor> make_gaussian_process(std::span<const Features> population = {},
                                                 const GaussianProcessOptions& options = {});

}  // namespace hwnas
