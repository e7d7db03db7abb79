// "hwnas NOUN list" and "hwnas NOUN show NAME": devices, networks and spaces all have them.
#pragma once

#include <string>

#include "experiments/commands.h"

namespace hwnas {

int list_or_show(const Arguments& arguments, const std::string& noun, const std::string& about,
                 int (*list)(bool as_json), int (*show)(const std::string& name, bool as_json));

}  // namespace hwnas
