#include "hw_models/families/analog.h"

#include <gtest/gtest.h>

#include "hw_models/device.h"
#include "tests/hw_models/support.h"

namespace hwnas {
namespace {

using testing::candidate;
using testing::kCited;
using testing::replaced;

// 4 arrays of 4 rows x 8 columns, cells of 2 bits, inputs in slices of 2 bits, read in 10 ns; 4
// ADCs at 1 ns and 0.1 pJ per bit. 1 pJ per row and slice, 1 fJ per cell, 0.05 pJ per conversion.
// Memory 1e9 B/s, 1 pJ/B; 2 pJ/B between arrays. No static power.
std::string small_analog() {
  const std::string cited = kCited;
  return R"(description = "test"
family = "analog"
confidence = "D"
[coverage]
ops = ["conv", "linear", "batch_norm", "activation", "add", "global_avg_pool", "flatten"]
fused = ["batch_norm", "activation"]
)" + cited +
         "[[precisions]]\nweight_bits = 4\nactivation_bits = 4\nadc_bits = 4\n" + cited +
         "[clock]\nhighest_hz = 1e8\nlowest_share = 0.5\nknee_share = 0.5\n"
         "knee_voltage_share = 0.8\n" +
         cited +
         "[array]\nrows = 4\ncolumns = 8\narrays = 4\ncell_bits = 2\nactive_rows = 4\n"
         "encoding = \"plain\"\ncopies = false\npipelined = false\n" +
         cited + "[input]\nlaw = \"levels\"\nslice_bits = 2\nread_s = 10e-9\n" +
         "energy_per_row_j = 1e-12\n" + cited + "[cell]\nenergy_per_read_j = 1e-15\n" + cited +
         "[adc]\nper_array = 4\nseconds_per_bit = 1e-9\nenergy_per_bit_j = 0.1e-12\n" + cited +
         "[digital]\nenergy_per_conversion_j = 0.05e-12\nnetwork_energy_per_byte_j = 2e-12\n" +
         cited +
         "[[memory]]\nname = \"SRAM\"\nbytes = 1000\nbytes_per_s = 1e9\n"
         "energy_per_byte_j = 1e-12\n" +
         cited + "[vector]\nelements_per_s = 1e9\nenergy_per_element_j = 1e-12\n" + cited +
         "[power]\nstatic_w = 0\n" + cited;
}

Device analog(const std::string& text = small_analog()) {
  return Device::parse(text, "imc.toml");
}

Network conv(int in, int out, int size, int kernel = 1, int groups = 1) {
  NetworkBuilder b("one", {in, size, size});
  b.conv(0, {.channels = out, .kernel = kernel, .groups = groups});
  return with_precision(std::move(b).build(), 4, 4);
}

Cost cost_of(const std::string& text, Network network, int batch = 1, double clock_share = 1) {
  return analog(text).model->estimate(candidate(std::move(network), batch, clock_share)).cost;
}

TEST(Analog, Golden) {
  // 6 -> 3 at one position. A weight takes 2 cells, a row holds 4 weights: 2 x 1 arrays. 2 slices
  // of 10 ns and ceil(8 / 4) * 4 bits * 1 ns: 36 ns.
  const Cost cost = cost_of(small_analog(), conv(6, 3, 1));
  EXPECT_NEAR(cost.latency_s, 36e-9, 1e-18);
  EXPECT_EQ(count(cost, "arrays"), 2);
  EXPECT_EQ(count(cost, "adc_conversions"), 3 * 2 * 2 * 2);  // outputs, cells, arrays, slices
  // 6 rows, 6 * 3 * 2 cells, 12 columns; each twice.
  EXPECT_NEAR(count(cost, "energy_input_j"), 12e-12, 1e-21);
  EXPECT_NEAR(count(cost, "energy_cells_j"), 72e-15, 1e-21);
  EXPECT_NEAR(count(cost, "energy_adc_j"), 12 * 2 * 0.4e-12, 1e-21);
  EXPECT_NEAR(count(cost, "energy_digital_j"), 12 * 2 * 0.05e-12, 1e-21);
  // 3 bytes in, 1.5 out at 1 pJ; 3 bytes and 3 partial sums of 4 bytes between arrays at 2 pJ.
  EXPECT_NEAR(count(cost, "energy_memory_j"), (4.5 + 2 * 15) * 1e-12, 1e-21);
  EXPECT_NEAR(cost.energy_j, (12 + 0.072 + 9.6 + 1.2 + 34.5) * 1e-12, 1e-21);
  EXPECT_EQ(cost.layers[0].bound, Bound::compute);
  EXPECT_EQ(cost.storage_bytes, 9);
}

TEST(Analog, ConversionMayOverlapReading) {
  const std::string text =
      replaced(small_analog(), "per_array = 4", "per_array = 4\noverlapped = true");
  EXPECT_NEAR(cost_of(text, conv(4, 4, 1)).latency_s, 2 * 10e-9, 1e-18);  // 8 ns hide behind 10
}

TEST(Analog, FewerActiveRowsTakeTurns) {
  const std::string text = replaced(small_analog(), "active_rows = 4", "active_rows = 2");
  const Cost cost = cost_of(text, conv(6, 3, 1));
  EXPECT_NEAR(cost.latency_s, 72e-9, 1e-18);
  EXPECT_EQ(count(cost, "adc_conversions"), 48);
  EXPECT_NEAR(count(cost, "energy_cells_j"), 72e-15, 1e-21);
}

TEST(Analog, Encodings) {
  const auto arrays = [](const char* encoding, int in, int out) {
    const std::string text =
        replaced(small_analog(), "\"plain\"", '"' + std::string(encoding) + '"');
    return count(cost_of(text, conv(in, out, 1)), "arrays");
  };
  EXPECT_EQ(arrays("plain", 4, 8), 2);                 // 4 weights in a row
  EXPECT_EQ(arrays("offset_column", 4, 8), 3);         // 7 columns are left: 3 weights
  EXPECT_EQ(arrays("differential_columns", 4, 8), 4);  // 2 weights
  EXPECT_EQ(arrays("differential_rows", 4, 8), 4);     // 2 x 2 arrays
}

TEST(Analog, SmallGroupsShareAnArray) {
  // Depthwise, 6 channels of 1 x 1: 4 of them lie in the 4 rows and 4 weights of one array.
  EXPECT_EQ(count(cost_of(small_analog(), conv(6, 6, 1, 1, 6)), "arrays"), 2);
  // 3 x 3: 9 rows, 3 arrays for each channel.
  EXPECT_EQ(count(cost_of(small_analog(), conv(2, 2, 3, 3, 2)), "arrays"), 6);
}

TEST(Analog, SpareArraysHoldCopies) {
  const std::string text = replaced(small_analog(), "copies = false", "copies = true");
  // One array of 4 for 16 positions: 3 spare ones make it 1 + floor(16 * 3 / 16) = 4 copies.
  const Cost cost = cost_of(text, conv(4, 4, 4));
  EXPECT_NEAR(cost.latency_s, 4 * 36e-9, 1e-18);
  EXPECT_EQ(count(cost, "arrays"), 4);
  EXPECT_NEAR(cost_of(small_analog(), conv(4, 4, 4)).latency_s, 16 * 36e-9, 1e-18);
}

TEST(Analog, PipelinedInputsFollowEachOther) {
  NetworkBuilder b("two", {4, 4, 4});
  b.conv(b.conv(0, {.channels = 4}), {.channels = 4, .stride = 4});
  const Network network = with_precision(std::move(b).build(), 4, 4);
  const std::string text = replaced(small_analog(), "pipelined = false", "pipelined = true");
  const Cost cost = cost_of(text, network);
  EXPECT_NEAR(cost.latency_s, 17 * 36e-9, 1e-18);
  EXPECT_NEAR(cost.throughput_per_s, 1 / (16 * 36e-9), 1);
}

TEST(Analog, MoreWeightsThanArrays) {
  // 8 -> 12: 2 x 3 arrays of 4.
  const Estimate estimate = analog().model->estimate(candidate(conv(8, 12, 2)));
  EXPECT_FALSE(estimate.fits);
  EXPECT_EQ(estimate.reason, "needs 6 arrays, imc has 4");
  const std::string text =
      small_analog() + "[reload]\nseconds_per_row = 5e-9\nenergy_per_cell_j = 1e-12\n" + kCited;
  const Estimate reloaded = analog(text).model->estimate(candidate(conv(8, 12, 2), 2));
  EXPECT_TRUE(reloaded.ok()) << reloaded.reason;
  // 2 images of 4 positions in 2 passes; 48 bytes of weights at 1e9 B/s beat 2 * 4 rows of 5 ns.
  // Inputs are fed for each of the 3 columns of arrays: 3 * 32 = 96 bytes,
  // 48 out, 2 * 96 partial sums of 4 bytes: 912 bytes at 1e9 B/s beat 8 * 2 * 36 ns = 576 ns.
  EXPECT_NEAR(reloaded.cost.latency_s, 912e-9 + 48e-9, 1e-17);
  EXPECT_NEAR(count(reloaded.cost, "energy_reload_j"), 48e-12 + 8 * 12 * 2 * 1e-12, 1e-20);
  EXPECT_EQ(reloaded.cost.layers[0].bound, Bound::memory);
}

TEST(Analog, PartialSumsThatDoNotFitTheBuffer) {
  const std::string text =
      replaced(
          small_analog() + "[reload]\nseconds_per_row = 0\nenergy_per_cell_j = 1e-12\n" + kCited,
          "bytes = 1000\n", "bytes = 40\n") +
      "[[memory]]\nname = \"DRAM\"\nbytes = 1000\nbytes_per_s = 1e8\n"
      "energy_per_byte_j = 10e-12\n" +
      kCited;
  // 8 -> 12 at 4 positions: 4 * 4 sums of 4 bytes wait for the second row of arrays, twice what the
  // buffer holds. 48 bytes of weights and 192 cells are written in each of two rounds.
  const Cost cost = cost_of(text, conv(8, 12, 2));
  EXPECT_NEAR(count(cost, "energy_reload_j"), 2 * (480e-12 + 192e-12), 1e-20);
  // 16 + 24 bytes of activations stay in the buffer: 3 * 16 + 24 + 2 * 192 bytes at 1e9 B/s.
  EXPECT_NEAR(cost.latency_s, 456e-9 + 2 * 480e-9, 1e-17);
}

TEST(Analog, ActivationsThatDoNotFit) {
  const Estimate estimate = analog().model->estimate(candidate(conv(4, 4, 20)));
  EXPECT_FALSE(estimate.fits);
  EXPECT_EQ(estimate.reason, "needs 1.56 KiB of SRAM, imc has 1000 B");
}

TEST(Analog, ClockAndVoltage) {
  // Half the clock: 72 ns, 0.64 of the arrays' 22.872 pJ; memory keeps its 34.5 pJ.
  const Cost cost = cost_of(small_analog(), conv(6, 3, 1), 1, 0.5);
  EXPECT_NEAR(cost.latency_s, 72e-9, 1e-18);
  EXPECT_NEAR(cost.energy_j, (0.64 * 22.872 + 34.5) * 1e-12, 1e-20);
}

TEST(Analog, ZeroWeightsDrawNothingAndKeepTheirCells) {
  NetworkBuilder b("one", {6, 1, 1});
  b.set_weight_density(0.25);
  b.conv(0, {.channels = 3});
  const Network network = with_precision(std::move(b).build(), 4, 4);
  const std::string text =
      small_analog() + "[sparsity]\nhighest_density = 1\nindex_bits = 0\n" + kCited;
  EXPECT_NEAR(count(cost_of(text, network), "energy_cells_j"), 72e-15 / 4, 1e-21);
  EXPECT_NEAR(count(cost_of(small_analog(), network), "energy_cells_j"), 72e-15, 1e-21);
  EXPECT_EQ(cost_of(text, network).storage_bytes, 9);
}

TEST(Analog, PulsesSplitIntoPhases) {
  AnalogArray array;
  array.rows = array.columns = array.active_rows = array.adcs = 256;
  array.cell_bits = 4;
  array.encoding = AnalogArray::Encoding::differential_rows;
  array.pulses = true;
  array.sign_bits = 1;
  array.read_s = array.slice_s = array.adc_bit_s = 0.3e-6;
  // 8 bits: 4 and 3 magnitude bits, 15 + 7 pulses, 10 and 10 - 4 ADC steps, 2 phases.
  EXPECT_NEAR(AnalogMvm(array, 4, 8, 10, 2).time_s, (22 + 16 + 2) * 0.3e-6, 1e-15);
  // 6 bits at once: 31 pulses, 8 steps, 1 phase.
  EXPECT_NEAR(AnalogMvm(array, 4, 6, 8, 1).time_s, (31 + 8 + 1) * 0.3e-6, 1e-15);
  // 1 bit: its sign is all there is; one pulse.
  EXPECT_NEAR(AnalogMvm(array, 4, 1, 3, 1).time_s, (1 + 3 + 1) * 0.3e-6, 1e-15);
}

TEST(Analog, GatesJoinCellsAndSlices) {
  AnalogArray array;
  array.rows = array.columns = array.active_rows = array.adcs = 8;
  array.slice_bits = 2;
  array.full_adder_j = 1;
  array.register_j = 0.5;
  array.sum_s = 100;
  array.carry_out_s = 10;
  array.carry_s = 1;
  array.cell_m2 = 1;
  array.full_adder_m2 = 2;
  array.adc_m2 = 100;
  // 8 cells, ADC of 6 bits: 6 * 7 + 8 * (3 - 0.5) = 62 adders; an accumulator of 4 + 6 + 8 = 18
  // bits.
  const AnalogMvm mvm(array, 8, 4, 6, 0);
  EXPECT_NEAR(mvm.output_j, 2 * (62 + 18 * 1.5), 1e-9);
  // Each slice: two of three levels of sums, then carries over 8 - 1 bits, and over 4 - 1 more.
  EXPECT_NEAR(mvm.time_s, 2 * (200 + 10 + 7 + 10 + 3), 1e-9);
  EXPECT_NEAR(mvm.area_m2, 64 + 8 * 100 * 64 + (62 + 18) * 2, 1e-9);
}

TEST(Analog, BadFiles) {
  const auto message = [](const std::string& from, const std::string& to) {
    try {
      analog(replaced(small_analog(), from, to));
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  const auto has = [&](const std::string& from, const std::string& to, const std::string& text) {
    const std::string got = message(from, to);
    EXPECT_NE(got.find(text), std::string::npos) << got;
  };
  has("\"plain\"", "\"diferential_rows\"", "did you mean 'differential_rows'");
  has("\"levels\"", "\"bits\"", "expected levels or pulses");
  has("active_rows = 4", "active_rows = 5", "array.active_rows = 5");
  has("weight_bits = 4", "weight_bits = 32", "8 columns cannot hold a weight of 16");
  has("\"add\"", "\"attention\"", "arrays hold weights, attention has none");
  has("read_s = 10e-9", "read_ns = 10", "input.read_s");
  has("adc_bits = 4", "adc_bits = 40", "adc_bits = 40");
}

}  // namespace
}  // namespace hwnas
