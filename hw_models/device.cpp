#include "hw_models/device.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "hw_models/device_file.h"
#include "hw_models/families/microcontroller.h"
#include "hw_models/families/roofline.h"

namespace hwnas {
namespace {

constexpr std::array kFamilies{Family::roofline, Family::microcontroller};
constexpr std::array<std::string_view, 5> kMetrics{"latency_s", "energy_j", "throughput_per_s",
                                                   "peak_memory_bytes", "storage_bytes"};

Family read_family(const TomlTable& file) {
  const std::string name = file.string("family");
  std::vector<std::string> known;
  for (const Family family : kFamilies) {
    if (name == to_string(family)) return family;
    known.emplace_back(to_string(family));
  }
  throw file.error("family", "no such model family" + suggestion(name, known));
}

Confidence read_confidence(const TomlTable& file) {
  const std::string text = file.string("confidence");
  if (text.size() != 1 || text[0] < 'A' || text[0] > 'D') {
    throw file.error("confidence",
                     "expected A (calibrated on measurements), B (agrees with published silicon), "
                     "C (agrees with a published simulator) or D (projected)");
  }
  return static_cast<Confidence>(text[0]);
}

// The one place where a family's name meets its code.
std::shared_ptr<const CostModel> make_model(Family family, const TomlTable& file,
                                            const std::string& device, Confidence confidence) {
  switch (family) {
    case Family::roofline:
      return std::make_shared<Roofline>(read_roofline(file, device, confidence));
    case Family::microcontroller:
      return std::make_shared<Microcontroller>(read_microcontroller(file, device, confidence));
  }
  assert(false);
  return nullptr;
}

Validation read_validation(const TomlTable& table) {
  Validation row;
  row.network = table.string("network");
  row.metric = table.string("metric");
  if (std::find(kMetrics.begin(), kMetrics.end(), row.metric) == kMetrics.end()) {
    throw table.error(
        "metric", "no such metric" + suggestion(row.metric, std::vector<std::string>(
                                                                kMetrics.begin(), kMetrics.end())));
  }
  row.batch = static_cast<int>(table.integer("batch", 1, 1 << 20, 1));
  row.weight_bits = static_cast<int>(table.integer("weight_bits", 1, 32));
  row.activation_bits = static_cast<int>(table.integer("activation_bits", 1, 32));
  row.value = table.number("value", 1e-15, 1e15);
  row.tolerance = table.number("tolerance", 0, 10);
  row.note = table.string("note", "");
  row.source = table.string("source");
  row.date = table.string("date");
  table.done();
  return row;
}

Device build(const TomlTable& file) {
  Device device;
  device.file = file.file();
  device.text = file.text();
  device.name = std::filesystem::path(device.file).stem().string();
  device.description = file.string("description");
  device.family = read_family(file);
  device.confidence = read_confidence(file);
  device.model = make_model(device.family, file, device.name, device.confidence);
  for (const TomlTable& table : cited_sections(file, "validation"))
    device.validation.push_back(read_validation(table));
  file.done();
  return device;
}

}  // namespace

std::string_view to_string(Family family) {
  switch (family) {
    case Family::roofline:
      return "roofline";
    case Family::microcontroller:
      return "microcontroller";
  }
  return "";
}

Device Device::load(const std::filesystem::path& path) {
  return build(TomlTable::parse_file(path));
}

Device Device::parse(std::string_view text, std::string_view file_name) {
  return build(TomlTable::parse(text, file_name));
}

}  // namespace hwnas
