// What every CostModel owes its users, whatever the family. A new family joins by shipping a
// device file: cost_model_contract_test.cpp runs these over all of them.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <thread>
#include <vector>

#include "hw_models/cost_model.h"
#include "tests/hw_models/support.h"

namespace hwnas::testing {

inline void expect_sane(const Estimate& estimate, int batch) {
  ASSERT_TRUE(estimate.covered) << estimate.reason;
  EXPECT_EQ(estimate.fits, estimate.reason.empty());
  const Cost& cost = estimate.cost;
  double latency_s = 0, energy_j = 0;
  for (const LayerCost& row : cost.layers) {
    for (const double value : {row.latency_s, row.energy_j, row.traffic_bytes}) {
      EXPECT_TRUE(std::isfinite(value));
      EXPECT_GT(value, 0);
    }
    EXPECT_GE(row.macs, 0);
    EXPECT_GT(row.live_bytes, 0);
    EXPECT_LE(row.live_bytes, cost.peak_memory_bytes);
    latency_s += row.latency_s;
    energy_j += row.energy_j;
  }
  EXPECT_NEAR(cost.latency_s, latency_s, 1e-9 * latency_s);
  EXPECT_NEAR(cost.energy_j * batch, energy_j, 1e-9 * energy_j);
  EXPECT_GE(cost.throughput_per_s * cost.latency_s, batch * (1 - 1e-9));  // more: pipelined
  EXPECT_GT(cost.storage_bytes, 0);
  EXPECT_FALSE(std::isinf(cost.usd_per_million));
}

// All MACs of the network are in the rows, once.
inline void expect_all_macs(const CostModel& model, const Candidate& c) {
  std::int64_t sum = 0;
  for (const LayerCost& row : model.estimate(c).cost.layers) sum += row.macs;
  EXPECT_EQ(sum, macs(c.network) * c.deployment.batch);
}

// A conv net of the given width; widths in multiples of 64 fill the lanes and tiles of all devices.
inline Network wide_net(int channels, int weight_bits, int activation_bits) {
  NetworkBuilder b("wide", {64, 8, 8});
  int x = b.conv(0, {.channels = channels, .kernel = 3});
  x = b.activation(b.batch_norm(x), Activation::relu);
  x = b.conv(x, {.channels = channels, .kernel = 3, .groups = channels});
  b.linear(b.global_avg_pool(x), 10);
  return with_precision(std::move(b).build(), weight_bits, activation_bits);
}

inline void expect_monotonous(const CostModel& model, int weight_bits, int activation_bits) {
  Cost before = model.estimate(candidate(wide_net(64, weight_bits, activation_bits))).cost;
  for (const int channels : {128, 256, 512}) {
    const Cost now =
        model.estimate(candidate(wide_net(channels, weight_bits, activation_bits))).cost;
    EXPECT_GE(now.latency_s, before.latency_s) << channels;
    EXPECT_GT(now.energy_j, before.energy_j) << channels;
    EXPECT_GT(now.peak_memory_bytes, before.peak_memory_bytes) << channels;
    EXPECT_GT(now.storage_bytes, before.storage_bytes) << channels;
    before = now;
  }
}

inline void expect_slower_at_lower_clock(const CostModel& model, const Network& network) {
  double before = 0;
  for (const double share : {1.0, 0.8, 0.6, 0.4}) {
    const Estimate estimate = model.estimate(candidate(network, 1, share));
    expect_sane(estimate, 1);
    EXPECT_GE(estimate.cost.latency_s, before);
    before = estimate.cost.latency_s;
  }
}

// A batch takes no less time than one input and no more than as many of them, except that larger
// working sets may leave a cache: `slack`.
inline void expect_batch_scales(const CostModel& model, const Network& network, double slack) {
  const Cost one = model.estimate(candidate(network)).cost;
  for (const int batch : {2, 4, 8}) {
    const Estimate many = model.estimate(candidate(network, batch));
    expect_sane(many, batch);
    EXPECT_GE(many.cost.latency_s, one.latency_s);
    EXPECT_LE(many.cost.latency_s, batch * one.latency_s * slack);
    EXPECT_EQ(many.cost.storage_bytes, one.storage_bytes);
    // Less where images stream through one after the other.
    EXPECT_GE(many.cost.peak_memory_bytes, one.peak_memory_bytes);
    EXPECT_LE(many.cost.peak_memory_bytes, batch * one.peak_memory_bytes);
  }
}

// estimate() is const and thread-safe: eight threads see what one sees.
inline void expect_thread_safe(const CostModel& model, const Candidate& c) {
  const double expected = model.estimate(c).cost.energy_j;
  std::vector<double> seen(8);
  std::vector<std::thread> threads;
  for (double& value : seen) {
    threads.emplace_back([&model, &c, &value] {
      for (int i = 0; i < 50; ++i) value = model.estimate(c).cost.energy_j;
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const double value : seen) EXPECT_EQ(value, expected);
}

}  // namespace hwnas::testing
