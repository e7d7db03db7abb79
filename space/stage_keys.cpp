#include "space/stage_keys.h"

#include <array>
#include <limits>

namespace hwnas {
namespace {

const std::vector<std::string>& activation_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (int i = 0; i <= static_cast<int>(Activation::gelu); ++i) {
      all.emplace_back(to_string(static_cast<Activation>(i)));
    }
    return all;
  }();
  return names;
}

const std::vector<std::string> kBooleans{"false", "true"};
const std::vector<std::string> kPools{"none", "global"};
constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

}  // namespace

const KeyRule& rule(StageKey key) {
  static const std::array<KeyRule, kStageKeys> rules{{
      {"depth", 0, 100, 1, true, {}},
      {"channels", 1, 65536, kMissing, true, {}},
      {"width", 0.01, 16, 1, false, {}},
      {"kernel", 1, 63, kMissing, true, {}},
      {"kernel_w", 1, 63, 0, true, {}},
      {"stride", 1, 32, 1, true, {}},
      {"pad", 0, 63, -1, true, {}},
      {"groups", 1, 65536, 1, true, {}},
      {"expansion", 0.05, 64, 1, false, {}},
      {"squeeze", 0, 1, 0, false, {}},
      {"activation", 0, 0, static_cast<double>(Activation::relu), true, activation_names()},
      {"norm", 0, 0, 1, true, norm_names()},
      {"bias", 0, 0, 0, true, kBooleans},
      {"expand_always", 0, 0, 0, true, kBooleans},
      {"preactivation", 0, 0, 0, true, kBooleans},
      {"shortcut", 0, 0, 0, true, shortcut_names()},
      {"pool", 0, 0, 1, true, kPools},
      {"weight_bits", 1, 32, 0, true, {}},
      {"activation_bits", 1, 32, 0, true, {}},
      {"density", 0.001, 1, 0, false, {}},
      {"density_block", 0, kLargestDensityBlock, 0, true, {}},
      {"vocabulary", 1, 1 << 20, 0, true, {}},
      {"positions", 0, 1 << 20, 0, true, {}},
      {"heads", 1, 1024, kMissing, true, {}},
      {"head_channels", 0, 65536, 0, true, {}},
      {"kv_heads", 0, 1024, 0, true, {}},
      {"cached_tokens", 0, 1 << 24, 0, true, {}},
      {"gated", 0, 0, 0, true, kBooleans},
      {"prenorm", 0, 0, 1, true, kBooleans},
      {"causal", 0, 0, 0, true, kBooleans},
  }};
  return rules[static_cast<std::size_t>(key)];
}

std::vector<StageKey> keys_of(Block block) {
  using K = StageKey;
  switch (block) {
    case Block::conv:
      return {K::channels, K::width,  K::kernel,     K::kernel_w, K::stride,
              K::pad,      K::groups, K::activation, K::norm,     K::bias};
    case Block::depthwise:
      return {K::kernel, K::kernel_w, K::stride, K::pad, K::activation, K::norm, K::bias};
    case Block::separable:
      return {K::channels, K::width,      K::kernel, K::kernel_w, K::stride,
              K::pad,      K::activation, K::norm,   K::bias};
    case Block::mbconv:
      return {K::channels, K::width,      K::kernel, K::stride, K::groups,       K::expansion,
              K::squeeze,  K::activation, K::norm,   K::bias,   K::expand_always};
    case Block::residual:
      return {K::channels,   K::width,         K::kernel,  K::stride,
              K::activation, K::preactivation, K::shortcut};
    case Block::bottleneck:
      return {K::channels, K::width, K::kernel, K::stride, K::activation, K::shortcut};
    case Block::max_pool:
    case Block::avg_pool:
      return {K::kernel, K::stride, K::pad};
    case Block::linear:
      return {K::channels, K::width, K::activation, K::norm};
    case Block::norm:
      return {K::activation, K::norm};
    case Block::skip:
      return {K::channels, K::width, K::stride, K::activation, K::norm, K::bias};
    case Block::cell:
    case Block::global_pool:
    case Block::first_token:
    case Block::token_classifier:
      return {};
    case Block::embedding:
      return {K::channels, K::width, K::vocabulary, K::positions, K::norm};
    case Block::patches:
      return {K::channels, K::width, K::kernel};
    case Block::transformer:
      return {K::heads,     K::head_channels, K::kv_heads, K::cached_tokens,
              K::expansion, K::activation,    K::norm,     K::bias,
              K::gated,     K::prenorm,       K::causal};
    case Block::classifier:
      return {K::pool};
  }
  return {};
}

double fallback_of(StageKey key, Block block) {
  if (key == StageKey::kernel) {
    switch (block) {
      case Block::residual:
      case Block::bottleneck:
        return 3;
      case Block::max_pool:
      case Block::avg_pool:
        return 2;
      default:
        return kMissing;
    }
  }
  if (block == Block::transformer) {
    if (key == StageKey::expansion) return 4;
    if (key == StageKey::activation) return static_cast<double>(Activation::gelu);
    if (key == StageKey::norm) return static_cast<double>(Norm::layer);
    if (key == StageKey::bias) return 1;
  }
  if (key == StageKey::norm && (block == Block::linear || block == Block::embedding)) return 0;
  if (key == StageKey::stride && (block == Block::max_pool || block == Block::avg_pool)) return 2;
  return rule(key).fallback;
}

}  // namespace hwnas
