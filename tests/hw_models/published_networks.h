// Networks of publications that come in many sizes, which the zoo does not hold.
#pragma once

#include "space/network_builder.h"

namespace hwnas::testing {

// MobileNetV1, arXiv:1704.04861, table 1.
inline Network mobilenet_v1(double width, int size, int bits) {
  const auto scaled = [width](int channels) { return static_cast<int>(channels * width); };
  NetworkBuilder b("mobilenet_v1", {3, size, size});
  const auto block = [&](int x, const ConvSpec& spec) {
    return b.activation(b.batch_norm(b.conv(x, spec)), Activation::relu6);
  };
  int x = block(0, {.channels = scaled(32), .kernel = 3, .stride = 2});
  constexpr int kChannels[] = {64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024};
  constexpr int kStrides[] = {1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1};
  for (int i = 0; i < 13; ++i) {
    const int in = b.shape(x).channels;
    x = block(x, {.channels = in, .kernel = 3, .stride = kStrides[i], .groups = in});
    x = block(x, {.channels = scaled(kChannels[i])});
  }
  b.linear(b.global_avg_pool(x), 1000);
  return with_precision(std::move(b).build(), bits, bits);
}

}  // namespace hwnas::testing
