// LearnedAim: an objective or bound that only evaluation tells, as a surrogate sees it.
//
// The surrogate learns z = ln(min((y - best) / scale, 1.5) + 0.25): what is far from the best is of
// little interest, so that its differences shrink; scale is what lies between the best seen and the
// reference. Nothing beyond what was told is used. Not thread-safe.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "search/expected_improvement.h"
#include "search/outlook.h"

namespace hwnas {

class LearnedAim {
 public:
  // `values` as told, minimised and finite, one for each sample; at least one.
  LearnedAim(const Outlook& outlook, std::span<const Features> samples,
             std::span<const double> values, double reference);

  std::vector<Belief> predict(std::span<const Features> samples) const {
    return surrogate_->predict(samples);
  }
  Marginal marginal(const Belief& belief) const;
  double expected(const Belief& belief) const;  // the value in the middle of the belief
  // Takes candidates that are on their way as if they had been told what is believed of them.
  void assume(std::span<const Features> samples, std::span<const Belief> beliefs);
  double probability_below(const Belief& belief, double bound) const;

 private:
  double best_, scale_;
  std::unique_ptr<Surrogate> surrogate_;
};

}  // namespace hwnas
