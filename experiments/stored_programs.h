// Programs that a study names: devices that are programs or plug-ins, a trainer, a launcher. A
// study may come from a stranger, so nothing of it is run unless the user says
// HWNAS_TRUST_STUDIES=1. A run config or a device file that the user names is the user's own and
// needs no such word. Thread-safe.
#pragma once

#include <filesystem>
#include <vector>

#include "experiments/run_config.h"
#include "hw_models/device.h"
#include "search/store/study.h"

namespace hwnas {

// stored_device() and require_no_programs() throw InputError where a program is named and may not
// be run; the former also as Device::parse.
Device stored_device(const StudyDevice& device);
bool names_programs(const RunConfig& config, const std::vector<Device>& devices);
void require_no_programs(const RunConfig& config, const std::filesystem::path& study);

}  // namespace hwnas
