#include "hw_models/device.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "hw_models/collectives.h"
#include "hw_models/device_file.h"
#include "hw_models/families/analog.h"
#include "hw_models/families/cpu.h"
#include "hw_models/families/fpga.h"
#include "hw_models/families/gpu.h"
#include "hw_models/families/learned.h"
#include "hw_models/families/lookup.h"
#include "hw_models/families/microcontroller.h"
#include "hw_models/families/neuromorphic.h"
#include "hw_models/families/photonic.h"
#include "hw_models/families/plugin.h"
#include "hw_models/families/program.h"
#include "hw_models/families/spatial.h"
#include "hw_models/families/systolic.h"
#include "hw_models/named_files.h"

namespace hwnas {
namespace {

constexpr std::array<std::string_view, kFamilies> kFamilyNames{
    "cpu",          "gpu",      "microcontroller", "systolic", "spatial", "fpga",   "analog",
    "neuromorphic", "photonic", "lookup",          "plugin",   "program", "learned"};
constexpr int kMostInheritances = 8;
constexpr std::array<std::string_view, 5> kMetrics{"latency_s", "energy_j", "throughput_per_s",
                                                   "peak_memory_bytes", "storage_bytes"};

Family read_family(const TomlTable& file) {
  const std::string name = file.string("family");
  const auto at = std::find(kFamilyNames.begin(), kFamilyNames.end(), name);
  if (at != kFamilyNames.end()) return static_cast<Family>(at - kFamilyNames.begin());
  throw file.error("family", "no such model family" +
                                 suggestion(name, std::vector<std::string>(kFamilyNames.begin(),
                                                                           kFamilyNames.end())));
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
                                            const std::string& device, Confidence confidence,
                                            NamedFiles& files) {
  switch (family) {
    case Family::cpu:
      return std::make_shared<Cpu>(read_cpu(file, device, confidence));
    case Family::gpu:
      return with_interconnect(file, std::make_shared<Gpu>(read_gpu(file, device, confidence)));
    case Family::microcontroller:
      return std::make_shared<Microcontroller>(read_microcontroller(file, device, confidence));
    case Family::systolic:
      return make_systolic(file, device, confidence);
    case Family::spatial:
      return make_spatial(file, device, confidence);
    case Family::fpga:
      return make_fpga(file, device, confidence);
    case Family::analog:
      return make_analog(file, device, confidence);
    case Family::neuromorphic:
      return make_neuromorphic(file, device, confidence);
    case Family::photonic:
      return make_photonic(file, device, confidence);
    case Family::lookup:
      return make_lookup(file, device, confidence, files);
    case Family::plugin:
      return make_plugin(file, device, confidence, files);
    case Family::program:
      return make_program(file, device, confidence, files);
    case Family::learned:
      return make_learned(file, device, confidence, files);
  }
  assert(false);
  return nullptr;
}

Validation read_validation(const TomlTable& table) {
  Validation row;
  row.network = table.string("network");
  row.metric = table.string("metric");
  const bool counted = row.metric.starts_with("counts.");
  if (!counted && std::find(kMetrics.begin(), kMetrics.end(), row.metric) == kMetrics.end()) {
    throw table.error(
        "metric", "no such metric" + suggestion(row.metric, std::vector<std::string>(
                                                                kMetrics.begin(), kMetrics.end())));
  }
  row.layer = table.string("layer", "");
  row.clock_share = table.number("clock_share", 1e-6, 1, 1);
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

std::filesystem::path find_base(const TomlTable& file, const std::string& base,
                                const std::vector<std::filesystem::path>& places) {
  std::vector<std::string> known;
  std::error_code ignored;
  for (const auto& place : places) {
    const auto at = place / (base + ".toml");
    if (std::filesystem::is_regular_file(at, ignored)) return at;
    for (const auto& entry : std::filesystem::directory_iterator(place, ignored)) {
      if (entry.path().extension() == ".toml") known.push_back(entry.path().stem().string());
    }
  }
  throw file.error("inherits", "no such device" + suggestion(base, known));
}

// The file at `path` laid over what it inherits, over as many steps as there are.
TomlTable read_file(const std::filesystem::path& path,
                    const std::vector<std::filesystem::path>& folders, int depth) {
  TomlTable file = TomlTable::parse_file(path);
  if (!file.has("inherits")) return file;
  const std::string base = file.string("inherits");
  if (depth == kMostInheritances || base == path.stem())
    throw file.error("inherits", "goes round in a circle");
  std::vector<std::filesystem::path> places{path.has_parent_path() ? path.parent_path() : "."};
  places.insert(places.end(), folders.begin(), folders.end());
  TomlTable under = read_file(find_base(file, base, places), folders, depth + 1);
  return TomlTable::merge(under.without("validation").without("reference"),
                          file.without("inherits"));
}

Device build(const TomlTable& file, const std::vector<std::filesystem::path>& spaces) {
  NamedFiles files(file, spaces);
  Device device;
  device.file = file.file();
  device.name = std::filesystem::path(device.file).stem().string();
  device.description = file.string("description");
  device.family = read_family(file);
  device.confidence = read_confidence(file);
  device.reference = file.boolean("reference", false);
  device.model = make_model(device.family, file, device.name, device.confidence, files);
  device.text = file.text();
  if (const std::string pins = files.pins(); !pins.empty()) device.text += '\n' + pins;
  for (const TomlTable& table : file.tables("precisions")) {
    device.precisions.push_back({static_cast<int>(table.integer("weight_bits", 1, 32)),
                                 static_cast<int>(table.integer("activation_bits", 1, 32))});
  }
  for (const TomlTable& table : cited_sections(file, "validation"))
    device.validation.push_back(read_validation(table));
  file.done();
  return device;
}

}  // namespace

std::string_view to_string(Family family) {
  return kFamilyNames[static_cast<std::size_t>(family)];
}

Device Device::load(const std::filesystem::path& path,
                    const std::vector<std::filesystem::path>& folders,
                    const std::vector<std::filesystem::path>& spaces) {
  return build(read_file(path, folders, 0), spaces);
}

Device Device::parse(std::string_view text, std::string_view file_name) {
  return build(TomlTable::parse(text, file_name), {});
}

}  // namespace hwnas
