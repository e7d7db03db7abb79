// Power caps: the law by hand, the fit on its own predictions, and measured traces, each cap
// predicted from the other caps of its workload.
#include "hw_models/power_cap.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <stdexcept>

#include "tests/hw_models/support.h"
#include "tests/shared_data.h"

namespace hwnas {
namespace {

Clock clock_of(double knee_share, double lowest_share) {
  Clock clock;
  clock.highest_hz = 1e9;
  clock.lowest_share = lowest_share;
  clock.knee_share = knee_share;
  clock.knee_voltage_share = 0.7;
  return clock;
}

TEST(PowerCap, LawByHand) {
  const PowerLaw law{clock_of(0.5, 0.1), 40, 160, 10, 0.64};
  // At the knee V = 0.7: 40*0.7 + 160*0.5*0.49 = 67.2 W busy. Time sqrt(0.36 + 0.64*4) = 1.7088
  // times; arithmetic is 0.8/0.5/1.7088 = 0.93633 of it: 28 + 39.2*0.93633 W.
  EXPECT_NEAR(law.busy_power_w(0.5), 67.2, 1e-9);
  EXPECT_NEAR(law.time_at(0.5), 17.088, 1e-3);
  EXPECT_NEAR(law.mean_power_w(0.5), 64.704, 1e-3);
  // At full speed 200 W busy, 80 % of the time.
  EXPECT_NEAR(law.mean_power_w(1), 168, 1e-9);
  EXPECT_NEAR(law.clock_share_under_cap(67.2), 0.5, 5e-3);
  EXPECT_EQ(law.clock_share_under_cap(250), 1);
  EXPECT_EQ(law.clock_share_under_cap(20), 0.1);  // a cap below static power: the lowest clock
}

TEST(PowerCap, FitRecoversAlaw) {
  const Clock clock = clock_of(0.5, 0.1);
  const PowerLaw law{clock, 40, 260, 25, 0.6};
  std::vector<CapObservation> seen;
  for (double cap = 100; cap <= 300; cap += 25) seen.push_back(law.under_cap(cap));
  const PowerLaw fitted = fit_power_law(seen, clock);
  for (double cap = 80; cap <= 320; cap += 10) {
    const CapObservation expected = law.under_cap(cap), got = fitted.under_cap(cap);
    EXPECT_NEAR(got.time_s / expected.time_s, 1, 0.01) << cap;
    EXPECT_NEAR(got.power_w / expected.power_w, 1, 0.01) << cap;
  }
  seen.resize(2);
  EXPECT_THROW(fit_power_law(seen, clock), std::invalid_argument);
  seen.push_back({100, 0, 100});
  EXPECT_THROW(fit_power_law(seen, clock), std::invalid_argument);
}

TEST(PowerCap, ShareUnderACapOfADevice) {
  const Device device = testing::shipped("a100");
  const Candidate c = testing::candidate(testing::zoo("resnet50", 8, 8), 64);
  const auto power = [&](double share) {
    Candidate at = c;
    at.deployment.clock_share = share;
    const Cost cost = device.model->estimate(at).cost;
    return cost.energy_j * 64 / cost.latency_s;
  };
  const double cap = 0.5 * (power(0.3) + power(1));
  const auto share = clock_share_under_cap(*device.model, c, 0.15, cap);
  ASSERT_TRUE(share);
  EXPECT_LE(power(*share), cap);
  EXPECT_GT(power(*share + 1.0 / 128), cap);
  EXPECT_EQ(clock_share_under_cap(*device.model, c, 0.15, 1e6), 1);
  EXPECT_FALSE(clock_share_under_cap(*device.model, c, 0.15, 1));
  EXPECT_FALSE(clock_share_under_cap(*device.model,
                                     testing::candidate(testing::zoo("dscnn", 31, 31)), 0.15, 1e6));
}

// Mean absolute errors of time and power, of caps within a series and at its lower and upper end,
// and what the fit to all caps says of the best cap.
struct Traces {
  struct Mean {
    double time = 0, power = 0;
    int n = 0;
    void add(const CapObservation& got, const CapObservation& seen) {
      time += std::fabs(got.time_s / seen.time_s - 1);
      power += std::fabs(got.power_w / seen.power_w - 1);
      ++n;
    }
  };
  Mean within, lowest, highest;
  double saved_error = 0;  // of the share of energy saved at the best cap, in points of 1
  double regret = 0;       // energy at the cap that the law calls best, over that at the best
  int series = 0;
};

double energy(const CapObservation& o) {
  return o.time_s * o.power_w;
}

Traces evaluate(const std::string& file, const Clock& clock) {
  std::map<std::string, std::map<double, CapObservation>> all;
  for (const auto& row : testing::read_csv(testing::shared_path(file))) {
    const std::string name = row.at("dataset") + "/" + row.at("network") + "/" +
                             row.at("batch_size") + "/" + row.at("optimizer");
    const double cap = std::stod(row.at("power_limit"));
    all[name][cap] = {cap, std::stod(row.at("time_per_epoch")), std::stod(row.at("average_power"))};
  }
  Traces traces;
  for (const auto& [name, by_cap] : all) {
    if (by_cap.size() < 6) continue;
    std::vector<CapObservation> seen;
    for (const auto& [cap, observation] : by_cap) seen.push_back(observation);
    for (std::size_t i = 0; i < seen.size(); ++i) {
      std::vector<CapObservation> others = seen;
      others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
      const CapObservation got = fit_power_law(others, clock).under_cap(seen[i].cap_w);
      (i == 0                 ? traces.lowest
       : i == seen.size() - 1 ? traces.highest
                              : traces.within)
          .add(got, seen[i]);
    }
    const PowerLaw law = fit_power_law(seen, clock);
    std::size_t best = 0, modelled = 0;
    for (std::size_t i = 0; i < seen.size(); ++i) {
      if (energy(seen[i]) < energy(seen[best])) best = i;
      if (energy(law.under_cap(seen[i].cap_w)) < energy(law.under_cap(seen[modelled].cap_w)))
        modelled = i;
    }
    const double saved = 1 - energy(seen[best]) / energy(seen.back());
    const double predicted =
        1 - energy(law.under_cap(seen[modelled].cap_w)) / energy(law.under_cap(seen.back().cap_w));
    traces.saved_error += std::fabs(saved - predicted);
    traces.regret += energy(seen[modelled]) / energy(seen[best]) - 1;
    ++traces.series;
  }
  return traces;
}

void expect(const Traces::Mean& mean, double time, double power) {
  EXPECT_NEAR(mean.time / mean.n, time, 0.003);
  EXPECT_NEAR(mean.power / mean.n, power, 0.003);
}

// The bar: a cap between others within 5 % in time and 6 % in power. Lowest caps are extrapolations
// towards static power, where a watt decides between clocks: the times there are a miss.
TEST(PowerCapPublished, V100) {
  HWNAS_NEEDS_SHARED("gpu_power_cap_v100.csv");
  const Traces t = evaluate("gpu_power_cap_v100.csv", clock_of(0.55, 0.09));
  EXPECT_EQ(t.series, 68);
  expect(t.within, 0.021, 0.018);
  expect(t.lowest, 0.218, 0.027);
  expect(t.highest, 0.031, 0.028);
  EXPECT_NEAR(t.saved_error / t.series, 0.034, 0.002);
  EXPECT_NEAR(t.regret / t.series, 0.016, 0.003);
}

// The energy saved is 7 points off and not within 5: measured times stop falling above three
// quarters of the clock, where power goes on rising; where no cap binds the best measured cap is
// one of noise.
TEST(PowerCapPublished, A40) {
  HWNAS_NEEDS_SHARED("gpu_power_cap_a40.csv");
  const Traces t = evaluate("gpu_power_cap_a40.csv", clock_of(0.5, 0.12));
  EXPECT_EQ(t.series, 47);
  expect(t.within, 0.046, 0.024);
  expect(t.lowest, 0.211, 0.063);
  expect(t.highest, 0.058, 0.036);
  EXPECT_NEAR(t.saved_error / t.series, 0.073, 0.002);
  EXPECT_NEAR(t.regret / t.series, 0.022, 0.004);
}

}  // namespace
}  // namespace hwnas
