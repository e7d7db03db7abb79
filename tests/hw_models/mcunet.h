// The networks of the MCUNet model zoo (Lin et al., NeurIPS 2020, arXiv:2007.10319), block by block
// as in the JSON files that it publishes. Their multiplications and parameters are those of its
// README. Every block: 1x1 expansion, depthwise conv, 1x1 projection, and a sum where the shapes
// allow; padding of half a kernel on every side.
#pragma once

#include <string>
#include <vector>

#include "space/network_builder.h"

namespace hwnas::testing {

struct McunetBlock {
  int expand, channels, stride, kernel;
};
struct Mcunet {
  std::string id;
  int size, stem, classes;
  std::vector<McunetBlock> blocks;
};

inline std::vector<Mcunet> mcunets() {
  return {
      {"mcunet-vww0",
       64,
       16,
       2,
       {{1, 8, 1, 3},
        {6, 16, 2, 5},
        {4, 16, 1, 3},
        {5, 24, 2, 3},
        {4, 24, 1, 3},
        {4, 24, 1, 3},
        {5, 40, 2, 3},
        {4, 40, 1, 3},
        {3, 40, 1, 7},
        {3, 48, 1, 3},
        {4, 48, 1, 3},
        {5, 96, 2, 7},
        {5, 96, 1, 5},
        {4, 160, 1, 7}}},
      {"mcunet-vww1",
       80,
       16,
       2,
       {{1, 8, 1, 3},
        {6, 16, 2, 3},
        {3, 16, 1, 3},
        {3, 16, 1, 3},
        {3, 24, 2, 7},
        {6, 24, 1, 3},
        {5, 24, 1, 5},
        {6, 40, 2, 7},
        {6, 40, 1, 7},
        {6, 48, 1, 3},
        {4, 48, 1, 3},
        {5, 96, 2, 5},
        {5, 96, 1, 3},
        {4, 96, 1, 3},
        {3, 160, 1, 7}}},
      {"mcunet-vww2", 144, 16, 2, {{1, 8, 1, 3},  {3, 16, 2, 3}, {5, 16, 1, 3}, {6, 16, 1, 5},
                                   {3, 16, 1, 3}, {5, 24, 2, 7}, {4, 24, 1, 5}, {4, 24, 1, 3},
                                   {6, 24, 1, 7}, {6, 40, 2, 3}, {6, 40, 1, 7}, {4, 40, 1, 5},
                                   {5, 40, 1, 3}, {5, 48, 1, 5}, {3, 48, 1, 5}, {4, 48, 1, 3},
                                   {3, 48, 1, 5}, {4, 96, 2, 3}, {5, 96, 1, 5}, {4, 96, 1, 5},
                                   {4, 96, 1, 3}, {5, 160, 1, 3}}},
      {"mcunet-in0",
       48,
       24,
       1000,
       {{1, 16, 1, 3},
        {4, 16, 2, 5},
        {3, 16, 1, 3},
        {4, 16, 1, 3},
        {5, 24, 2, 7},
        {4, 24, 1, 5},
        {5, 24, 1, 5},
        {5, 48, 2, 7},
        {4, 48, 1, 5},
        {5, 56, 1, 3},
        {4, 56, 1, 5},
        {5, 56, 1, 3},
        {6, 112, 2, 3},
        {4, 112, 1, 5},
        {6, 192, 1, 3}}},
      {"mcunet-in1",
       96,
       16,
       1000,
       {{1, 8, 1, 3},
        {4, 16, 2, 3},
        {3, 16, 1, 3},
        {3, 24, 2, 7},
        {5, 24, 1, 3},
        {5, 40, 2, 3},
        {4, 40, 1, 7},
        {4, 48, 1, 5},
        {3, 48, 1, 3},
        {4, 48, 1, 3},
        {5, 96, 2, 7},
        {4, 96, 1, 5},
        {4, 96, 1, 5},
        {6, 160, 1, 3}}},
  };
}

inline Network network_of(const Mcunet& net, int bits = 8) {
  NetworkBuilder b(net.id, {3, net.size, net.size});
  const auto conv = [&b](int x, const ConvSpec& spec) { return b.batch_norm(b.conv(x, spec)); };
  const auto active = [&](int x, const ConvSpec& spec) {
    return b.activation(conv(x, spec), Activation::relu6);
  };
  int x = active(0, {.channels = net.stem, .kernel = 3, .stride = 2, .pad = 1});
  for (const McunetBlock& block : net.blocks) {
    const int in = b.shape(x).channels, wide = in * block.expand;
    int y = block.expand > 1 ? active(x, {.channels = wide}) : x;
    y = active(y, {.channels = wide,
                   .kernel = block.kernel,
                   .stride = block.stride,
                   .pad = block.kernel / 2,
                   .groups = wide});
    y = conv(y, {.channels = block.channels});
    x = block.stride == 1 && in == block.channels ? b.add({x, y}) : y;
  }
  b.linear(b.global_avg_pool(x), net.classes);
  return with_precision(std::move(b).build(), bits, bits);
}

}  // namespace hwnas::testing
