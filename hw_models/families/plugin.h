// Plugin: a shared library of the user's own with a C interface (hw_models/plugin/hwnas_plugin.h).
// It is a Program whose program is ours: hwnas-plugin-host loads the library in a process of its
// own and speaks the same lines, so no plug-in can bring hwnas down. Device file: plugin.md.
#pragma once

#include <memory>
#include <string>

#include "hw_models/cost_model.h"
#include "hw_models/device_file.h"
#include "hw_models/named_files.h"

namespace hwnas {

// Loads the library once, in its process. Throws InputError, also where that fails.
std::shared_ptr<const CostModel> make_plugin(const TomlTable& file, const std::string& device,
                                             Confidence confidence, NamedFiles& files);

}  // namespace hwnas
