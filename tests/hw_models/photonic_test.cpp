// The photonic family: formulas by hand, operating points, and what its device files may not say.
#include "hw_models/families/photonic.h"

#include <gtest/gtest.h>

#include <cmath>

#include "hw_models/validation.h"
#include "space/input_error.h"
#include "tests/hw_models/support.h"

namespace hwnas {
namespace {

using testing::candidate;
using testing::replaced;
using testing::shipped;

Candidate gemm(const char* text, int bits = 4, double clock_share = 1) {
  return candidate(with_precision(*parse_gemm(text), bits, bits), 1, clock_share);
}

std::string text_of(const std::string& name) {
  return shipped(name).text;
}

std::string message(const std::string& text) {
  try {
    (void)Device::parse(text, "p.toml");
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

// 48 tokens of 24 channels to 60: N1 60, D 24, N2 48 -> blocks 5 x 2 x 4 = 40 on 8 cores: 5 cycles
// of 0.2 ns. Weights: ceil(60/48) = 2 fetches of 12*24*4 bit at 2^40/4 byte/s: 0.26 -> 1 cycle of 2
// ns.
TEST(Photonic, CyclesAndMemoryTime) {
  const Device device = shipped("lightening_transformer_b_as_published");
  const Cost cost = device.model->estimate(gemm("gemm:48x60x24")).cost;
  EXPECT_DOUBLE_EQ(count(cost, "cycles"), 5);
  EXPECT_NEAR(cost.latency_s, 4e-9, 1e-18);
  EXPECT_EQ(cost.bound, Bound::memory);
  // Sixteen times the tokens: 640 blocks, 80 cycles, 16 ns.
  const Cost more = device.model->estimate(gemm("gemm:768x60x24")).cost;
  EXPECT_NEAR(more.latency_s, 16e-9, 1e-18);
  EXPECT_EQ(more.bound, Bound::compute);
  // At half the clock 32 ns; memory keeps its pace.
  EXPECT_NEAR(device.model->estimate(gemm("gemm:768x60x24", 4, 0.5)).cost.latency_s, 32e-9, 1e-18);
  EXPECT_NEAR(device.model->estimate(gemm("gemm:48x60x24", 4, 0.5)).cost.latency_s, 4e-9, 1e-18);
}

// The same product. m1 = 60*24*4 = 5760 values of the first operand encoded, m2 = 5*48*24/4 = 1440
// of the second; sums are gathered over min(3, ceil(24/24)) = 1 cycle: 60*48*ceil(2/2) = 2880
// converted.
TEST(Photonic, EnergyByPart) {
  const Device device = shipped("lightening_transformer_b_as_published");
  const Cost cost = device.model->estimate(gemm("gemm:48x60x24")).cost;
  const double dac_w = 50e-3 * 4 / 32 * 5 / 14, adc_w = 14.8e-3 / 2 / 2;
  EXPECT_NEAR(count(cost, "energy_dac_j"), dac_w / 5e9 * 7200, 1e-18);
  EXPECT_NEAR(count(cost, "energy_modulator_j"), 2.8e-3 / 5e9 * 7200, 1e-18);
  EXPECT_NEAR(count(cost, "energy_adc_j"), adc_w / 5e9 * 2880, 1e-18);
  EXPECT_NEAR(count(cost, "energy_amplifier_j"), 3e-3 / 5e9 * 2880, 1e-18);
  EXPECT_NEAR(count(cost, "energy_detector_j"), 2.2e-3 / 5e9 * 60 * 48 * 2, 1e-18);
  EXPECT_NEAR(count(cost, "energy_laser_j"), 96.2615e-3 / 5e9 * 40, 1e-15);
  // Half a byte each: 60*24 weights from DRAM.
  EXPECT_NEAR(count(cost, "energy_dram_j"), 31.2e-12 * 720, 1e-18);
  // Bytes: registers 2(5760 + 1440 + 2880)/2, network 2880/2, tile buffers (5760 + 1440 + 1440 +
  // 1440
  // + 2880)/2, shared buffer (2880 + 1440 + 1440 + 1440)/2.
  EXPECT_NEAR(count(cost, "energy_memory_j"),
              0.0365e-12 * 10080 + 1e-12 * 1440 + 0.46e-12 * 6480 + 0.8275e-12 * 3600, 1e-18);
  double parts = 0;
  for (const Count& c : cost.counts)
    if (c.name.starts_with("energy_")) parts += c.value;
  EXPECT_NEAR(parts, cost.energy_j, 1e-12 * parts);
}

TEST(Photonic, PowerFollowsBitsAndClock) {
  const Device device = shipped("lightening_transformer_b");
  const auto power = [&](const char* part, int bits, double clock_share) {
    const Cost cost = device.model->estimate(gemm("gemm:48x60x24", bits, clock_share)).cost;
    return count(cost, part);
  };
  EXPECT_NEAR(power("power_laser_w", 8, 1) / power("power_laser_w", 4, 1), 16, 1e-9);
  EXPECT_NEAR(power("power_dac_w", 8, 1) / power("power_dac_w", 4, 1), 8, 1e-9);
  EXPECT_NEAR(power("power_adc_w", 8, 1) / power("power_adc_w", 4, 1), 2, 1e-9);
  EXPECT_NEAR(power("power_adc_w", 4, 0.5) / power("power_adc_w", 4, 1), 0.5, 1e-9);
  EXPECT_EQ(power("power_laser_w", 4, 0.5), power("power_laser_w", 4, 1));
  // (2^4 - 1)/255 of a flash converter instead of 4/8.
  const Device flash = Device::parse(
      replaced(text_of("lightening_transformer_b"), "\"sar\"", "\"flash\""), "flash.toml");
  const Cost cost = flash.model->estimate(gemm("gemm:48x60x24")).cost;
  EXPECT_NEAR(count(cost, "power_adc_w") / power("power_adc_w", 4, 1), 15.0 / 255 * 2, 1e-9);
}

// Rings hold 12 x 12 weights: ceil(60/12) * ceil(24/12) * 48 tokens = 480 on 8 cores: 60 cycles,
// times 4 where the input may be negative, times 2 where it may not.
TEST(Photonic, RingsTakeNonNegativeOperands) {
  const Device device = shipped("photonic_ring_bank");
  EXPECT_DOUBLE_EQ(count(device.model->estimate(gemm("gemm:48x60x24")).cost, "cycles"), 240);
  NetworkBuilder b("relu", {24, 48, 1});
  b.linear(b.activation(0, Activation::relu), 60, false);
  const Candidate c = candidate(with_precision(std::move(b).build(), 4, 4));
  EXPECT_DOUBLE_EQ(count(device.model->estimate(c).cost, "cycles"), 120);
}

TEST(Photonic, AMeshIsReprogrammedAndRunsNoAttention) {
  const Device device = shipped("photonic_mzi_mesh");
  const Cost cost = device.model->estimate(gemm("gemm:48x60x24")).cost;
  EXPECT_DOUBLE_EQ(count(cost, "cycles"), 60);
  // 5 x 2 blocks on 8 cores: programmed twice. 60 cycles of 0.2 ns.
  EXPECT_NEAR(cost.latency_s, 2 * 2e-6 + 12e-9, 1e-15);
  const Estimate estimate = device.model->estimate(candidate(testing::zoo("deit_tiny", 4, 4)));
  EXPECT_FALSE(estimate.covered);
  EXPECT_NE(estimate.reason.find("does not cover op"), std::string::npos) << estimate.reason;
  const Device listed = Device::parse(
      replaced(text_of("photonic_mzi_mesh"), "'conv'",
               "'conv', 'attention', 'embedding', 'tokens', 'select_token', 'layer_norm', "
               "'position_embedding'"),
      "mesh.toml");
  EXPECT_EQ(listed.model->estimate(candidate(testing::zoo("deit_tiny", 4, 4))).reason,
            "mesh holds weights and cannot run op 'attention' of layer 'body.1.attention', whose "
            "operands are both activations");
}

TEST(Photonic, KvCacheComesFromDram) {
  const Device device = shipped("lightening_transformer_b");
  const Estimate decode = device.model->estimate(candidate(testing::zoo("llama2_7b_decode", 4, 4)));
  ASSERT_TRUE(decode.ok()) << decode.reason;
  // Weights without the embedding's table, 4 bit each, and keys and values of 1024 tokens.
  const double bytes = (6738415616.0 - 32000 * 4096) / 2 + 32 * 2 * 4096 * 1024 / 2;
  EXPECT_GT(decode.cost.latency_s, bytes / 1.0995e12);
  EXPECT_EQ(decode.cost.bound, Bound::memory);
}

TEST(Photonic, BadFilesAreNamed) {
  const std::string good = text_of("lightening_transformer_b");
  EXPECT_NE(message(replaced(good, "\"crossbar\"", "\"crosbar\""))
                .find("core.kind = 'crosbar': no such optical core; did you mean 'crossbar'?"),
            std::string::npos);
  EXPECT_NE(message(replaced(good, "\"crossbar\"",
                             "\"ring_bank\"\nreprogram_s = 0\n"
                             "cell_static_w = 0"))
                .find("core.columns = 12: is 1 in a core that holds its weights"),
            std::string::npos);
  EXPECT_NE(message(replaced(good, "\"sar\"", "\"slow\""))
                .find("circuits.adc_kind = 'slow': expected \"sar\" or \"flash\""),
            std::string::npos);
  EXPECT_NE(message(replaced(good, "\"D\"", "\"B\""))
                .find("no photonic device has been measured as a whole"),
            std::string::npos);
  EXPECT_NE(message(replaced(good, "wall_plug_share = 0.2", "wall_plug_share = 20"))
                .find("laser.wall_plug_share"),
            std::string::npos);
}

}  // namespace
}  // namespace hwnas
