// Layer counts: how often each kind of layer occurs in a network as it was decoded, how it
// branches, and how much work it is: once of all layers, and once of those whose output is used.
// Runtimes differ in which of the two they run: some execute every layer of a graph, others drop
// what nobody reads and what only zeros read. Thread-safe.
#pragma once

#include <string>
#include <vector>

#include "space/network.h"

namespace hwnas {

// "all.conv3", "all.macs", ... "used.conv3", "used.macs", ...
const std::vector<std::string>& layer_count_names();

// As many numbers as names. `decoded`: as SearchSpace::decode gives it, not live().
std::vector<double> layer_counts(const Network& decoded);

}  // namespace hwnas
