// "hwnas devices check [NAME]": models held against the published figures of their files.
#pragma once

#include <string>

namespace hwnas {

// All devices where `names` is empty. Of devices asked for by name also what they say of networks
// that everybody knows. Prints; returns 1 where a figure is missed, else 0.
int check_devices(const std::string& names, bool as_json);

}  // namespace hwnas
