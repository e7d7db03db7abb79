// "hwnas devices fit": learns a device from measurements of some architectures of a space.
#pragma once

#include "experiments/commands.h"

namespace hwnas {

// The arguments after "fit". Prints; returns the exit code.
int fit_device(const Arguments& arguments);

}  // namespace hwnas
