#include "hw_models/families/spatial.h"

#include <gtest/gtest.h>

#include "space/input_error.h"
#include "tests/hw_models/support.h"

namespace hwnas {
namespace {

using testing::candidate;
using testing::kCited;
using testing::replaced;

// 1 GHz, 1 pJ for each MAC; DRAM at 1e9 B/s and 100 pJ/B; 1 W static; then an array.
std::string spatial_file(const std::string& array) {
  const std::string cited = kCited;
  return "description = \"test\"\nfamily = \"spatial\"\nconfidence = \"D\"\n"
         "[coverage]\nops = [\"conv\", \"linear\", \"attention\", \"activation\", \"max_pool\"]\n"
         "fused = [\"activation\"]\n" +
         cited +
         "[clock]\nhighest_hz = 1e9\nlowest_share = 0.2\nknee_share = 0.5\n"
         "knee_voltage_share = 0.5\n" +
         cited +
         "[[precisions]]\nweight_bits = 8\nactivation_bits = 8\nenergy_per_mac_j = 1e-12\n" +
         cited + array +
         "[dram]\nname = \"DRAM\"\nbytes = 1e6\nbytes_per_s = 1e9\nenergy_per_byte_j = 100e-12\n" +
         cited + "[vector]\nelements_per_s = 1e9\nenergy_per_element_j = 1e-12\n" + cited +
         "[runtime]\noverhead_per_kernel_s = 0\nbatch_highest = 4\n" + cited +
         "[power]\nstatic_w = 1\n" + cited;
}

// Channels on two rows, filters on two columns; a buffer for everything at 2 pJ and 3 pJ a word;
// a register for a weight and one for a partial sum at 0.1 pJ and 0.2 pJ in every PE.
std::string tiled(const std::string& buffer_bytes = "1000") {
  const std::string cited = kCited;
  return spatial_file(
      "[array]\nrows = 2\ncolumns = 2\non_rows = [\"C\"]\non_columns = [\"M\"]\n" + cited +
      "[[levels]]\nname = \"buffer\"\nkeeps = [\"inputs\", \"weights\", \"outputs\"]\n"
      "loops = [\"M\", \"C\", \"P\", \"Q\"]\nbytes = " +
      buffer_bytes + "\nread_per_word_j = 2e-12\nwrite_per_word_j = 3e-12\nword_bits = 8\n" +
      cited +
      "[[levels]]\nname = \"registers\"\nkeeps = [\"weights\", \"outputs\"]\nin_pe = true\n"
      "read_per_word_j = 0.1e-12\nwrite_per_word_j = 0.2e-12\nword_bits = 8\n" +
      cited);
}

Device device(const std::string& text) {
  return Device::parse(text, "array.toml");
}
Network pointwise(int in, int out, int size, Activation activation = Activation::none) {
  NetworkBuilder b("one", {in, size, size});
  b.activation(b.conv(0, {.channels = out}), activation);
  return with_precision(std::move(b).build(), 8, 8);
}
Cost cost_of(const std::string& text, const Network& network, int batch = 1, double clock = 1) {
  return device(text).model->estimate(candidate(network, batch, clock)).cost;
}

TEST(SpatialTiles, CyclesAndAccessesGolden) {
  // 4 -> 4 channels at 2x2: 64 MACs on 4 PEs = 16 cycles. Weights: 4 to a PE, each once: 16 reads
  // of the buffer. Inputs: 16 MACs by 4 PEs, each input for 2 filters: 32 reads. Partial sums:
  // every MAC leaves its register as Q turns fastest: 64, summed over 2 rows: 32 updates of the
  // buffer, half of which (the second pass over the channels) are read back.
  const Cost cost = cost_of(tiled(), pointwise(4, 4, 2));
  EXPECT_EQ(count(cost, "cycles"), 16);
  EXPECT_EQ(count(cost, "active_pes"), 4);
  EXPECT_EQ(count(cost, "dram_words"), 16 + 16 + 16);
  EXPECT_EQ(count(cost, "glb_reads_words"), 16 + 32 + 16);
  EXPECT_EQ(count(cost, "glb_writes_words"), 16 + 16 + 32);  // fills, updates
  // Registers: a weight and a partial sum for each MAC, but for the 32 sums that begin at zero.
  EXPECT_EQ(count(cost, "pe_reads_words"), 64 + 32);
  EXPECT_EQ(count(cost, "pe_writes_words"), 16 + 64 + 16);
  // 48 ns of DRAM. E = 64 + 64 * 2 + 64 * 3 + 96 * 0.1 + 96 * 0.2 pJ + 48 * 100 pJ + 1 W * 48 ns.
  EXPECT_NEAR(cost.latency_s, 48e-9, 1e-18);
  EXPECT_NEAR(cost.energy_j, (64 + 320 + 28.8 + 4800 + 48000) * 1e-12, 1e-18);
  EXPECT_NEAR(count(cost, "energy_chip_j"), (64 + 320 + 28.8 + 48000) * 1e-12, 1e-18);
  // A quarter of the clock: 64 ns, V = 0.5.
  const Cost slow = cost_of(tiled(), pointwise(4, 4, 2), 1, 0.25);
  EXPECT_NEAR(slow.latency_s, 64e-9, 1e-18);
  EXPECT_NEAR(slow.energy_j, ((64 + 320 + 28.8) / 4 + 4800 + 32000) * 1e-12, 1e-18);
}

TEST(SpatialTiles, WhatDoesNotFillTheArrayIsRoundedUp) {
  // 3 channels on 2 rows: two rounds, of which one is half empty; 1 filter on 2 columns.
  const Cost cost = cost_of(tiled(), pointwise(3, 1, 2));
  EXPECT_EQ(count(cost, "cycles"), 2 * 4);
  EXPECT_EQ(count(cost, "active_pes"), 2);
  EXPECT_EQ(count(cost, "dram_words"), 12 + 3 + 4);
}

TEST(SpatialTiles, TilesThatDoNotFitAreHalved) {
  // 48 bytes are needed; with 40 the longest loop, of M, C, P, Q the first of two, M, runs at DRAM.
  // Weights and outputs come once, inputs twice or stay while M turns: they stay (8 weights + 16
  // inputs + 8 outputs = 32 bytes).
  const Cost cost = cost_of(tiled("40"), pointwise(4, 4, 2));
  EXPECT_EQ(count(cost, "cycles"), 16);
  EXPECT_EQ(count(cost, "dram_words"), 48);
  // 16 bytes: M and C at DRAM: 4 weights, 8 inputs, 8 outputs do not fit; P too: 4 + 4 + 4 do.
  // Outputs that stay while C turns: outputs 16, weights 16 twice (P), inputs 16 twice (M).
  EXPECT_EQ(count(cost_of(tiled("16"), pointwise(4, 4, 2)), "dram_words"), 16 + 32 + 32);
}

TEST(SpatialTiles, HaloIsReadAgain) {
  NetworkBuilder b("conv", {1, 6, 6});
  b.conv(0, {.channels = 1, .kernel = 3, .pad = 0});
  const Network n = with_precision(std::move(b).build(), 8, 8);
  const std::string text = replaced(tiled(), "\"P\", \"Q\"", "\"P 2\", \"Q\", \"R\", \"S\"");
  // Two tiles of 2x4 outputs read 4x6 inputs each; 9 weights stay.
  EXPECT_EQ(count(cost_of(text, n), "dram_words"), 2 * 24 + 9 + 16);
}

TEST(SpatialTiles, PrecisionScalesEnergyByBits) {
  const std::string text =
      tiled() +
      "[[precisions]]\nweight_bits = 16\nactivation_bits = 8\nenergy_per_mac_j = 1e-12\n"
      "macs_per_cycle_per_pe = 0.5\n" +
      kCited;
  const Cost cost = cost_of(text, with_precision(pointwise(4, 4, 2), 16, 8));
  EXPECT_EQ(count(cost, "cycles"), 32);
  EXPECT_EQ(cost.layers[0].traffic_bytes, 16 * 2 + 32);
  // Weights: 16 fills at 3 pJ and 16 reads at 2 pJ, twice as wide.
  EXPECT_NEAR(count(cost, "energy_glb_j"), (320 + 16 * 5) * 1e-12, 1e-18);
}

TEST(Spatial, ZerosSpareEnergyWhereTheFileSaysSo) {
  NetworkBuilder b("two", {4, 2, 2});
  b.conv(b.activation(b.conv(0, {.channels = 4}), Activation::relu), {.channels = 4});
  const Network n = with_precision(std::move(b).build(), 8, 8);
  const std::string text = tiled() + "[zeros]\nafter_relu_share = 0.5\n" + kCited;
  const Cost cost = cost_of(text, n);
  EXPECT_NEAR(count(cost, "energy_mac_j", 1), 64e-12, 1e-18);
  EXPECT_NEAR(count(cost, "energy_mac_j", 3), 32e-12, 1e-18);
  EXPECT_EQ(count(cost, "cycles", 3), 16);
  const std::string packed =
      replaced(text, "after_relu_share", "compressed_bits_per_nonzero = 12\nafter_relu_share");
  // 16 values of 8 bit are 8 of 12 bit.
  const Cost small = cost_of(packed, n);
  EXPECT_EQ(small.layers[0].traffic_bytes, 16 + 16 + 12);
  EXPECT_EQ(small.layers[1].traffic_bytes, 12 + 16 + 16);
}

TEST(Spatial, OutputsMayNotOverlap) {
  const std::string text =
      replaced(tiled(), "bytes_per_s", "outputs_overlapped = false\nbytes_per_s");
  // 32 bytes come in, 16 go out.
  EXPECT_NEAR(cost_of(text, pointwise(4, 4, 2), 1, 0.25).latency_s, (64 + 16) * 1e-9, 1e-18);
}

TEST(Spatial, AttentionAndPoolRun) {
  NetworkBuilder b("attention", {8, 3, 1});
  b.attention(b.linear(0, 8, false), b.linear(0, 8, false), b.linear(0, 8, false), 2);
  const Network n = with_precision(std::move(b).build(), 8, 8);
  // Heads of 4 channels: 3x3 of 4, then 3x4 of 3: cd(3,2) cd(4,2) 3 2 + cd(4,2) cd(3,2) 3 2.
  EXPECT_EQ(count(cost_of(tiled(), n), "cycles", 4), 48);
}

// 4 x 4 PEs; pads of 8 weights, 4 inputs, 4 sums; 2 words a cycle; a buffer of 200 bytes.
std::string row_stationary() {
  const std::string cited = kCited;
  return spatial_file("[array]\nrows = 4\ncolumns = 4\n" + cited +
                      "[row_stationary]\nfilter_words_per_pe = 8\ninput_words_per_pe = 4\n"
                      "sum_words_per_pe = 4\nbus_words_per_cycle = 2\nbuffer_bytes = 200\n"
                      "word_bits = 8\nscratch_pad_per_word_j = 1e-12\nnetwork_per_word_j = 2e-12\n"
                      "buffer_per_word_j = 6e-12\n" +
                      cited);
}

TEST(RowStationary, PassGolden) {
  NetworkBuilder b("conv", {2, 6, 6});
  b.conv(0, {.channels = 4, .kernel = 3, .pad = 0});
  const Network n = with_precision(std::move(b).build(), 8, 8);
  // Kernel 3: one slot; 4 output rows fill 3 x 4 PEs. Sums of 4 filters: 64 words; inputs of a
  // channel: 36 words, twice: (200 - 64) / 72 = 1 channel in the buffer. p = min(4, 8 / 3) = 2
  // filters in a PE: 2 groups of filters x 2 channels = 4 passes of
  // 4 columns x max(2 * 1 * 3, 2 * 4 / 2) + 2 * 9 / 2 + 6 rows x 3 + 2 * 4 / 2 = 24 + 31.
  const Cost cost = cost_of(row_stationary(), n);
  EXPECT_EQ(count(cost, "active_pes"), 12);
  EXPECT_EQ(count(cost, "cycles"), 4 * 55);
  // DRAM: 72 inputs, 72 weights, 64 outputs. Buffer: sums written 2 x 64, read 64; inputs written
  // once and read for each of 2 groups of filters.
  EXPECT_EQ(count(cost, "dram_words"), 208);
  EXPECT_EQ(count(cost, "glb_reads_words"), 64 + 144);
  EXPECT_EQ(count(cost, "glb_writes_words"), 128 + 72);
  // 1152 MACs: 4 accesses each, a hop for each 3 of them.
  EXPECT_NEAR(count(cost, "energy_pe_j"), (4 * 1152 + 2 * 384) * 1e-12, 1e-18);
  EXPECT_NEAR(count(cost, "energy_glb_j"), 408 * 6e-12, 1e-18);
}

TEST(RowStationary, PlanesWrapAndRepeat) {
  const auto active = [](int size, int kernel) {
    NetworkBuilder b("conv", {1, size, size});
    b.conv(0, {.channels = 8, .kernel = kernel, .pad = 0});
    const std::string large =
        replaced(row_stationary(), "buffer_bytes = 200", "buffer_bytes = 1e5");
    return count(cost_of(large, with_precision(std::move(b).build(), 8, 8)), "active_pes");
  };
  EXPECT_EQ(active(8, 1), 4 * 4);      // kernel 1: 4 slots, 8 rows wrap into two: 8 PEs, two sets
  EXPECT_EQ(active(2, 1), 2 * 8);      // two rows: four slots, two planes side by side
  EXPECT_EQ(active(4, 2), 2 * 3 * 2);  // three rows: two slots
  EXPECT_EQ(active(8, 5), 4 * 4);      // a kernel higher than the array folds
}

TEST(RowStationary, BatchReadsWeightsFewerTimes) {
  const Network n = pointwise(4, 4, 2);
  const Cost one = cost_of(row_stationary(), n), two = cost_of(row_stationary(), n, 2);
  EXPECT_EQ(count(one, "dram_words"), 48);
  EXPECT_EQ(count(two, "dram_words"), 16 + 64);
  EXPECT_LT(count(two, "cycles"), 2 * count(one, "cycles"));
}

TEST(Spatial, BadFilesAreNamed) {
  const auto problem = [](const std::string& text) -> std::string {
    try {
      device(text);
    } catch (const InputError& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_NE(problem(replaced(tiled(), "[\"C\"]", "[\"X\"]"))
                .find("array.on_rows = [ 'X' ]: 'X' is no loop; expected one of G, N, M, C, P, Q"),
            std::string::npos);
  EXPECT_NE(problem(replaced(tiled(), "\"P\"", "\"P 0\"")).find("'P 0' is no loop"),
            std::string::npos);
  EXPECT_NE(problem(replaced(tiled(), "\"P\"", "\"M\"")).find("'M' is given twice"),
            std::string::npos);
  EXPECT_NE(problem(replaced(tiled(), "\"weights\", \"outputs\"]\nin_pe", "\"sums\"]\nin_pe"))
                .find("expected of inputs, weights, outputs"),
            std::string::npos);
  EXPECT_NE(problem(replaced(replaced(tiled(), "in_pe = true\n", ""), "loops = [",
                             "in_pe = true\nloops = ["))
                .find("a shared level cannot lie below one in the PEs"),
            std::string::npos);
  EXPECT_NE(problem(replaced(tiled(), "read_per_word_j = 2e-12\n", "")).find("read_per_word_j"),
            std::string::npos);
  EXPECT_NE(problem(spatial_file("[array]\nrows = 2\ncolumns = 2\n" + std::string(kCited)))
                .find("levels: is missing"),
            std::string::npos);
}

}  // namespace
}  // namespace hwnas
