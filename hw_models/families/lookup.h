// Lookup: measurements as a table (CSV, plain or gzip). Two kinds of rows:
//   networks: an architecture of a named space as text, and what the whole network was measured at.
//     Found by the fingerprint of the network, so any equal network is covered, wherever it is
//     from. Of several rows that decode to equal networks the one with the candidate's genes is
//     taken, else their mean, which `extrapolated` says.
//   kernels: a layer by its op and shapes, with what it was measured at alone. A network costs the
//     sum over its kernels (nn-Meter, MobiSys 2021, doi:10.1145/3458864.3467882).
// What is not in the table is not covered. Format of the device file: lookup.md.
#pragma once

#include <memory>
#include <string>

#include "hw_models/cost_model.h"
#include "hw_models/device_file.h"
#include "hw_models/named_files.h"

namespace hwnas {

// Throws InputError.
std::shared_ptr<const CostModel> make_lookup(const TomlTable& file, const std::string& device,
                                             Confidence confidence, NamedFiles& files);

}  // namespace hwnas
