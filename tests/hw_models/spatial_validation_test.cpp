// Spatial arrays against Timeloop's reference outputs and against the Eyeriss chip.
#include <gtest/gtest.h>

#include <cmath>
#include <sstream>

#include "tests/hw_models/support.h"
#include "tests/shared_data.h"

namespace hwnas {
namespace {

using testing::candidate;
using testing::replaced;

// Layer 112x112x32 of three channels, 3x3, stride 2: the reference outputs' only one.
Cost reference_layer(const std::string& device, int bits) {
  NetworkBuilder b("layer", {3, 224, 224});
  b.conv(0, {.channels = 32, .kernel = 3, .stride = 2});
  return testing::shipped(device)
      .model->estimate(candidate(with_precision(std::move(b).build(), bits, bits)))
      .cost;
}

std::map<std::string, std::string> reference_row(const std::string& name) {
  for (const auto& row : testing::read_csv(testing::shared_path("timeloop_reference.csv")))
    if (row.at("case_path").find(name) != std::string::npos) return row;
  return {};
}

double level_fj(const std::map<std::string, std::string>& row, const std::string& level) {
  const std::string& text = row.at("energy_fJ_per_compute_by_level");
  return std::stod(text.substr(text.find(level + "=") + level.size() + 1));
}

TEST(SpatialValidation, EyerissLikeIsMetLevelByLevel) {
  HWNAS_NEEDS_SHARED("timeloop_reference.csv");
  const auto row = reference_row("eyeriss_like");
  const Cost cost = reference_layer("eyeriss_like_45nm", 8);
  const double macs = std::stod(row.at("computes"));
  EXPECT_EQ(static_cast<double>(cost.layers[0].macs), macs);
  EXPECT_EQ(count(cost, "cycles"), std::stod(row.at("cycles")));
  const auto expect_j = [&](const char* name, double fj, double tolerance) {
    EXPECT_NEAR(count(cost, name), fj * 1e-15 * macs, tolerance * fj * 1e-15 * macs) << name;
  };
  expect_j("energy_mac_j", level_fj(row, "mac"), 1e-4);
  expect_j("energy_pe_j",
           level_fj(row, "psum_spad") + level_fj(row, "weights_spad") + level_fj(row, "ifmap_spad"),
           2e-3);  // the reference adds leakage level by level, the model once
  expect_j("energy_glb_j", level_fj(row, "shared_glb"), 2e-3);
  expect_j("energy_dram_j", level_fj(row, "DRAM"), 1e-3);
  EXPECT_NEAR(cost.energy_j, std::stod(row.at("energy_fJ_per_compute_total")) * 1e-15 * macs,
              1e-3 * cost.energy_j);
}

TEST(SpatialValidation, SimpleWeightStationaryIsBehindIt) {
  HWNAS_NEEDS_SHARED("timeloop_reference.csv");
  const auto row = reference_row("simple_weight_stationary");
  const Cost cost = reference_layer("simple_weight_stationary", 16);
  const Cost eyeriss = reference_layer("eyeriss_like_45nm", 8);
  EXPECT_EQ(count(cost, "cycles"), std::stod(row.at("cycles")));
  EXPECT_GT(cost.energy_j, eyeriss.energy_j);
  EXPECT_GT(count(cost, "cycles"), count(eyeriss, "cycles"));
  const double macs = std::stod(row.at("computes"));
  EXPECT_NEAR(count(cost, "energy_dram_j"), level_fj(row, "DRAM") * 1e-15 * macs,
              0.01 * count(cost, "energy_dram_j"));
  // +23 %: a buffer access of 10 pJ by Horowitz's law is dearer than the reference's.
  EXPECT_NEAR(cost.energy_j / (std::stod(row.at("energy_uJ")) * 1e-6), 1.23, 0.01);
}

class EyerissChip : public ::testing::TestWithParam<int> {};

// Every layer with the share of zeros that its input had: the model takes one for all layers.
TEST_P(EyerissChip, Layer) {
  HWNAS_NEEDS_SHARED("eyeriss_chip.csv");
  const auto row = testing::read_csv(testing::shared_path("eyeriss_chip.csv"))
                       .at(static_cast<std::size_t>(GetParam() - 1));
  const auto number = [&row](const char* column) { return std::stod(row.at(column)); };
  const Device shipped = testing::shipped("eyeriss");
  std::ostringstream zeros;
  zeros << "after_relu_share = " << number("zeros_in_ifmap_pct") / 100;
  const Device device =
      Device::parse(replaced(shipped.text, "after_relu_share = 0.6", zeros.str()), "chip.toml");
  const Network network = testing::zoo("alexnet_grouped", 16, 16);
  const Cost cost = device.model->estimate(candidate(network, 4)).cost;
  const std::string name = "c" + std::to_string(GetParam()) + ".conv";
  int layer = 0;
  while (network.layer(layer).name != name) ++layer;
  const auto of = [&](const char* what) { return count(cost, what, layer); };
  LayerCost row_of_layer;
  for (const LayerCost& l : cost.layers)
    if (l.layer == layer) row_of_layer = l;
  const double latency_s = row_of_layer.latency_s;

  EXPECT_EQ(of("active_pes"), number("active_pes"));
  const double processing_ms = number("processing_latency_ms_per_batch");
  EXPECT_NEAR(of("cycles") / 200e3, processing_ms, 0.08 * processing_ms);
  const double total_ms = number("total_latency_ms_per_batch");
  EXPECT_NEAR(latency_s * 1e3, total_ms, 0.08 * total_ms);
  const double power_w = of("energy_chip_j") / latency_s;
  EXPECT_NEAR(power_w * 1e3, number("power_mW"), 0.15 * number("power_mW"));
  const double glb_mb = 2e-6 * (of("glb_reads_words") + of("glb_writes_words"));
  EXPECT_NEAR(glb_mb, number("glb_access_MB_per_batch"), 0.35 * glb_mb);
  const double dram_mb = row_of_layer.traffic_bytes * 1e-6;
  EXPECT_NEAR(dram_mb, number("dram_access_MB_per_batch"), 0.5 * dram_mb);
}
INSTANTIATE_TEST_SUITE_P(AlexNet, EyerissChip, ::testing::Range(1, 6));

}  // namespace
}  // namespace hwnas
