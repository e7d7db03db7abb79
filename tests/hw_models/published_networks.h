// Networks of publications that come in many sizes, which the zoo does not hold.
#pragma once

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <sstream>
#include <string>

#include "space/network_builder.h"

namespace hwnas::testing {

// The nearest multiple of eight, at most a tenth below: "make_divisible" of arXiv:1801.04381.
inline int divisible_by_8(double channels) {
  const int near = std::max(8, static_cast<int>(channels + 4) / 8 * 8);
  return near < 0.9 * channels ? near + 8 : near;
}

// Conv, norm, activation.
inline int conv_block(NetworkBuilder& b, int from, const ConvSpec& spec, Activation act) {
  return b.activation(b.batch_norm(b.conv(from, spec)), act);
}

// MobileNetV1, arXiv:1704.04861, table 1.
inline Network mobilenet_v1(double width, int size, int bits) {
  const auto scaled = [width](int channels) { return static_cast<int>(channels * width); };
  NetworkBuilder b("mobilenet_v1", {3, size, size});
  const auto block = [&](int x, const ConvSpec& spec) {
    return conv_block(b, x, spec, Activation::relu6);
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

// An inverted residual block; squeeze-excite where `squeeze`.
struct Inverted {
  int kernel, inside, channels, stride;
  Activation act = Activation::relu6;
  bool squeeze = false;
};
inline int inverted(NetworkBuilder& b, int from, const Inverted& spec) {
  const int in = b.shape(from).channels;
  int x = from;
  if (spec.inside != in) x = conv_block(b, x, {.channels = spec.inside}, spec.act);
  x = conv_block(b, x,
                 {.channels = spec.inside,
                  .kernel = spec.kernel,
                  .stride = spec.stride,
                  .groups = spec.inside},
                 spec.act);
  if (spec.squeeze) {
    int s =
        b.conv(b.global_avg_pool(x), {.channels = divisible_by_8(spec.inside / 4.0), .bias = true});
    s = b.conv(b.activation(s, Activation::relu), {.channels = spec.inside, .bias = true});
    const int both[] = {x, b.activation(s, Activation::hard_sigmoid)};
    x = b.join(both, Op::multiply);
  }
  x = b.batch_norm(b.conv(x, {.channels = spec.channels}));
  return spec.stride == 1 && in == spec.channels ? b.add({x, from}) : x;
}

// MobileNetV2, arXiv:1801.04381, table 2. The last conv grows with the width but does not shrink.
inline Network mobilenet_v2(double width, int size, int bits) {
  const auto scaled = [width](int channels) { return divisible_by_8(channels * width); };
  NetworkBuilder b("mobilenet_v2", {3, size, size});
  int x = conv_block(b, 0, {.channels = scaled(32), .kernel = 3, .stride = 2}, Activation::relu6);
  constexpr int kStages[][4] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                                {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
  for (const auto& [expansion, channels, repeats, stride] : kStages) {
    for (int i = 0; i < repeats; ++i) {
      x = inverted(b, x,
                   {3, b.shape(x).channels * expansion, scaled(channels), i == 0 ? stride : 1});
    }
  }
  x = conv_block(b, x, {.channels = divisible_by_8(1280 * std::max(1.0, width))},
                 Activation::relu6);
  b.linear(b.global_avg_pool(x), 1000);
  return with_precision(std::move(b).build(), bits, bits);
}

// MobileNetV3, arXiv:1905.02244, tables 1 and 2. The minimalistic ones have kernels of 3, relu
// and no squeeze-excite.
inline Network mobilenet_v3(bool large, bool minimalistic, double width, int size, int bits) {
  struct Row {
    int kernel;
    double expansion;
    int channels, stride;
    bool squeeze, hard;
  };
  static constexpr Row kLarge[] = {
      {3, 1, 16, 1, false, false},         {3, 4, 24, 2, false, false},
      {3, 3, 24, 1, false, false},         {5, 3, 40, 2, true, false},
      {5, 3, 40, 1, true, false},          {5, 3, 40, 1, true, false},
      {3, 6, 80, 2, false, true},          {3, 2.5, 80, 1, false, true},
      {3, 184 / 80.0, 80, 1, false, true}, {3, 184 / 80.0, 80, 1, false, true},
      {3, 6, 112, 1, true, true},          {3, 6, 112, 1, true, true},
      {5, 6, 160, 2, true, true},          {5, 6, 160, 1, true, true},
      {5, 6, 160, 1, true, true}};
  static constexpr Row kSmall[] = {{3, 1, 16, 2, true, false},
                                   {3, 4.5, 24, 2, false, false},
                                   {3, 88 / 24.0, 24, 1, false, false},
                                   {5, 4, 40, 2, true, true},
                                   {5, 6, 40, 1, true, true},
                                   {5, 6, 40, 1, true, true},
                                   {5, 3, 48, 1, true, true},
                                   {5, 3, 48, 1, true, true},
                                   {5, 6, 96, 2, true, true},
                                   {5, 6, 96, 1, true, true},
                                   {5, 6, 96, 1, true, true}};
  const Activation hard = minimalistic ? Activation::relu : Activation::hard_swish;
  NetworkBuilder b("mobilenet_v3", {3, size, size});
  int x =
      conv_block(b, 0, {.channels = divisible_by_8(16 * width), .kernel = 3, .stride = 2}, hard);
  int inside = 0;
  for (const Row& row : large ? std::span<const Row>(kLarge) : std::span<const Row>(kSmall)) {
    inside = divisible_by_8(b.shape(x).channels * row.expansion);
    x = inverted(b, x,
                 {minimalistic ? 3 : row.kernel, inside, divisible_by_8(row.channels * width),
                  row.stride, row.hard ? hard : Activation::relu, row.squeeze && !minimalistic});
  }
  x = conv_block(b, x, {.channels = inside}, hard);
  x = b.activation(b.conv(b.global_avg_pool(x), {.channels = large ? 1280 : 1024, .bias = true}),
                   hard);
  b.linear(x, 1000);
  return with_precision(std::move(b).build(), bits, bits);
}

// EfficientNet-lite 0 to 4, github.com/tensorflow/tpu (2020-03): EfficientNet-B0
// (arXiv:1905.11946, table 1) scaled, without squeeze-excite, with relu6; stem, head and the number
// of blocks of the first and last stage are not scaled.
inline Network efficientnet_lite(int variant, int size, int bits) {
  constexpr double kWidths[] = {1.0, 1.0, 1.1, 1.2, 1.4}, kDepths[] = {1.0, 1.1, 1.2, 1.4, 1.8};
  constexpr int kStages[][5] = {{3, 1, 16, 1, 1}, {3, 6, 24, 2, 2},  {5, 6, 40, 2, 2},
                                {3, 6, 80, 3, 2}, {5, 6, 112, 3, 1}, {5, 6, 192, 4, 2},
                                {3, 6, 320, 1, 1}};
  NetworkBuilder b("efficientnet_lite" + std::to_string(variant), {3, size, size});
  int x = conv_block(b, 0, {.channels = 32, .kernel = 3, .stride = 2}, Activation::relu6);
  for (const auto& [kernel, expansion, channels, repeats, stride] : kStages) {
    const bool edge = repeats == 1;
    const int depth = edge ? 1 : static_cast<int>(std::ceil(repeats * kDepths[variant]));
    for (int i = 0; i < depth; ++i) {
      x = inverted(b, x,
                   {kernel, b.shape(x).channels * expansion,
                    divisible_by_8(channels * kWidths[variant]), i == 0 ? stride : 1});
    }
  }
  x = conv_block(b, x, {.channels = 1280}, Activation::relu6);
  b.linear(b.global_avg_pool(x), 1000);
  return with_precision(std::move(b).build(), bits, bits);
}

// GPT-2 as HW-GPT-Bench (arXiv:2405.10299) varies it, 1024 tokens: heads and MLP ratios of each
// layer as "8_4_8".
inline Network gpt_small(int channels, int layers, const std::string& heads,
                         const std::string& ratios, bool bias) {
  constexpr int kTokens = 1024, kEntries = 50257;
  NetworkBuilder b("gpt_small", {1, kTokens, 1});
  std::istringstream each_heads(heads), each_ratio(ratios);
  int x = b.with_entries(b.embedding(0, channels, kEntries), Op::position_embedding, kTokens);
  for (int i = 0; i < layers; ++i) {
    std::string head, ratio;
    std::getline(each_heads, head, '_');
    std::getline(each_ratio, ratio, '_');
    const int norm = b.unary(x, Op::layer_norm);
    const int q = b.linear(norm, channels, bias), k = b.linear(norm, channels, bias),
              v = b.linear(norm, channels, bias);
    x = b.add({x, b.linear(b.attention(q, k, v, std::stoi(head)), channels, bias)});
    const int wide = b.linear(b.unary(x, Op::layer_norm), channels * std::stoi(ratio), bias);
    x = b.add({x, b.linear(b.activation(wide, Activation::gelu), channels, bias)});
  }
  b.linear(b.unary(x, Op::layer_norm), kEntries, false);
  return std::move(b).build();
}

// By the names in mlperf_edge_mobilenets.csv; nothing where it has no size.
inline std::optional<Network> mobile_network(const std::string& family, const std::string& variant,
                                             const std::string& resolution, int bits) {
  if (resolution.empty()) return std::nullopt;
  const int size = std::stoi(resolution);
  if (family == "mobilenet-v1") return mobilenet_v1(std::stod(variant), size, bits);
  if (family == "mobilenet-v2") return mobilenet_v2(std::stod(variant), size, bits);
  if (family == "mobilenet-v3") {
    const double width = std::stod(variant.substr(variant.rfind('-') + 1));
    return mobilenet_v3(variant.starts_with("large"),
                        variant.find("minimalistic") != std::string::npos, width, size, bits);
  }
  return efficientnet_lite(variant.back() - '0', size, bits);
}

}  // namespace hwnas::testing
