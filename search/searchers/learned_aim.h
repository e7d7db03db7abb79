// LearnedAim: an objective or bound that only evaluation tells, as a surrogate sees it.
//
// The surrogate learns z = ln(min((y - best) / scale, 1.5) + 0.25): what is far from the best is of
// little interest, so that its differences shrink; scale is what lies between the best seen and the
// reference. Nothing beyond what was told is used. Not thread-safe.
//
// With rungs there is an aim for each, the cheapest below: z of the next is a line in that of the
// rung (rung_forecast.h) and a remainder, which is what its surrogate learns (Kennedy and O'Hagan
// 2000, doi:10.1093/biomet/87.1.1, with the recursion of Le Gratiet and Garnier 2014,
// doi:10.1615/Int.J.UncertaintyQuantification.2014006914). So the few trials that went on correct
// what many cheap looks say.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "search/expected_improvement.h"
#include "search/outlook.h"
#include "search/searchers/rung_forecast.h"

namespace hwnas {

class LearnedAim {
 public:
  // `values` as told, minimised and finite, one for each sample; at least one.
  LearnedAim(const Outlook& outlook, std::span<const Features> samples,
             std::span<const double> values, double reference);
  // The same over the aim of the rung below, `at_rung` being what these samples came to there.
  LearnedAim(const Outlook& outlook, std::span<const Features> samples,
             std::span<const double> values, double reference, std::unique_ptr<LearnedAim> below,
             std::span<const double> at_rung);

  std::vector<Belief> predict(std::span<const Features> samples) const;
  Marginal marginal(const Belief& belief) const;
  double expected(const Belief& belief) const;  // the value in the middle of the belief
  // Takes candidates that are on their way as if they had been told what is believed of them.
  void assume(std::span<const Features> samples, std::span<const Belief> beliefs);
  double probability_below(const Belief& belief, double bound) const;

 private:
  double scaled(double value) const;  // z

  double best_, scale_;
  std::unique_ptr<LearnedAim> below_;  // or nothing
  RungForecast line_;                  // from its z to ours
  std::unique_ptr<Surrogate> surrogate_;
};

}  // namespace hwnas
