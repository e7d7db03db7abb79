#include "hw_models/power_cap.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace hwnas {
namespace {

constexpr int kPoints = 65;  // clock shares from the lowest to 1

// The clock's shares with their voltages, to invert the power by search and interpolation.
struct Steps {
  explicit Steps(const Clock& clock) {
    for (int i = 0; i < kPoints; ++i) {
      const double x = clock.lowest_share + (1 - clock.lowest_share) * i / (kPoints - 1);
      const double v = clock.voltage_share(x);
      share[at(i)] = x;
      voltage[at(i)] = v;
      activity[at(i)] = x * v * v;
    }
  }
  static std::size_t at(int i) { return static_cast<std::size_t>(i); }

  double under(double static_w, double dynamic_w, double cap_w) const {
    const auto power = [&](int i) {
      return static_w * voltage[at(i)] + dynamic_w * activity[at(i)];
    };
    if (power(kPoints - 1) <= cap_w) return 1;
    if (power(0) >= cap_w) return share[0];
    int low = 0, high = kPoints - 1;
    while (high - low > 1) {
      const int middle = (low + high) / 2;
      (power(middle) <= cap_w ? low : high) = middle;
    }
    const double part = (cap_w - power(low)) / (power(high) - power(low));
    return share[at(low)] + part * (share[at(high)] - share[at(low)]);
  }

  std::array<double, kPoints> share{}, voltage{}, activity{};
};

// Sum of squared relative errors of times and powers, with the best time_s for the rest.
class Misfit {
 public:
  Misfit(std::span<const CapObservation> observations, const Clock& clock)
      : observations_(observations), clock_(clock), steps_(clock) {
    for (const CapObservation& o : observations) top_w_ = std::max(top_w_, o.power_w);
  }

  // Parameters: static_w and dynamic_w over the highest power seen, and clock_time.
  PowerLaw law(const std::array<double, 3>& p) const {
    return {clock_, p[0] * top_w_, p[1] * top_w_, 0, p[2]};
  }
  double operator()(const std::array<double, 3>& p, double& time_s) const {
    const PowerLaw l = law(p);
    double sum = 0, squares = 0, power_error = 0;
    for (const CapObservation& o : observations_) {
      const double x = steps_.under(l.static_w, l.dynamic_w, o.cap_w);
      const double stretched = l.stretch(x) / o.time_s;
      sum += stretched;
      squares += stretched * stretched;
      const double error = l.mean_power_w(x) / o.power_w - 1;
      power_error += error * error;
    }
    time_s = sum / squares;
    // What is left of sum (time_s * stretched - 1)^2 at this time_s.
    const double time_error = static_cast<double>(observations_.size()) - sum * sum / squares;
    return time_error + power_error;
  }

 private:
  std::span<const CapObservation> observations_;
  const Clock& clock_;
  Steps steps_;
  double top_w_ = 0;
};

}  // namespace

double PowerLaw::busy_power_w(double clock_share) const {
  const double v = clock.voltage_share(clock_share);
  return static_w * v + dynamic_w * clock_share * v * v;
}

double PowerLaw::stretch(double clock_share) const {
  return std::sqrt(1 - clock_time + clock_time / (clock_share * clock_share));
}

double PowerLaw::mean_power_w(double clock_share) const {
  const double v = clock.voltage_share(clock_share);
  const double busy_share = std::sqrt(clock_time) / clock_share / stretch(clock_share);
  return static_w * v + dynamic_w * clock_share * v * v * busy_share;
}

double PowerLaw::time_at(double clock_share) const {
  return time_s * stretch(clock_share);
}

double PowerLaw::clock_share_under_cap(double cap_w) const {
  return Steps(clock).under(static_w, dynamic_w, cap_w);
}

CapObservation PowerLaw::under_cap(double cap_w) const {
  const double x = clock_share_under_cap(cap_w);
  return {cap_w, time_at(x), mean_power_w(x)};
}

PowerLaw fit_power_law(std::span<const CapObservation> observations, const Clock& clock) {
  if (observations.size() < 3)
    throw std::invalid_argument("a power law needs observations under at least three caps");
  for (const CapObservation& o : observations) {
    if (!(o.cap_w > 0 && o.time_s > 0 && o.power_w > 0))
      throw std::invalid_argument("caps, times and powers must be positive");
  }
  const Misfit misfit(observations, clock);
  constexpr int kGrid = 11, kRounds = 6;
  constexpr double kShrink = 1.3;  // half-width of the next grid, in steps of this one
  constexpr std::array<double, 3> kLow{0, 0.02, 0}, kHigh{1.3, 3, 1};
  std::array<double, 3> low = kLow, high = kHigh, best{};
  double least = std::numeric_limits<double>::infinity(), best_time_s = 0;
  for (int round = 0; round < kRounds; ++round) {
    std::array<double, 3> step{};
    for (std::size_t k = 0; k < 3; ++k) step[k] = (high[k] - low[k]) / (kGrid - 1);
    for (int i = 0; i < kGrid * kGrid * kGrid; ++i) {
      const std::array<double, 3> p{low[0] + step[0] * (i / (kGrid * kGrid)),
                                    low[1] + step[1] * (i / kGrid % kGrid),
                                    low[2] + step[2] * (i % kGrid)};
      double time_s = 0;
      const double error = misfit(p, time_s);
      if (error >= least) continue;
      least = error;
      best = p;
      best_time_s = time_s;
    }
    for (std::size_t k = 0; k < 3; ++k) {
      low[k] = std::max(kLow[k], best[k] - kShrink * step[k]);
      high[k] = std::min(kHigh[k], best[k] + kShrink * step[k]);
    }
  }
  PowerLaw law = misfit.law(best);
  law.time_s = best_time_s;
  return law;
}

std::optional<double> clock_share_under_cap(const CostModel& model, Candidate candidate,
                                            double lowest_share, double cap_w) {
  const auto fits = [&](double share) {
    candidate.deployment.clock_share = share;
    const Estimate e = model.estimate(candidate);
    return e.covered && e.cost.energy_j * candidate.deployment.batch <= cap_w * e.cost.latency_s;
  };
  if (fits(1)) return 1;
  if (!fits(lowest_share)) return std::nullopt;
  double low = lowest_share, high = 1;
  while (high - low > 1.0 / 256) {
    const double middle = (low + high) / 2;
    (fits(middle) ? low : high) = middle;
  }
  return low;
}

}  // namespace hwnas
