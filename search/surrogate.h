// Surrogate: what a searcher needs of a model that learns an objective from trials.
//
// The model itself lives in predictors/; experiments/adapters/ joins the two. Deterministic. Not
// thread-safe.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "space/features.h"

namespace hwnas {

struct Belief {
  double mean = 0, stddev = 0;
};

class Surrogate {
 public:
  virtual ~Surrogate() = default;

  virtual void fit(std::span<const Features> samples, std::span<const double> values) = 0;
  // Adds samples with what is believed of them, without learning anything else anew.
  virtual void assume(std::span<const Features> samples, std::span<const double> values) = 0;
  virtual std::vector<Belief> predict(std::span<const Features> samples) const = 0;
};

}  // namespace hwnas
