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

}  // namespace
}  // namespace hwnas
