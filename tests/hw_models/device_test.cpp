#include "hw_models/device.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "space/input_error.h"
#include "tests/hw_models/support.h"
#include "tests/scratch_folder.h"

namespace hwnas {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::replaced;
using testing::small_cpu;
using testing::small_mcu;

std::string message(const std::string& text) {
  try {
    Device::parse(text, "d.toml");
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

struct BadFile {
  const char* from;
  const char* to;
  const char* expected;
};

TEST(DeviceFile, MistakesInAMicrocontroller) {
  const BadFile cases[] = {
      {"conv_per_mac = 2", "conv_per_mca = 2", "cycles.conv_per_mac: is missing"},
      {"per_layer = 100", "per_layer = 100\nper_elemnt = 1", "cycles.per_elemnt = 1: unknown key"},
      {"sram_bytes = 10240", "sram_kb = 10", "memory.sram_bytes: is missing"},
      {"sram_bytes = 10240", "sram_bytes = \"10 KiB\"", "expected a whole number"},
      {"sram_bytes = 10240", "sram_bytes = -1", "memory.sram_bytes = -1: expected a whole number"},
      {"highest_hz = 1e6", "highest_hz = 0", "clock.highest_hz = 0: expected a number from"},
      {"family = \"microcontroller\"", "family = \"microcontroler\"",
       "family = 'microcontroler': no such model family; did you mean 'microcontroller'?"},
      {"confidence = \"D\"", "confidence = \"E\"", "confidence = 'E': expected A (calibrated"},
      {"source = \"test\"", "", "coverage.source: is missing"},
      {"source = \"test\"", "source = \"\"", "is empty; say where these constants are from"},
      {"date = \"2024\"", "date = \"last year\"", "expected a date such as"},
      {"date = \"2024\"", "", "coverage.date: is missing"},
      {"\"linear\"", "\"liner\"", "no such op 'liner'; did you mean 'linear'?"},
      {"fused = [\"batch_norm\"", "fused = [\"softmax\"", "cannot fuse 'softmax'"},
      {"static_w = 1", "static_w = 4", "is a part of active_w and cannot exceed it"},
      {"knee_share = 0.5", "knee_share = 1", "is 1 where the knee is at the highest clock"},
      {"weight_bits = 8", "weight_bits = 64", "expected a whole number from 1 to 32"},
      {"[[precisions]]", "[[precision]]", "precisions: is missing; expected at least one"},
      {"description = \"test\"", "description = \"test\"\ncolour = 1", "colour = 1: unknown key"},
  };
  for (const BadFile& bad : cases) {
    EXPECT_THAT(message(replaced(small_mcu(), bad.from, bad.to)),
                AllOf(HasSubstr("d.toml:"), HasSubstr(bad.expected)))
        << bad.to;
  }
}

TEST(DeviceFile, UnknownKeySuggestsTheNearest) {
  const std::string text = replaced(small_mcu(), "static_w = 1", "static_w = 1\nstaticw = 1");
  EXPECT_THAT(message(text), HasSubstr("power.staticw = 1: unknown key"));
  const std::string wait =
      replaced(small_mcu(), "per_layer = 100", "per_layer = 100\nflash_wait_per_bite = 1");
  EXPECT_THAT(message(wait), HasSubstr("did you mean 'flash_wait_per_byte'?"));
}

TEST(DeviceFile, MistakesInACpu) {
  const BadFile cases[] = {
      {"bytes = 1000000", "bytes = 1000", "levels go from the smallest to the largest"},
      {"conv_share = 1", "conv_share = 1.5", "efficiency.conv_share = 1.5: expected a number"},
      {"cores = 2", "cores = 0", "compute.cores = 0"},
      {"lanes_out = 4\n", "", "lanes_out: is missing"},
      {"[power]",
       "[price]\nusd_per_hour = 1\nusd = 2\nutilisation_share = 1\nsource = \"t\"\n"
       "date = \"2024\"\n[power]",
       "a device is rented (usd_per_hour) or owned (usd), not both"},
  };
  for (const BadFile& bad : cases)
    EXPECT_THAT(message(replaced(small_cpu(), bad.from, bad.to)), HasSubstr(bad.expected));
  const std::string twice = small_cpu() +
                            "[[precisions]]\nweight_bits = 8\nactivation_bits = 8\n"
                            "macs_per_cycle_per_core = 1\nenergy_per_mac_j = 1e-9\nlanes_out = 4\n"
                            "lanes_in = 1\n" +
                            testing::kCited;
  EXPECT_THAT(message(twice), HasSubstr("this precision is given twice"));
}

TEST(DeviceFile, MistakesInAValidation) {
  const std::string row =
      "[[validation]]\nnetwork = \"resnet8\"\nmetric = \"latency_ms\"\nweight_bits = 8\n"
      "activation_bits = 8\nvalue = 1\ntolerance = 0.1\n" +
      std::string(testing::kCited);
  EXPECT_THAT(message(small_mcu() + row), HasSubstr("no such metric; did you mean 'latency_s'?"));
}

TEST(DeviceFile, InheritsWhatItDoesNotSay) {
  const ScratchFolder folder;
  const auto write = [&](const std::string& name, const std::string& text) {
    std::ofstream(folder.path() / (name + ".toml")) << text;
    return folder.path() / (name + ".toml");
  };
  const std::string row =
      "[[validation]]\nnetwork = \"resnet8\"\nmetric = \"latency_s\"\nweight_bits = 8\n"
      "activation_bits = 8\nvalue = 1\ntolerance = 0.1\n" +
      std::string(testing::kCited);
  write("base", small_mcu() + row);
  write("middle", "inherits = \"base\"\n[clock]\nhighest_hz = 2e6\nsource = \"m\"\n");
  const auto file =
      write("top", "inherits = \"middle\"\ndescription = \"top\"\n[power]\nactive_w = 6\n");
  const Device device = Device::load(file);
  EXPECT_EQ(device.description, "top");
  EXPECT_TRUE(device.validation.empty());
  // What a study keeps stands alone.
  const Device again = Device::parse(device.text, "top.toml");
  const Candidate c = testing::candidate(testing::zoo("fc_autoencoder", 8, 8));
  const Cost slow = Device::parse(small_mcu(), "base.toml").model->estimate(c).cost;
  for (const Device& d : {device, again}) {
    const Cost fast = d.model->estimate(c).cost;
    EXPECT_NEAR(fast.latency_s, slow.latency_s / 2, 1e-9 * slow.latency_s);
    EXPECT_NEAR(fast.energy_j, slow.energy_j, 1e-9 * slow.energy_j);  // 6 W for half the time
  }
  // A mistake is told at the file that it is in.
  const auto load_message = [](const std::filesystem::path& path) {
    try {
      Device::load(path);
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(load_message(write("bad", "inherits = \"middle\"\n\n[power]\nactive_w = -1\n")),
              HasSubstr("bad.toml:4: power.active_w = -1"));
  write("middle", "inherits = \"base\"\n[clock]\nhighest_hz = 0.5\n");
  EXPECT_THAT(load_message(file), HasSubstr("middle.toml:3: clock.highest_hz = 0.5"));
  EXPECT_THAT(load_message(write("lost", "inherits = \"bse\"\n")),
              HasSubstr("no such device; did you mean 'base'?"));
  write("a", "inherits = \"b\"\n");
  EXPECT_THAT(load_message(write("b", "inherits = \"a\"\n")), HasSubstr("goes round in a circle"));
}

TEST(DeviceFile, ConstantsCarryTheirSources) {
  const Device device = Device::parse(small_cpu(), "some/where/small.toml");
  EXPECT_EQ(device.name, "small");
  EXPECT_EQ(device.text, small_cpu());
  const std::vector<DeviceConstant> all = constants(device);
  const auto find = [&](const std::string& key) {
    for (const DeviceConstant& constant : all)
      if (constant.key == key) return constant;
    return DeviceConstant{};
  };
  EXPECT_EQ(find("power.static_w").value, "1");
  EXPECT_EQ(find("power.static_w").source, "test");
  EXPECT_EQ(find("power.static_w").date, "2024");
  EXPECT_EQ(find("memory[1].name").value, "DRAM");
  EXPECT_EQ(find("coverage.fused").value, "batch_norm, activation");
  EXPECT_EQ(find("power.source").key, "");
}

TEST(DeviceFile, ShippedFilesLoad) {
  for (const std::string& name : testing::shipped_devices()) {
    const Device device = testing::shipped(name);
    EXPECT_EQ(device.name, name);
    EXPECT_NE(device.model, nullptr);
    for (const DeviceConstant& constant : constants(device)) {
      EXPECT_FALSE(constant.value.empty()) << name << ' ' << constant.key;
      EXPECT_FALSE(constant.source.empty()) << name << ' ' << constant.key;
    }
  }
  for (const char* gpu : {"a100", "jetson_tx2"}) {
    bool tile = false;
    for (const DeviceConstant& c : constants(testing::shipped(gpu)))
      tile |= c.key == "utilisation.tiles[0].rows";
    EXPECT_TRUE(tile) << gpu;
  }
}

}  // namespace
}  // namespace hwnas
