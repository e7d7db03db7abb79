#include "experiments/stored_programs.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>

#include "space/input_error.h"
#include "space/toml_table.h"

namespace hwnas {
namespace {

constexpr const char* kAdvice =
    "a study may not have programs run; if it is yours, continue with its run config or set "
    "HWNAS_TRUST_STUDIES=1";

bool trusted() {
  const char* const word = std::getenv("HWNAS_TRUST_STUDIES");
  return word && std::string_view(word) == "1";
}

}  // namespace

Device stored_device(const StudyDevice& device) {
  const std::string file = device.name + ".toml";
  const std::string family = TomlTable::parse(device.text, file).string("family", "");
  if ((family == "program" || family == "plugin") && !trusted())
    throw InputError("device '" + device.name + "' of the study", 0, "family", family, kAdvice);
  return Device::parse(device.text, file);
}

bool names_programs(const RunConfig& config, const std::vector<Device>& devices) {
  return !config.workers.command.empty() || !config.workers.launcher.empty() ||
         std::any_of(devices.begin(), devices.end(), [](const Device& device) {
           return device.family == Family::program || device.family == Family::plugin;
         });
}

void require_no_programs(const RunConfig& config, const std::filesystem::path& study) {
  if (trusted()) return;
  for (const auto& [key, command] : {std::pair("workers.command", &config.workers.command),
                                     std::pair("workers.launcher", &config.workers.launcher)}) {
    if (!command->empty()) throw InputError(study.string(), 0, key, command->front(), kAdvice);
  }
}

}  // namespace hwnas
