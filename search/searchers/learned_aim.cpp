#include "search/searchers/learned_aim.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <utility>

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
    : LearnedAim(outlook, samples, values, reference, nullptr, {}) {}

LearnedAim::LearnedAim(const Outlook& outlook, std::span<const Features> samples,
                       std::span<const double> values, double reference,
                       std::unique_ptr<LearnedAim> below, std::span<const double> at_rung)
    : best_(*std::min_element(values.begin(), values.end())),
      scale_(std::isfinite(reference) ? reference - best_ : usual_span(values, best_)),
      below_(std::move(below)),
      surrogate_(outlook.surrogate(samples.size())) {
  if (!(scale_ > 0)) scale_ = std::max(std::fabs(best_), 1e-9);
  std::vector<double> targets, lower;
  for (const double y : values) targets.push_back(scaled(y));
  if (below_) {
    for (const double y : at_rung) lower.push_back(below_->scaled(y));
    line_ = rung_forecast(lower, targets);
    for (std::size_t i = 0; i < targets.size(); ++i) targets[i] -= line_(lower[i]);
  }
  surrogate_->fit(samples, targets);
}

double LearnedAim::scaled(double value) const {
  return std::log(std::clamp((value - best_) / scale_, 0.0, kFar) + kNear);
}

std::vector<Belief> LearnedAim::predict(std::span<const Features> samples) const {
  std::vector<Belief> beliefs = surrogate_->predict(samples);
  if (!below_) return beliefs;
  const std::vector<Belief> lower = below_->predict(samples);
  for (std::size_t i = 0; i < beliefs.size(); ++i) {
    beliefs[i].mean += line_(lower[i].mean);
    beliefs[i].stddev = std::hypot(beliefs[i].stddev, line_.slope * lower[i].stddev);
  }
  return beliefs;
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
  if (below_) {
    const std::vector<Belief> lower = below_->predict(samples);
    below_->assume(samples, lower);
    for (std::size_t i = 0; i < means.size(); ++i) means[i] -= line_(lower[i].mean);
  }
  surrogate_->assume(samples, means);
}

double LearnedAim::probability_below(const Belief& belief, double bound) const {
  if ((bound - best_) / scale_ >= kFar) return 1;
  return hwnas::probability_below(marginal(belief), bound);
}

}  // namespace hwnas
