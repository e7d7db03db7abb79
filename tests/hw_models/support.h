// What the tests of this room share: where things are, and a device that is easy to calculate by
// hand.
#pragma once

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "hw_models/device.h"
#include "space/network_builder.h"
#include "space/network_file.h"

namespace hwnas::testing {

inline Device shipped(const std::string& name) {
  return Device::load(std::string(HWNAS_SOURCE_DIR) + "/hw_models/devices/" + name + ".toml");
}
inline Network zoo(const std::string& name, int weight_bits, int activation_bits) {
  const Network network =
      load_network(std::string(HWNAS_SOURCE_DIR) + "/space/networks/" + name + ".toml");
  return with_precision(*live(network), weight_bits, activation_bits);
}
inline Candidate candidate(Network network, int batch = 1, double clock_share = 1) {
  return {{}, std::move(network), {batch, clock_share}};
}

// The names of all devices in hw_models/devices.
inline std::vector<std::string> shipped_devices() {
  std::vector<std::string> names;
  for (const auto& file :
       std::filesystem::directory_iterator(std::string(HWNAS_SOURCE_DIR) + "/hw_models/devices")) {
    names.push_back(file.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

inline Bits bits_of(const Device& device) {
  return device.precisions.empty() ? Bits{} : device.precisions.front();
}

// Text with the first occurrence of `from` replaced.
inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto where = text.find(from);
  if (where == std::string::npos) throw std::logic_error("no '" + from + "' in the text");
  return text.replace(where, from.size(), to);
}

inline const char* const kCited = "source = \"test\"\ndate = \"2024\"\n";

// 1 MHz; conv 2, narrow conv 3, depthwise 8, linear 4 cycles per MAC; 10 per output, 5 per element,
// 100 per layer; 10 KiB SRAM, 20 KiB flash; 3 W active of which 1 W static.
inline std::string small_mcu() {
  const std::string cited = kCited;
  return R"(description = "test"
family = "microcontroller"
confidence = "D"
[coverage]
ops = ["conv", "linear", "batch_norm", "activation", "add", "global_avg_pool", "flatten"]
fused = ["batch_norm", "activation"]
)" + cited +
         "[[precisions]]\nweight_bits = 8\nactivation_bits = 8\ncycles_factor = 1.0\n" + cited +
         "[clock]\nhighest_hz = 1e6\nlowest_share = 0.2\nknee_share = 0.5\n"
         "knee_voltage_share = 0.6\n" +
         cited +
         "[cycles]\nconv_per_mac = 2\nnarrow_conv_per_mac = 3\ndepthwise_per_mac = 8\n"
         "linear_per_mac = 4\nper_output = 10\nper_element = 5\nper_layer = 100\n" +
         cited + "[memory]\nsram_bytes = 10240\nflash_bytes = 20480\n" + cited +
         "[runtime]\nin_place_elementwise = true\nim2col_columns = 2\nim2col_bytes_per_value = 2\n"
         "fixed_sram_bytes = 1000\ncode_bytes = 5000\nscale_bytes_per_channel = 4\n" +
         cited + "[power]\nactive_w = 3\nstatic_w = 1\n" + cited;
}

// 1 GHz, 2 cores, all parallel, 1 MAC per cycle and core at full efficiency, lanes 4 x 1; a 1000
// byte cache at 1e9 B/s and 1e6 bytes of DRAM at 1e8 B/s; no overhead; 1 W static.
inline std::string small_cpu() {
  const std::string cited = kCited;
  return R"(description = "test"
family = "cpu"
confidence = "D"
[coverage]
ops = ["conv", "linear", "batch_norm", "activation", "add", "global_avg_pool", "flatten"]
fused = ["batch_norm", "activation"]
)" + cited +
         "[[precisions]]\nweight_bits = 8\nactivation_bits = 8\nmacs_per_cycle_per_core = 1\n"
         "energy_per_mac_j = 1e-9\nlanes_out = 4\nlanes_in = 1\n" +
         cited +
         "[clock]\nhighest_hz = 1e9\nlowest_share = 0.2\nknee_share = 0.5\n"
         "knee_voltage_share = 0.6\n" +
         cited + "[compute]\ncores = 2\n" + cited +
         "[efficiency]\nconv_share = 1\npointwise_share = 1\ndepthwise_share = 1\n"
         "linear_share = 1\npool_share = 1\nelementwise_share = 1\nattention_share = 1\n" +
         cited + "[utilisation]\nparallel_share = 1\nrows_in_flight = 1\n" + cited +
         "[[memory]]\nname = \"cache\"\nbytes = 1000\nbytes_per_s = 1e9\n"
         "energy_per_byte_j = 1e-9\n" +
         cited +
         "[[memory]]\nname = \"DRAM\"\nbytes = 1000000\nbytes_per_s = 1e8\n"
         "energy_per_byte_j = 1e-8\n" +
         cited +
         "[runtime]\noverhead_per_kernel_s = 0\nbatch_highest = 4\nreserved_bytes = 0\n"
         "in_place_elementwise = true\n" +
         cited + "[power]\nstatic_w = 1\n" + cited;
}

}  // namespace hwnas::testing
