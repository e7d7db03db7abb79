// A device held against its own [[validation]] rows. Free functions, thread-safe.
#pragma once

#include <optional>
#include <string>

#include "hw_models/device.h"
#include "space/network.h"

namespace hwnas {

struct Check {
  double modelled = 0;  // NaN where the device cannot run the network
  double error = 0;     // (modelled - published) / published
  bool pass = false;    // within the row's tolerance
  std::string reason;   // why there is no figure, else empty
};

// `network` is the row's, at its own precision; the row's bits are applied here.
Check check(const Device& device, const Validation& row, const Network& network);

// "gemm:128x768x64", M x N x K: one matrix product with stored weights (a linear layer of K to N
// channels at M positions). Throws InputError where it begins with "gemm:" and goes on otherwise.
std::optional<Network> parse_gemm(const std::string& text);

}  // namespace hwnas
