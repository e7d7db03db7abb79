// Learned: what `hwnas devices fit` learned of a device from measurements of architectures of one
// space: a Gaussian process on coordinates that are linear in an architecture, and on how many of
// its choices agree with those of the samples. All its numbers are in the device file, the samples
// too. Optionally of the ratio to an analytic device, whose file it holds. Says its standard error.
// Candidates that are no architecture of the space are not covered. Format of the file: learned.md.
#pragma once

#include <memory>
#include <string>

#include "hw_models/cost_model.h"
#include "hw_models/device_file.h"
#include "hw_models/named_files.h"

namespace hwnas {

// Throws InputError.
std::shared_ptr<const CostModel> make_learned(const TomlTable& file, const std::string& device,
                                              Confidence confidence, NamedFiles& files);

}  // namespace hwnas
