#include "hw_models/families/systolic.h"

#include <gtest/gtest.h>

#include "hw_models/validation.h"
#include "space/input_error.h"
#include "tests/hw_models/support.h"

namespace hwnas {
namespace {

using testing::candidate;
using testing::kCited;
using testing::replaced;

// 4 x 4, 1 GHz, 1 pJ for each MAC, 1 pJ/bit at 8 KiB and three buffers of 8 KiB; DRAM at 1e9 B/s
// and 100 pJ/B; a vector unit of 1e9 elements/s at 1 pJ; 1 W static.
std::string small_array(const std::string& dataflow = "weight_stationary") {
  const std::string cited = kCited;
  return "description = \"test\"\nfamily = \"systolic\"\nconfidence = \"D\"\n"
         "[coverage]\nops = [\"conv\", \"linear\", \"attention\", \"activation\", \"add\", "
         "\"global_avg_pool\"]\nfused = [\"activation\"]\n" +
         cited +
         "[clock]\nhighest_hz = 1e9\nlowest_share = 0.2\nknee_share = 0.5\n"
         "knee_voltage_share = 0.5\n" +
         cited +
         "[[precisions]]\nweight_bits = 8\nactivation_bits = 8\nenergy_per_mac_j = 1e-12\n" +
         cited + "[array]\nrows = 4\ncolumns = 4\ndataflow = \"" + dataflow + "\"\n" + cited +
         "[sram]\nenergy_per_bit_at_8_kib_j = 1e-12\n" + cited +
         "[[sram.buffers]]\nname = \"in\"\nholds = [\"inputs\"]\nbytes = 8192\n"
         "[[sram.buffers]]\nname = \"w\"\nholds = [\"weights\"]\nbytes = 8192\n"
         "[[sram.buffers]]\nname = \"out\"\nholds = [\"outputs\"]\nbytes = 8192\n"
         "[dram]\nname = \"DRAM\"\nbytes = 1e6\nbytes_per_s = 1e9\nenergy_per_byte_j = 100e-12\n" +
         cited + "[vector]\nelements_per_s = 1e9\nenergy_per_element_j = 1e-12\n" + cited +
         "[runtime]\noverhead_per_kernel_s = 0\nbatch_highest = 4\n" + cited +
         "[power]\nstatic_w = 1\n" + cited;
}

Device array(const std::string& text) {
  return Device::parse(text, "array.toml");
}
Network gemm(const std::string& text) {
  return with_precision(*parse_gemm(text), 8, 8);
}
Cost cost_of(const std::string& text, const Network& network, int batch = 1, double clock = 1) {
  return array(text).model->estimate(candidate(network, batch, clock)).cost;
}
double cycles(const std::string& text, const Network& network) {
  return count(cost_of(text, network), "cycles");
}

TEST(Systolic, CyclesOfEachDataflow) {
  const Network n = gemm("gemm:10x6x9");
  // OS: cd(10,4) cd(6,4) (9 + 4 + 4 - 2) = 3 * 2 * 15.
  EXPECT_EQ(cycles(small_array("output_stationary"), n), 90);
  // WS: cd(9,4) cd(6,4) (10 + 8 + 4 - 2) = 3 * 2 * 20.
  EXPECT_EQ(cycles(small_array("weight_stationary"), n), 120);
  // IS: cd(9,4) cd(10,4) (6 + 8 + 4 - 2) = 3 * 3 * 16.
  EXPECT_EQ(cycles(small_array("input_stationary"), n), 144);
  EXPECT_EQ(cycles(small_array("best"), n), 90);
}

TEST(Systolic, SramWords) {
  const Cost ws = cost_of(small_array(), gemm("gemm:10x6x9"));
  EXPECT_EQ(count(ws, "sram_ifmap_reads_words"), 10 * 9 * 2);
  EXPECT_EQ(count(ws, "sram_filter_reads_words"), 9 * 6);
  EXPECT_EQ(count(ws, "sram_ofmap_writes_words"), 10 * 6 * 3);
  EXPECT_EQ(count(ws, "sram_partial_reads_words"), 10 * 6 * 2);
  EXPECT_NEAR(count(ws, "utilisation_share"), 540.0 / (120 * 16), 1e-12);
}

TEST(Systolic, EnergyAndTimeGolden) {
  // DRAM: 54 weights, 90 inputs, 60 outputs: 204 bytes, 204 ns > 120 cycles.
  // E = 540 MACs * 1 pJ + (180 + 54 + 60) words * 8 pJ + 2 * 120 partial words * 32 pJ
  //     + 204 * 100 pJ + 1 W * 204 ns.
  const Cost cost = cost_of(small_array(), gemm("gemm:10x6x9"));
  EXPECT_EQ(count(cost, "dram_bytes"), 204);
  EXPECT_NEAR(cost.latency_s, 204e-9, 1e-18);
  EXPECT_EQ(cost.bound, Bound::memory);
  EXPECT_NEAR(cost.energy_j, (540 + 294 * 8 + 240 * 32 + 20400 + 204000) * 1e-12, 1e-18);
  // Half the clock, half the voltage: 240 ns; a quarter on the chip, half static.
  const Cost half = cost_of(small_array(), gemm("gemm:10x6x9"), 1, 0.5);
  EXPECT_NEAR(half.latency_s, 240e-9, 1e-18);
  EXPECT_NEAR(half.energy_j, ((540 + 294 * 8 + 240 * 32) / 4.0 + 20400 + 120000) * 1e-12, 1e-18);
}

TEST(Systolic, EnergyFollowsTheRootOfABank) {
  const std::string text = replaced(small_array(), "holds = [\"inputs\"]\nbytes = 8192",
                                    "holds = [\"inputs\"]\nbytes = 65536\nbanks = 2");
  // 180 input words * 8 bit at sqrt(32 KiB / 8 KiB) = 2 pJ/bit instead of 1.
  EXPECT_NEAR(cost_of(text, gemm("gemm:10x6x9")).energy_j -
                  cost_of(small_array(), gemm("gemm:10x6x9")).energy_j,
              180 * 8e-12, 1e-18);
}

TEST(Systolic, DoubleBufferedWeights) {
  const std::string text =
      replaced(small_array(), "rows = 4", "weight_double_buffer = true\nrows = 4");
  // 6 folds of max(10, 4), and one fill of 2 * 4 + 4 - 2.
  EXPECT_EQ(cycles(text, gemm("gemm:10x6x9")), 70);
  // Accumulators for 6 rows: a fold is 6 and then max(4, 4) rows; the weights are read twice.
  const std::string chunks = replaced(text, "rows = 4", "accumulator_rows = 6\nrows = 4");
  const Cost cost = cost_of(chunks, gemm("gemm:10x6x9"));
  EXPECT_EQ(count(cost, "cycles"), 70);
  EXPECT_EQ(count(cost, "sram_filter_reads_words"), 108);
  // 7 rows for 8: the last row takes as long as loading the next tile.
  EXPECT_EQ(
      cycles(replaced(text, "rows = 4", "accumulator_rows = 7\nrows = 4"), gemm("gemm:8x4x4")),
      7 + 4 + 10);
}

TEST(Systolic, OperandThatDoesNotFitMakesTheOtherPassAgain) {
  // 200 x 200 weights and 100 x 200 inputs, 4096 bytes usable for each: weights first: 40 000 +
  // 20 000 * cd(40000, 4096) = 240 000; inputs first: 20 000 + 40 000 * cd(20000, 4096) = 220 000.
  EXPECT_EQ(count(cost_of(small_array(), gemm("gemm:100x200x200")), "dram_bytes"), 220000 + 20000);
  // One input row fits: everything moves once.
  EXPECT_EQ(count(cost_of(small_array(), gemm("gemm:1x200x200")), "dram_bytes"), 40000 + 200 + 200);
}

Network chain() {
  NetworkBuilder b("chain", {10, 1, 1});
  b.linear(b.linear(b.linear(0, 10, false), 10, false), 10, false);
  return with_precision(std::move(b).build(), 8, 8);
}

TEST(Systolic, WhatStaysOnTheChip) {
  // Three layers of 100 weights; 10 in, 10 out each.
  EXPECT_EQ(count(cost_of(small_array(), chain()), "dram_bytes"), 360);
  const std::string tensors = replaced(small_array(), "[[sram.buffers]]",
                                       "resident_activation_bytes = 20\n[[sram.buffers]]");
  EXPECT_EQ(count(cost_of(tensors, chain()), "dram_bytes"), 320);  // the network's own
  EXPECT_EQ(
      count(cost_of(replaced(tensors, "bytes_per_s", "network_io = false\nbytes_per_s"), chain()),
            "dram_bytes"),
      300);
  // Room for 250 weights: of the last layer, half streams in. It takes as long as it takes.
  const std::string weights = replaced(tensors, "resident_activation_bytes",
                                       "resident_weight_bytes = 250\nresident_activation_bytes");
  const Cost cost = cost_of(weights, chain());
  EXPECT_EQ(count(cost, "dram_bytes", 1), 10);
  EXPECT_EQ(count(cost, "dram_bytes", 3), 60);
  const Cost serial =
      cost_of(replaced(weights, "bytes_per_s", "overlapped = false\nbytes_per_s"), chain());
  // 3 layers * cd(10,4)^2 folds * (1 + 10) cycles, and 70 bytes.
  EXPECT_NEAR(serial.latency_s, (3 * 9 * 11 + 70) * 1e-9, 1e-18);
}

TEST(Systolic, WholeTilesComeFromDram) {
  const std::string text =
      replaced(small_array(), "bytes_per_s", "whole_tiles = true\nbytes_per_s");
  // 5 x 5 weights are four tiles of 16.
  EXPECT_EQ(count(cost_of(text, gemm("gemm:1x5x5")), "dram_bytes"), 64 + 5 + 5);
}

Network conv(int channels, int groups) {
  NetworkBuilder b("conv", {channels, 5, 5});
  b.conv(0, {.channels = channels, .kernel = 2, .pad = 0, .groups = groups});
  return with_precision(std::move(b).build(), 8, 8);
}

TEST(Systolic, DepthwiseFillsOneColumn) {
  // 8 groups of 16 x 4 x 1: 8 * (16 + 10) cycles for 8 * 64 MACs.
  EXPECT_EQ(cycles(small_array(), conv(8, 8)), 208);
  // A tile of 16 rows holds four groups on its diagonal: 2 * (16 + 2 * 16 + 4 - 2).
  const std::string packed =
      replaced(small_array(), "rows = 4\n", "packs_groups = true\nrows = 16\n");
  EXPECT_EQ(cycles(packed, conv(8, 8)), 100);
}

TEST(Systolic, RowsMayHoldTheDepthAlone) {
  // 2 channels, 2x2 kernel, k = 8: two folds of 4 rows; one for each position otherwise.
  EXPECT_EQ(cycles(small_array(), conv(2, 1)), 2 * 26);
  EXPECT_EQ(
      cycles(replaced(small_array(), "rows = 4", "kernel_positions_in_rows = false\nrows = 4"),
             conv(2, 1)),
      4 * 26);
}

TEST(Systolic, ArraysShareTheLargestPart) {
  const std::string text = replaced(small_array(), "rows = 4", "arrays = 2\nrows = 4");
  // n split: 3 folds of k, one of columns each: 3 * 20; m split: 6 * (5 + 10) = 90.
  const Cost cost = cost_of(text, gemm("gemm:10x6x9"));
  EXPECT_EQ(count(cost, "cycles"), 60);
  EXPECT_EQ(count(cost, "sram_ifmap_reads_words"), 180);
}

TEST(Systolic, BatchReadsWeightsOnce) {
  const Cost cost = cost_of(small_array(), gemm("gemm:5x6x9"), 2);
  EXPECT_EQ(count(cost, "cycles"), 120);
  EXPECT_EQ(count(cost, "dram_bytes"), 204);
  EXPECT_EQ(cost.layers[0].macs, 540);
}

TEST(Systolic, PrunedWeightsGainWhereTheFileSaysSo) {
  NetworkBuilder b("pruned", {9, 10, 1});
  b.set_weight_density(0.5);
  b.linear(0, 6, false);
  const Network n = with_precision(std::move(b).build(), 8, 8);
  EXPECT_EQ(cycles(small_array(), n), 120);
  const std::string rewarded =
      small_array() + "[sparsity]\nhighest_density = 0.5\nindex_bits = 2\n" + kCited;
  // k = ceil(4.5): two folds of rows instead of three; 27 of 54 bytes and an index each.
  EXPECT_EQ(cycles(rewarded, n), 80);
  EXPECT_EQ(cost_of(rewarded, n).storage_bytes, 34);  // 54 * 0.5 * 10/8
}

TEST(Systolic, OtherOpsRunOnTheVectorUnit) {
  NetworkBuilder b("add", {4, 4, 4});
  b.add({0, b.conv(0, {.channels = 4})});
  const Network n = with_precision(std::move(b).build(), 8, 8);
  const std::string text = replaced(small_array(), "bytes_per_s = 1e9", "bytes_per_s = 1e12");
  // 128 elements read; conv: 1 fold of 16 + 10 cycles.
  EXPECT_NEAR(cost_of(text, n).latency_s, (128 + 26) * 1e-9, 1e-18);
  EXPECT_NEAR(cost_of(text, n, 1, 0.5).latency_s, 2 * (128 + 26) * 1e-9, 1e-18);
}

TEST(Systolic, AttentionRunsBothProductsAndItsSoftmax) {
  NetworkBuilder b("attention", {8, 3, 1});
  b.attention(b.linear(0, 8, false), b.linear(0, 8, false), b.linear(0, 8, false), 2);
  const Network n = with_precision(std::move(b).build(), 8, 8);
  // Two heads, each 3x4x3 and 3x3x4: one fold of 13 cycles.
  const Cost cost = cost_of(small_array(), n);
  EXPECT_EQ(count(cost, "cycles", 4), 4 * 13);
  EXPECT_EQ(count(cost, "dram_bytes", 4), 4 * 24);
  EXPECT_EQ(cost.layers[3].macs, 4 * 36);
}

TEST(Systolic, BadFilesAreNamed) {
  const auto problem = [](const std::string& text) -> std::string {
    try {
      array(text);
    } catch (const InputError& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_NE(problem(small_array("weights"))
                .find("array.dataflow = 'weights': expected output_stationary, weight_stationary"),
            std::string::npos);
  EXPECT_NE(problem(replaced(small_array(), "\"outputs\"", "\"weights\""))
                .find("'weights' are in another buffer already"),
            std::string::npos);
  EXPECT_NE(problem(replaced(small_array(), "\"outputs\"", "\"partial_sums\""))
                .find("no [[sram.buffers]] holds outputs"),
            std::string::npos);
  EXPECT_NE(problem(replaced(small_array(), "\"outputs\"", "\"results\""))
                .find("expected of inputs, weights, outputs, partial_sums"),
            std::string::npos);
  EXPECT_NE(problem(replaced(small_array(), "rows = 4", "rows = 0")).find("array.rows = 0"),
            std::string::npos);
}

}  // namespace
}  // namespace hwnas
