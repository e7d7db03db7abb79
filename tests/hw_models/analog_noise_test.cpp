#include "hw_models/analog_noise.h"

#include <gtest/gtest.h>

#include <cmath>

#include "hw_models/device.h"
#include "tests/hw_models/support.h"

namespace hwnas {
namespace {

AnalogNoise pcm() {
  return *analog_noise(testing::shipped("pcm_64_core"), 8, 8);
}

AnalogNoise reram() {
  return *analog_noise(testing::shipped("neurram"), 4, 4);
}

TEST(AnalogNoise, ProgrammingOfPcm) {
  // 0.26348 + 1.9650 ghat - 1.1731 ghat^2 uS, ghat = g / 25 uS.
  EXPECT_NEAR(programming_sigma_s(pcm(), 0), 0.26348e-6, 1e-15);
  EXPECT_NEAR(programming_sigma_s(pcm(), 12.5e-6), 0.952705e-6, 1e-15);
  EXPECT_NEAR(programming_sigma_s(pcm(), 25e-6), 1.05538e-6, 1e-15);
}

TEST(AnalogNoise, DriftOfPcm) {
  // ghat 0.5: -0.0155 ln 0.5 + 0.0244 = 0.0351 and 0.0028, both below their lowest values.
  EXPECT_NEAR(drift_nu_mean(pcm(), 12.5e-6), 0.049, 1e-12);
  EXPECT_NEAR(drift_nu_deviation(pcm(), 12.5e-6), 0.008, 1e-12);
  // ghat 0.02: 0.0155 * 3.912023 + 0.0244 and 0.0125 * 3.912023 - 0.0059.
  EXPECT_NEAR(drift_nu_mean(pcm(), 0.5e-6), 0.0850364, 1e-7);
  EXPECT_NEAR(drift_nu_deviation(pcm(), 0.5e-6), 0.0430003, 1e-7);
  // (200 / 20)^-0.049.
  EXPECT_NEAR(drifted_s(pcm(), 12.5e-6, 180), 12.5e-6 * 0.8933055, 1e-12);
  EXPECT_EQ(drifted_s(pcm(), 12.5e-6, 0), 12.5e-6);
}

TEST(AnalogNoise, ReadOfPcm) {
  // 0.0088 / 0.5^0.65 = 0.0138085; sqrt(ln(200 s / 500 ns)) = 4.4505; of the drifted 11.1663 uS.
  EXPECT_NEAR(read_sigma_s(pcm(), 12.5e-6, 180), 0.686229e-6, 1e-11);
  // Nearly nothing programmed: the factor stops at 0.2.
  EXPECT_NEAR(read_sigma_s(pcm(), 1e-10, 0), 1e-10 * 0.2 * std::sqrt(std::log(20 / 5e-7)), 1e-16);
}

TEST(AnalogNoise, AllOfPcmAfterCompensation) {
  // Programming 0.952705; drift spread 12.5 * ln 10 * 0.008 = 0.230259; read over the mean decay
  // 0.686229 / 0.8933055 = 0.768191 uS.
  EXPECT_NEAR(conductance_sigma_s(pcm(), 12.5e-6, 180), 1.245305e-6, 2e-12);
}

TEST(AnalogNoise, ProgrammingOfReram) {
  // ghat 0.5: 0.348 + 8.015 - 10.96325 + 5.674125 - 1.0509375 and, after a day,
  // 0.701 + 11.043 - 12.69325 + 5.886875 - 1.028625.
  EXPECT_NEAR(programming_sigma_s(reram(), 20e-6, 1), 2.0229375e-6, 1e-15);
  EXPECT_NEAR(programming_sigma_s(reram(), 20e-6, 86400), 3.909e-6, 1e-15);
  EXPECT_NEAR(programming_sigma_s(reram(), 20e-6, std::sqrt(86400)), 2.96596875e-6, 1e-14);
  EXPECT_EQ(programming_sigma_s(reram(), 20e-6, 0), programming_sigma_s(reram(), 20e-6, 1));
  EXPECT_EQ(programming_sigma_s(reram(), 20e-6, 1e9), programming_sigma_s(reram(), 20e-6, 172800));
  EXPECT_EQ(drifted_s(reram(), 20e-6, 86400), 20e-6);
  EXPECT_EQ(read_sigma_s(reram(), 20e-6, 86400), 0);
}

TEST(AnalogNoise, LosslessBits) {
  EXPECT_EQ(lossless_adc_bits(128, 1, 2, true), 8);  // ISAAC
  EXPECT_EQ(lossless_adc_bits(128, 1, 2, false), 9);
  EXPECT_EQ(lossless_adc_bits(128, 2, 2, false), 11);
}

TEST(AnalogNoise, Weights) {
  AnalogNoise noise;
  EXPECT_EQ(weight_noise_to_signal(noise), 0);  // digital cells
  noise.g_max_s = 10e-6;
  noise.programming = {{0, {0.1e-6}}};
  noise.weight_rms_share = 0.5;
  EXPECT_NEAR(weight_noise_to_signal(noise), 0.02 * 0.02, 1e-12);  // 0.1 of 5 uS
  noise.devices_per_weight = 2;
  EXPECT_NEAR(weight_noise_to_signal(noise), 2 * 0.02 * 0.02, 1e-12);
  noise.read_share = 0.01;
  noise.stuck_off_share = 0.001;
  noise.stuck_on_share = 0.002;
  EXPECT_NEAR(weight_noise_to_signal(noise), 0.0008 + 0.0004 + 0.001 + 0.016, 1e-12);
}

TEST(AnalogNoise, Converters) {
  AnalogNoise noise;
  noise.weight_bits = noise.cell_bits = 4;
  noise.input_bits = noise.slice_bits = 2;
  noise.active_rows = 64;
  noise.weight_rms_share = noise.input_rms_share = 0.5;
  noise.adc_bits = 12;  // log2(64) + 2 + 4
  EXPECT_NEAR(converter_noise_to_signal(noise, 64), 1.0 / 16 / 12 / 0.25, 1e-12);
  // Two bits lost: steps of 4, 16 / 12 over 64 * (0.5 * 8)^2 * (0.5 * 4)^2.
  noise.adc_bits = 10;
  EXPECT_NEAR(converter_noise_to_signal(noise, 64), 1.0 / 48 + 16.0 / 12 / 4096, 1e-12);
  // Twice the rows: two conversions, twice the signal.
  EXPECT_NEAR(converter_noise_to_signal(noise, 128), 1.0 / 48 + 16.0 / 12 / 4096, 1e-12);
  // Cells and slices of half the bits, each of whose steps is 2^(6 + 1 + 2 - 1 - 6): the sum of
  // 4^0 + 4^2 over cells and of 4^0 + 4^1 over slices.
  noise.cell_bits = 2;
  noise.slice_bits = 1;
  noise.adc_bits = 6;
  EXPECT_NEAR(converter_noise_to_signal(noise, 64), 1.0 / 48 + 16.0 / 12 * 17 * 5 / 4096, 1e-12);
  // A range of 3 deviations: steps of 6 / 64; clipping loses 2 ((1 + 9) Q(3) - 3 phi(3)).
  noise.adc_range_deviations = 3;
  EXPECT_NEAR(converter_noise_to_signal(noise, 64),
              1.0 / 48 + 36.0 / 4096 / 12 + 2 * (10 * 1.349898e-3 - 3 * 4.431848e-3), 1e-8);
}

TEST(AnalogNoise, OfDevices) {
  EXPECT_FALSE(analog_noise(testing::shipped("stm32l4r5"), 8, 8).has_value());
  EXPECT_FALSE(analog_noise(testing::shipped("neurram"), 8, 8).has_value());
  const AnalogNoise isaac = *analog_noise(testing::shipped("isaac"), 16, 16);
  EXPECT_EQ(isaac.g_max_s, 0);
  EXPECT_EQ(isaac.cell_bits, 2);
  EXPECT_EQ(isaac.slice_bits, 1);
  EXPECT_EQ(isaac.adc_bits, 8);
  EXPECT_EQ(reram().active_rows, 128);  // pairs of rows
  // The count of the cost model is this one.
  const Device device = testing::shipped("pcm_64_core");
  const Cost cost =
      device.model->estimate(testing::candidate(testing::zoo("fc_autoencoder", 8, 8))).cost;
  EXPECT_NEAR(count(cost, "mvm_snr_db", cost.layers[0].layer),
              snr_db(mvm_noise_to_signal(pcm(), 640)), 1e-9);
  EXPECT_NEAR(snr_db(mvm_noise_to_signal(pcm(), 640)), 18, 1);
}

}  // namespace
}  // namespace hwnas
