// Predictor: learns a number from samples, and says how sure it is of what it predicts.
//
// Deterministic: the same samples in the same order give the same predictions on one kind of
// machine. fit() may be called again with other samples and starts anew. predict() is const and
// thread-safe.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "space/features.h"

namespace hwnas {

struct Prediction {
  double mean = 0;
  double stddev = 0;  // of the value itself, its noise included
};

class Predictor {
 public:
  virtual ~Predictor() = default;

  virtual std::string_view name() const = 0;  // "gaussian_process"

  // As many values as samples, at least 1, all finite; the samples' features of one size.
  virtual void fit(std::span<const Features> samples, std::span<const double> values) = 0;
  // Adds samples without learning anything else anew, as for values that are only believed.
  // Predictors that cannot do so quickly leave it.
  virtual void assume(std::span<const Features> /*samples*/, std::span<const double> /*values*/) {}
  virtual std::vector<Prediction> predict(std::span<const Features> samples) const = 0;
};

}  // namespace hwnas
