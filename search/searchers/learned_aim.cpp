#include "search/searchers/learned_aim.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace hwnas {
namespace {

constexpr double kFar = 1.5;     // in units of the scale: all that is worse is alike
constexpr double kNear = 0.25;   // differences well below it are seen undistorted
constexpr double kMargin = 0.9;  // share of the values that the scale spans without a reference

double usual_span(std::span<const double> values, double best) {
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  const auto last = static_cast<double>(sorted.size() - 1);
  return sorted[static_cast<std::size_t>(kMargin * last)] - best;
}

}  // namespace

LearnedAim::LearnedAim(const Outlook& outlook, std::span<const Features> samples,
                       std::span<const double> values, double reference)
    : best_(*std::min_element(values.begin(), values.end())),
      scale_(std::isfinite(reference) ? reference - best_ : usual_span(values, best_)),
      surrogate_(outlook.surrogate(samples.size())) {
  if (!(scale_ > 0)) scale_ = std::max(std::fabs(best_), 1e-9);
  std::vector<double> targets;
  targets.reserve(values.size());
  for (const double y : values) {
    targets.push_back(std::log(std::min((y - best_) / scale_, kFar) + kNear));
  }
  surrogate_->fit(samples, targets);
}

// y = scale * exp(z) - (scale * near - best).
Marginal LearnedAim::marginal(const Belief& belief) const {
  return Marginal::log_normal(belief.mean + std::log(scale_), belief.stddev,
                              scale_ * kNear - best_);
}

double LearnedAim::expected(const Belief& belief) const {
  return best_ + scale_ * (std::exp(belief.mean) - kNear);
}

void LearnedAim::assume(std::span<const Features> samples, std::span<const Belief> beliefs) {
  std::vector<double> means;
  for (const Belief& belief : beliefs) means.push_back(belief.mean);
  surrogate_->assume(samples, means);
}

double LearnedAim::probability_below(const Belief& belief, double bound) const {
  if ((bound - best_) / scale_ >= kFar) return 1;
  return hwnas::probability_below(marginal(belief), bound);
}

}  // namespace hwnas
