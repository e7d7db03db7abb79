// Device: one description file (TOML): constants with unit, source and date, and the model family
// that reads them. The format, section by section, is in hw_models/README.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hw_models/cost_model.h"

namespace hwnas {

enum class Family : std::uint8_t {
  cpu,
  gpu,
  microcontroller,
  systolic,
  spatial,
  fpga,
  analog,
  neuromorphic,
  photonic,
  lookup,   // a table of measurements
  plugin,   // a C-ABI shared library
  program,  // spoken to over its input and output
  learned,  // from measurements of architectures, by `hwnas devices fit`
};
constexpr int kFamilies = static_cast<int>(Family::learned) + 1;
std::string_view to_string(Family family);

// A published figure that the model of a device is held against.
struct Validation {
  std::string network;  // of the zoo: "resnet8"; or one matrix product, "gemm:128x768x768" (MxNxK)
  // latency_s, energy_j, throughput_per_s, peak_memory_bytes, storage_bytes, or a count of
  // Cost::counts, "counts.cycles".
  std::string metric;
  std::string layer;  // of the network, where the figure is of one layer
  double clock_share = 1;
  int batch = 1;
  int weight_bits = 8, activation_bits = 8;
  double value = 0;      // in the unit that the metric names
  double tolerance = 0;  // relative error within which the model is held to it
  std::string note;      // why it is off, where it is
  std::string source, date;
};

// A precision that a device runs: of weights, and of the inputs they are multiplied with.
struct Bits {
  int weights = 8, activations = 8;
};

class Device {
 public:
  std::string name;         // "stm32h743", the file's stem
  std::string description;  // one line for people
  Family family = Family::cpu;
  Confidence confidence = Confidence::D;
  bool reference = false;  // somebody's simulated machine, to compare with; nothing to choose
  std::string text;        // the whole file with what it inherits and names, for the study
  std::string file;        // where it was read
  std::vector<Validation> validation;
  std::vector<Bits> precisions;  // in the order of the file, the device's own first; may be empty

  // Immutable, shared by all copies of the device; never null after load or parse.
  std::shared_ptr<const CostModel> model;

  // Throw InputError (file, line, key, value, nearest match) on unknown or missing keys, wrong
  // units and impossible values. A file may say `inherits = "NAME"`: it then holds only what
  // differs from NAME.toml, which is looked for beside it and in `folders`. Tables are merged key
  // by key; arrays, [[precisions]] too, are replaced whole; [[validation]] and `reference` are
  // never inherited. Spaces that a file names are looked for in `spaces`.
  static Device load(const std::filesystem::path& path,
                     const std::vector<std::filesystem::path>& folders = {},
                     const std::vector<std::filesystem::path>& spaces = {});
  static Device parse(std::string_view text, std::string_view file_name);
};

// One constant of a device file, for `hwnas devices show`.
struct DeviceConstant {
  std::string key;     // "memory.sram_bytes"
  std::string value;   // as in the file
  std::string source;  // of its section
  std::string date;
};
std::vector<DeviceConstant> constants(const Device& device);

}  // namespace hwnas
