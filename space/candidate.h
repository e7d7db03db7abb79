// Candidate: what a search proposes: genes, the network they decode to, and how it is run.
#pragma once

#include <cstdint>

#include "space/deployment.h"
#include "space/genotype.h"
#include "space/network.h"

namespace hwnas {

struct Candidate {
  Genotype genotype;
  Network network;
  Deployment deployment;
};

// Equal for candidates that run the same network in the same way, whatever their genes.
// Stable across runs and versions (it is stored in studies).
std::uint64_t fingerprint(const Candidate& candidate);

}  // namespace hwnas
