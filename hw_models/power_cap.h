// Power caps: a cap on a device's power as an operating point.
//
// One workload, measured under several caps, follows four parameters (V of Clock, x the clock's
// share):
//   busy power  P(x) = static_w V + dynamic_w x V^2      cap L: x = the highest with P(x) <= L
//   time        t(x) = time_s sqrt((1 - a) + a / x^2)    of arithmetic sqrt(a)/x, overlapped by the
//   rest mean power       = static_w V + dynamic_w x V^2 * (arithmetic's share of the time)
// A governor holds the power of the busy time under the cap; at other times (waiting for data, for
// memory, for the host) only static power is drawn, so that the mean lies below the cap, and the
// more so the less the clock matters. Between a sum of both times, too sensitive to the clock near
// its top, and the longer of them, too little, the root of the sum of their squares was chosen on
// the traces that the tests use (Zeus, NSDI 2023), once for all their workloads. Fitted by least
// squares of relative errors on a grid that shrinks around its best point: no start values, no
// randomness. Free functions, thread-safe.
//
//   PowerLaw law = fit_power_law(observations, device_clock);   // one workload, some caps
//   double x = law.clock_share_under_cap(150);                  // then t = law.time_at(x), ...
//   double share = clock_share_under_cap(*device.model, candidate, 0.1, 150).value();
#pragma once

#include <optional>
#include <span>

#include "hw_models/device_file.h"

namespace hwnas {

// Of one workload under one cap. Power is the mean over the time.
struct CapObservation {
  double cap_w = 0, time_s = 0, power_w = 0;
};

struct PowerLaw {
  Clock clock;            // knee, voltage and lowest share
  double static_w = 0;    // at the highest voltage
  double dynamic_w = 0;   // busy, at the highest clock
  double time_s = 0;      // at the highest clock
  double clock_time = 0;  // a: how much of it the clock stretches, [0, 1]

  double busy_power_w(double clock_share) const;
  double mean_power_w(double clock_share) const;
  double stretch(double clock_share) const;  // of the time, 1 at the highest clock
  double time_at(double clock_share) const;
  double clock_share_under_cap(double cap_w) const;  // the lowest share where nothing is low enough
  CapObservation under_cap(double cap_w) const;      // predicted
};

// Of at least three caps; the fit is exact in nothing and defined for anything. Throws
// std::invalid_argument for fewer, or for figures that are not positive.
PowerLaw fit_power_law(std::span<const CapObservation> observations, const Clock& clock);

// The highest clock share, to 1/256, at which the model's mean power over a batch (energy over
// latency) is at most `cap_w`; nothing where none from `lowest_share` is, or where the device does
// not cover the candidate. Its own clock_share is ignored. About nine estimates.
std::optional<double> clock_share_under_cap(const CostModel& model, Candidate candidate,
                                            double lowest_share, double cap_w);

}  // namespace hwnas
