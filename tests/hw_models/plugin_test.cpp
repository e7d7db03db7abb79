// Plug-ins in a process of their own (tests/hw_models/plugins).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <fstream>

#include "hw_models/device.h"
#include "space/input_error.h"
#include "tests/hw_models/cost_model_contract.h"
#include "tests/hw_models/support.h"
#include "tests/scratch_folder.h"

namespace hwnas {
namespace {

using ::testing::AllOf;
using testing::candidate;
using ::testing::HasSubstr;

Device load(const std::string& library, const std::string& keys = "time_limit_s = 2\n") {
  const ScratchFolder folder;
  std::ofstream(folder / "chip.toml")
      << "description = \"test\"\nfamily = \"plugin\"\nconfidence = \"D\"\n[plugin]\nlibrary = \""
      << HWNAS_BIN_DIR << "/plugins/" << library << "\"\n"
      << keys << testing::kCited;
  return Device::load(folder / "chip.toml");
}

std::string message(const std::string& library) {
  try {
    load(library);
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

Candidate net(const std::string& name) {
  Network network = testing::wide_net(64, 8, 8);
  network.name = name;
  return candidate(std::move(network));
}

TEST(Plugin, HostilePluginsGiveReasons) {
  const Device device = load("hostile.so");
  const struct {
    const char *behaviour, *expected;
  } cases[] = {
      {"segfault", "'hostile.so' ended without an answer, killed by signal 11 (segmentation"},
      {"abort", "killed by signal 6 (aborted)"},
      {"exit", "ended without an answer, exit code 0"},
      {"loop", "gave no answer within 2 s"},
      {"throw", "the plug-in let an exception out: out of tune"},
      {"nan", "neither latency_s nor energy_j is known"},
      {"infinite", "latency_s is '\"infinite\"', not a number"},
      {"negative", "latency_s is -1, not from"},
      {"absurd", "latency_s is 1e-30, not from"},
      {"layers", "latency_s is 0.001, but its layers add up to 5"},
      {"words", "(aborted): the bus is on fire"},
      {"endless reason", "chip: "},
      {"no reason", "the plug-in returned 7"},
  };
  for (const auto& bad : cases) {
    const Estimate e = device.model->estimate(net(bad.behaviour));
    EXPECT_FALSE(e.covered) << bad.behaviour;
    EXPECT_THAT(e.reason, AllOf(HasSubstr("chip: "), HasSubstr(bad.expected))) << bad.behaviour;
    const Estimate good = device.model->estimate(net("good"));
    ASSERT_TRUE(good.ok()) << "after " << bad.behaviour << ": " << good.reason;
    EXPECT_EQ(good.cost.latency_s, 0.001);
  }
}

TEST(Plugin, WhatItPrintsIsNoAnswer) {
  const Device device = load("hostile.so");
  for (int i = 0; i < 3; ++i) {
    const Estimate e = device.model->estimate(net("chatter"));
    ASSERT_TRUE(e.ok()) << e.reason;
    EXPECT_EQ(e.cost.latency_s, 0.001);
  }
}

TEST(Plugin, ALibraryThatCannotBeUsedIsOneLineAtLoad) {
  EXPECT_THAT(message("no_such.so"), HasSubstr("no file "));
  EXPECT_THAT(message("no_symbol.so"), HasSubstr("exports no function hwnas_plugin()"));
  EXPECT_THAT(message("another_version.so"),
              HasSubstr("is built for version 99 of hwnas_plugin.h, this is version 1"));
  EXPECT_THAT(message("crash_at_load.so"), HasSubstr("killed by signal 6 (aborted)"));
  EXPECT_THAT(message("hang_at_load.so"), HasSubstr("gave no answer within 2 s"));
  EXPECT_THAT(message("../test_hw_models"), HasSubstr("cannot be loaded: "));
  for (const char* library : {"no_symbol.so", "crash_at_load.so"}) {
    EXPECT_THAT(message(library), HasSubstr("chip.toml:5: plugin.library = '")) << library;
    EXPECT_EQ(message(library).find('\n'), std::string::npos);
  }
}

// 64 MAC units at 200 MHz, 1 GB/s, 2 pJ per MAC, 50 pJ per byte, 50 mW. The first conv of wide_net:
// 64 x 64 x 9 x 64 = 2,359,296 MACs, 36,864 + 2 x 4,096 = 45,056 bytes; 184.32 us of arithmetic.
TEST(Plugin, TheExampleInC) {
  const Device device = load("my_chip.so");
  const Candidate c = net("wide");
  const Estimate e = device.model->estimate(c);
  ASSERT_TRUE(e.ok()) << e.reason;
  EXPECT_NEAR(
      e.cost.latency_s,
      [&] {
        double sum = 0;
        for (const LayerCost& row : e.cost.layers) sum += row.latency_s;
        return sum;
      }(),
      1e-12);
  ASSERT_EQ(e.cost.layers.size(), static_cast<std::size_t>(c.network.size() - 1));
  EXPECT_NEAR(e.cost.layers[0].latency_s, 184.32e-6, 1e-12);
  EXPECT_NEAR(e.cost.layers[0].energy_j, 2359296 * 2e-12 + 45056 * 50e-12 + 184.32e-6 * 0.05,
              1e-12);
  testing::expect_thread_safe(*device.model, c);
  testing::expect_all_macs(*device.model, c);
}

// As slow as the sum of its stages for one input, then as its slowest stage.
TEST(Plugin, TheExampleInCpp) {
  const Device device = load("my_fpga.so");
  const double one = device.model->estimate(net("wide")).cost.latency_s;
  Candidate c = net("wide");
  c.deployment.batch = 3;
  // The slowest stage: 2,359,296 MACs / 128 = 18,432 cycles of 150 MHz.
  EXPECT_NEAR(device.model->estimate(c).cost.latency_s, one + 2 * 18432 / 150e6, 1e-12);
  EXPECT_THAT(device.model->estimate(candidate(testing::zoo("resnet50", 8, 8))).reason,
              HasSubstr("chip: my_fpga has 4000000 bytes for weights, this needs 25"));
}

TEST(Plugin, AnswersThousandsASecond) {
  const Device device = load("my_chip.so");
  const Candidate c = candidate(testing::zoo("mobilenet_v2", 8, 8));
  constexpr int kCalls = 500;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < kCalls; ++i) ASSERT_TRUE(device.model->estimate(c).ok());
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  RecordProperty("calls_per_s", std::to_string(kCalls / took.count()));
  EXPECT_LT(took.count(), 10);
}

}  // namespace
}  // namespace hwnas
