// FeatureScale: feature numbers made comparable: zero mean and unit variance over a population.
// Numbers that are constant there, and repetitions of another, are dropped. Immutable; thread-safe.
#pragma once

#include <span>
#include <vector>

#include "space/features.h"

namespace hwnas {

class FeatureScale {
 public:
  FeatureScale() = default;
  explicit FeatureScale(std::span<const Features> population);

  std::size_t size() const { return kept_.size(); }
  std::vector<double> operator()(const Features& features) const;

 private:
  struct Kept {
    std::size_t index;
    double mean, inverse_stddev;
  };
  std::vector<Kept> kept_;
};

}  // namespace hwnas
