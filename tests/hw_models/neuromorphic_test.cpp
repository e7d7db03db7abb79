#include "hw_models/families/neuromorphic.h"

#include <gtest/gtest.h>

#include <cmath>

#include "hw_models/device.h"
#include "tests/hw_models/support.h"

namespace hwnas {
namespace {

using testing::candidate;
using testing::kCited;
using testing::replaced;

// 4 cores of 8 neurons and 16 synapse bytes, each a tile; 5 steps, inputs spike at 0.5, neurons at
// 0.2. Synapse: dense 10 pJ, 1 ns; sparse 12 pJ, 2 ns; conv 8 pJ, 3 ns. Neuron: 1 pJ a step, 2 + 3
// pJ a spike; 4 ns a step, 5 ns a spike. Message 20 pJ, 6 ns; hop 1 pJ. Barrier 100 ns on a tile,
// 300 ns on 3. System: 1 mW, 50 ns a step, 1 us an inference. Static 2 mW.
std::string small_chip() {
  const std::string cited = kCited;
  return R"(description = "test"
family = "neuromorphic"
confidence = "D"
[coverage]
ops = ["conv", "linear", "max_pool", "global_avg_pool", "activation", "flatten"]
fused = ["activation"]
)" + cited +
         "[fallback]\nops = [\"softmax\"]\nelements_per_s = 1e9\nenergy_per_element_j = 1e-12\n" +
         cited +
         "[[precisions]]\nweight_bits = 4\nactivation_bits = 8\ndense_j = 10e-12\ndense_s = 1e-9\n"
         "sparse_j = 12e-12\nsparse_s = 2e-9\nconv_j = 8e-12\nconv_s = 3e-9\n" +
         cited +
         "[clock]\nhighest_hz = 1e8\nlowest_share = 0.5\nknee_share = 0.5\n"
         "knee_voltage_share = 0.8\n" +
         cited +
         "[cores]\ncores = 4\ncores_per_tile = 1\nneurons_per_core = 8\n"
         "synapse_bytes_per_core = 16\nstate_bytes_per_neuron = 4\nshares_kernels = true\n" +
         cited + "[coding]\ntime_steps = 5\nspike_rate = 0.2\ninput_rate = 0.5\n" + cited +
         "[neuron]\naccess_j = 1e-12\nupdate_j = 2e-12\nspike_j = 3e-12\nupdate_s = 4e-9\n"
         "spike_s = 5e-9\n" +
         cited + "[message]\nenergy_j = 20e-12\ntime_s = 6e-9\nhop_j = 1e-12\nhop_s = 0\n" + cited +
         "[barrier]\ntiles = [1, 3]\nseconds = [100e-9, 300e-9]\n" + cited +
         "[system]\npower_w = 1e-3\nseconds_per_step = 50e-9\nseconds_per_inference = 1e-6\n" +
         cited + "[power]\nstatic_w = 2e-3\n" + cited;
}

Device chip(const std::string& text = small_chip()) {
  return Device::parse(text, "spikes.toml");
}

Network linear(int in, int out, double density = 1) {
  NetworkBuilder b("one", {in, 1, 1});
  b.set_weight_density(density);
  b.linear(0, out, false);
  return with_precision(std::move(b).build(), 4, 8);
}

Cost cost_of(const std::string& text, Network network, double clock_share = 1) {
  return chip(text).model->estimate(candidate(std::move(network), 1, clock_share)).cost;
}

TEST(Neuromorphic, Golden) {
  // 4 -> 8: 32 weights of 4 bits are 16 bytes, one core. Of a step: 4 * 0.5 = 2 spikes in, 16
  // synops, 8 neurons, 1.6 spikes out; 32 + 16 + 12 + 8 = 68 ns, and 100 ns of barrier.
  const Cost cost = cost_of(small_chip(), linear(4, 8));
  EXPECT_NEAR(count(cost, "latency_events_s"), 5 * 168e-9, 1e-18);
  EXPECT_NEAR(count(cost, "latency_system_s"), 5 * 50e-9 + 1e-6, 1e-18);
  EXPECT_NEAR(cost.latency_s, 2.09e-6, 1e-16);
  EXPECT_EQ(count(cost, "synops"), 80);
  EXPECT_EQ(count(cost, "neuron_updates"), 40);
  EXPECT_EQ(count(cost, "messages"), 10);
  EXPECT_EQ(count(cost, "hops"), 0);
  EXPECT_EQ(count(cost, "cores"), 1);
  EXPECT_NEAR(count(cost, "energy_synapses_j"), 800e-12, 1e-21);
  EXPECT_NEAR(count(cost, "energy_neurons_j"), 5 * (8 + 1.6 * 5) * 1e-12, 1e-21);
  EXPECT_NEAR(count(cost, "energy_messages_j"), 200e-12, 1e-21);
  EXPECT_NEAR(count(cost, "energy_events_j"), 1080e-12, 1e-21);
  EXPECT_NEAR(count(cost, "energy_system_j"), 2.09e-9, 1e-19);
  EXPECT_NEAR(count(cost, "energy_static_j"), 4.18e-9, 1e-19);
  EXPECT_NEAR(cost.energy_j, (1.08 + 2.09 + 4.18) * 1e-9, 1e-19);
  EXPECT_EQ(cost.layers[0].bound, Bound::overhead);
  EXPECT_EQ(cost.peak_memory_bytes, 32);
  EXPECT_EQ(cost.storage_bytes, 16);
  EXPECT_EQ(cost.extrapolated[0], "every neuron is taken to spike 1.00 times an inference");
}

TEST(Neuromorphic, LayersRunAtTheSameTimeOnTheirCores) {
  // 4 -> 16 -> 2: 32 bytes on 2 cores, 16 on 1; 3 tiles: hops 2/3 sqrt(3).
  NetworkBuilder b("two", {4, 1, 1});
  b.linear(b.linear(0, 16, false), 2, false);
  const Cost cost = cost_of(small_chip(), with_precision(std::move(b).build(), 4, 8));
  EXPECT_EQ(count(cost, "cores"), 3);
  // First: 16 neurons, 32 synops, 2 spikes to 2 cores, 3.2 spikes out: (64 + 32 + 24 + 16) / 2
  // = 68. Second: 2 neurons, 3.2 * 2 = 6.4 synops, 3.2 messages, 0.4 spikes: 8 + 6.4 + 19.2 + 2
  // = 35.6 ns.
  EXPECT_NEAR(count(cost, "latency_events_s"), 5 * (68e-9 + 300e-9), 1e-17);
  EXPECT_NEAR(cost.layers[0].latency_s / cost.layers[1].latency_s, 68 / 35.6, 1e-9);
  EXPECT_NEAR(count(cost, "hops"), 5 * 7.2 * 2.0 / 3 * std::sqrt(3.0), 1e-9);
}

TEST(Neuromorphic, ConvsShareKernelsOrNot) {
  // 2 -> 2 channels of 2 x 2, 1 x 1: 4 weights, 2 bytes; without sharing 16 connections, 8 bytes.
  NetworkBuilder b("one", {2, 2, 2});
  b.conv(0, {.channels = 2});
  const Network network = with_precision(std::move(b).build(), 4, 8);
  const Cost cost = cost_of(small_chip(), network);
  EXPECT_EQ(cost.storage_bytes, 2);
  EXPECT_NEAR(count(cost, "energy_synapses_j"), 5 * 16 * 0.5 * 8e-12, 1e-21);
  const std::string text =
      replaced(small_chip(), "shares_kernels = true", "shares_kernels = false");
  EXPECT_EQ(cost_of(text, network).storage_bytes, 8);
}

TEST(Neuromorphic, SpikesGoToTheCoresThatTheyReach) {
  const auto messages = [](Network network) {
    return count(cost_of(small_chip(), with_precision(std::move(network), 4, 8)), "messages");
  };
  // 2 -> 2 channels of 4 x 4: 32 neurons on 4 cores of 2 x 2 places; 16 inputs a step spike.
  NetworkBuilder point("point", {2, 4, 4});
  point.conv(0, {.channels = 2});
  EXPECT_NEAR(messages(std::move(point).build()), 5 * 16 * 1, 1e-9);
  // 2 x 1 places of 3 x 1 windows would take (1 + 2 / 2) cores; so do two channels on two cores
  // each.
  NetworkBuilder wide("wide", {1, 4, 4});
  wide.conv(0, {.channels = 2, .kernel = 3, .kernel_w = 1});
  EXPECT_NEAR(messages(std::move(wide).build()), 5 * 8 * 2, 1e-9);
  // Depthwise: the cores of its own channel.
  NetworkBuilder depthwise("depthwise", {4, 2, 2});
  depthwise.conv(0, {.channels = 4, .kernel = 3, .groups = 4});
  EXPECT_NEAR(messages(std::move(depthwise).build()), 5 * 8 * 1, 1e-9);
}

TEST(Neuromorphic, SynapsesHoldMoreThanWeights) {
  const std::string text = replaced(small_chip(), "shares_kernels = true",
                                    "synapse_overhead_bits = 4\nshares_kernels = true");
  const Cost cost = cost_of(text, linear(4, 8));  // 32 synapses of 8 bits: 32 bytes
  EXPECT_EQ(count(cost, "cores"), 2);
  EXPECT_EQ(cost.storage_bytes, 32);
}

TEST(Neuromorphic, PrunedSynapses) {
  const std::string text =
      small_chip() + "[sparsity]\nhighest_density = 0.5\nindex_bits = 4\n" + kCited;
  // A quarter of 160 synops at 12 pJ; 8 of 32 weights with 4 bits of index: 8 bytes.
  const Cost cost = cost_of(text, linear(4, 8, 0.25));
  EXPECT_EQ(count(cost, "synops"), 20);
  EXPECT_NEAR(count(cost, "energy_synapses_j"), 240e-12, 1e-21);
  EXPECT_EQ(cost.storage_bytes, 8);
  EXPECT_EQ(count(cost_of(small_chip(), linear(4, 8, 0.25)), "synops"), 80);
}

TEST(Neuromorphic, RateAndStepsAreLinear) {
  const Cost once = cost_of(small_chip(), linear(4, 8));
  const Cost twice =
      cost_of(replaced(small_chip(), "input_rate = 0.5", "input_rate = 1"), linear(4, 8));
  EXPECT_EQ(count(twice, "synops"), 2 * count(once, "synops"));
  const Cost longer =
      cost_of(replaced(small_chip(), "time_steps = 5", "time_steps = 10"), linear(4, 8));
  EXPECT_NEAR(count(longer, "energy_events_j"), 2 * count(once, "energy_events_j"), 1e-21);
}

TEST(Neuromorphic, TickIsTheShortestStep) {
  const std::string text =
      replaced(small_chip(), "input_rate = 0.5", "input_rate = 0.5\ntick_s = 1e-3");
  EXPECT_NEAR(count(cost_of(text, linear(4, 8)), "latency_events_s"), 5e-3, 1e-15);
}

TEST(Neuromorphic, ClockAndVoltage) {
  const Cost cost = cost_of(small_chip(), linear(4, 8), 0.5);
  EXPECT_NEAR(count(cost, "latency_events_s"), 5 * 336e-9, 1e-17);
  EXPECT_NEAR(count(cost, "energy_events_j"), 0.64 * 1080e-12, 1e-21);
}

TEST(Neuromorphic, WhatDoesNotFit) {
  const Estimate estimate = chip().model->estimate(candidate(linear(8, 24)));
  EXPECT_FALSE(estimate.fits);
  EXPECT_EQ(estimate.reason, "needs 6 cores, spikes has 4");  // 96 bytes
}

TEST(Neuromorphic, WhatIsNotCovered) {
  const Estimate batch = chip().model->estimate(candidate(linear(4, 8), 2));
  EXPECT_EQ(batch.reason, "spikes runs one input at a time; the batch is 2");
  NetworkBuilder b("gelu", {4, 1, 1});
  b.activation(b.linear(0, 8, false), Activation::gelu);
  const Estimate gelu =
      chip().model->estimate(candidate(with_precision(std::move(b).build(), 4, 8)));
  EXPECT_FALSE(gelu.covered);
  EXPECT_EQ(gelu.reason, "spikes has neurons that stand for relu or relu6; layer 'gelu' is gelu");
}

TEST(Neuromorphic, SaysWhatIsNoSpikes) {
  NetworkBuilder b("soft", {1, 4, 4});
  b.unary(b.linear(b.unary(b.pool(0, Op::max_pool, 2, 2, 0), Op::flatten), 4, false), Op::softmax);
  const Cost cost = cost_of(small_chip(), with_precision(std::move(b).build(), 4, 8));
  ASSERT_EQ(cost.extrapolated.size(), 3u);
  EXPECT_EQ(cost.extrapolated[1], "maximum pooling is taken as average pooling");
  EXPECT_EQ(cost.extrapolated[2], "1 layer (softmax) run on the host of spikes");
  EXPECT_NEAR(cost.layers.back().latency_s, 4e-9, 1e-18);
}

TEST(Neuromorphic, BadFiles) {
  const auto has = [](const std::string& from, const std::string& to, const std::string& text) {
    try {
      chip(replaced(small_chip(), from, to));
      ADD_FAILURE() << "no error for " << to;
    } catch (const InputError& error) {
      EXPECT_NE(std::string(error.what()).find(text), std::string::npos) << error.what();
    }
  };
  has("tiles = [1, 3]", "tiles = [3, 1]", "barrier.tiles");
  has("seconds = [100e-9, 300e-9]", "seconds = [100e-9]", "expected one for each number of tiles");
  has("spike_rate = 0.2", "spike_rate = 2", "coding.spike_rate = 2");
  has("\"max_pool\"", "\"attention\"", "attention has none");
  has("hop_j = 1e-12", "hop_pj = 1", "message.hop_j");
}

}  // namespace
}  // namespace hwnas
