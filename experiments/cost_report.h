// Costs for people: one row a device, and the layers where a network spends its time.
#pragma once

#include <cstddef>
#include <iosfwd>

#include "hw_models/cost_model.h"
#include "space/network.h"

namespace hwnas {

// The `most` layers with the largest latency on one device: share, energy, bytes, what bounds them.
void print_layers(std::ostream& out, const Network& network, const Cost& cost, std::size_t most);

}  // namespace hwnas
