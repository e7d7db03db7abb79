// The models against published measurements: the rows of the device files, within the tolerance
// that each states, and rows that no constant was chosen with (HWNAS_SHARED_DATA).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "hw_models/validation.h"
#include "space/search_space.h"
#include "tests/hw_models/errors.h"
#include "tests/hw_models/published_networks.h"
#include "tests/hw_models/published_spaces.h"
#include "tests/hw_models/support.h"
#include "tests/shared_data.h"

namespace hwnas {
namespace {

using testing::candidate;

TEST(Validation, ShippedDevicesHoldTheirOwnRows) {
  int rows = 0;
  for (const std::string& name : testing::shipped_devices()) {
    const Device device = testing::shipped(name);
    for (const Validation& row : device.validation) {
      const auto gemm = parse_gemm(row.network);
      const Network network = gemm ? *gemm : testing::zoo(row.network, 32, 32);
      const Check result = check(device, row, network);
      EXPECT_TRUE(result.pass) << name << ' ' << row.network << ' ' << row.metric << ' '
                               << result.modelled << " against " << row.value << " of "
                               << row.source << ' ' << result.reason;
      ++rows;
    }
  }
  EXPECT_GE(rows, 9);
}

// Not independent: the efficiency shares of the device were chosen with these two rows in view.
TEST(Validation, MobileNetV2OnRaspberryPi4) {
  HWNAS_NEEDS_SHARED("mlperf_edge_mobilenets.csv");
  const Device device = testing::shipped("raspberry_pi_4");
  int rows = 0;
  for (const auto& row : testing::read_csv(testing::shared_path("mlperf_edge_mobilenets.csv"))) {
    if (row.at("system") != "rpi4-armnn-v22.11-neon" || row.at("family") != "mobilenet-v2" ||
        row.at("width_or_variant") != "1.0" || row.at("resolution") != "224") {
      continue;
    }
    const int bits = row.at("precision") == "int8" ? 8 : 32;
    const Network network = testing::zoo("mobilenet_v2", bits, bits);
    const double published_s = std::stod(row.at("latency_mean_ms")) * 1e-3;
    const double latency_s = device.model->estimate(candidate(network)).cost.latency_s;
    EXPECT_NEAR(latency_s / published_s, 0.86, 0.02);  // -14.4 % and -12.8 % when written
    ++rows;
  }
  EXPECT_EQ(rows, 2);
}

// Another runtime on the same board, whose KWS time equals X-CUBE-AI's; not used for the constants.
TEST(Validation, VisualWakeWordsOnStm32l4r5WithAnotherRuntime) {
  HWNAS_NEEDS_SHARED("mlperf_tiny.csv");
  const Network network = testing::zoo("mobilenet_v1_025_96", 8, 8);
  const double latency_s =
      testing::shipped("stm32l4r5").model->estimate(candidate(network)).cost.latency_s;
  int rows = 0;
  for (const auto& row : testing::read_csv(testing::shared_path("mlperf_tiny.csv"))) {
    if (row.at("benchmark") != "vww" || row.at("round") != "v1.1" ||
        row.at("submitter") != "bosch" || row.at("framework").find("HALE") == std::string::npos ||
        row.at("board").find("L4R5") == std::string::npos) {
      continue;
    }
    EXPECT_NEAR(latency_s / (std::stod(row.at("latency_ms")) * 1e-3), 1,
                0.1);  // -1.3 % when written
    ++rows;
  }
  EXPECT_GE(rows, 1);
}

TEST(Validation, MobileNetV1OnRaspberryPi4) {
  HWNAS_NEEDS_SHARED("mlperf_edge_mobilenets.csv");
  const Device device = testing::shipped("raspberry_pi_4");
  testing::Errors fp32, int8;
  for (const auto& row : testing::read_csv(testing::shared_path("mlperf_edge_mobilenets.csv"))) {
    if (row.at("system") != "rpi4-armnn-v22.11-neon" || row.at("family") != "mobilenet-v1")
      continue;
    const int bits = row.at("precision") == "int8" ? 8 : 32;
    const Network network = testing::mobilenet_v1(std::stod(row.at("width_or_variant")),
                                                  std::stoi(row.at("resolution")), bits);
    (bits == 8 ? int8 : fp32)
        .add(device.model->estimate(candidate(network)).cost.latency_s * 1e3,
             std::stod(row.at("latency_mean_ms")));
  }
  // Measured when written: 18.6 % (bias -6.0 %) and 15.9 % (bias -9.9 %). The board and runtime are
  // those of the two mobilenet_v2 rows that the efficiencies were chosen with.
  EXPECT_EQ(fp32.rows(), 16);
  EXPECT_EQ(int8.rows(), 16);
  EXPECT_LT(fp32.mape(), 0.20);
  EXPECT_LT(int8.mape(), 0.20);
}

// Cells without `none`, every 23rd row.
TEST(Validation, NasBench201OnRaspberryPi4) {
  HWNAS_NEEDS_SHARED("nb201_cifar10_devices.csv.gz");
  const SearchSpace space =
      SearchSpace::load(std::string(HWNAS_SOURCE_DIR) + "/space/spaces/nasbench201.toml");
  const Device pi = testing::shipped("raspberry_pi_4");
  testing::Errors pi_latency;
  int index = 0;
  for (const auto& row : testing::read_csv(testing::shared_path("nb201_cifar10_devices.csv.gz"))) {
    const std::string& text = row.at("arch_str");
    if (index++ % 23 || text.find("none") != std::string::npos) continue;
    Candidate cell = space.decode(testing::nasbench201_genotype(space, text));
    cell.network = *live(cell.network);
    pi_latency.add(pi.model->estimate(cell).cost.latency_s * 1e3,
                   std::stod(row.at("c10_raspi4_latency_ms")));
  }
  // A known miss, pinned so that a change shows: far too fast here, though it ranks cells well.
  // Threads and clock of the published runs are not stated.
  EXPECT_EQ(pi_latency.rows(), 165);
  EXPECT_NEAR(pi_latency.bias(), -0.65, 0.02);
  EXPECT_GT(pi_latency.spearman(), 0.94);
}

}  // namespace
}  // namespace hwnas
