#include "space/layer_counts.h"

#include <array>

namespace hwnas {
namespace {

enum Kind : std::size_t {
  conv1,
  conv3,
  conv5,
  depthwise3,
  depthwise5,
  matrix,
  pool,
  identity,
  join,
  mega_macs,
  kilo_weights,
  kilo_elements,
  kKinds
};
constexpr std::array<const char*, kKinds> kNames{
    "conv1", "conv3",    "conv5", "dw3",       "dw5",          "matrix",
    "pool",  "identity", "join",  "mega_macs", "kilo_weights", "kilo_elements"};

Kind kind_of(const Layer& layer) {
  const int kernel = layer.kernel_h > layer.kernel_w ? layer.kernel_h : layer.kernel_w;
  switch (layer.op) {
    case Op::conv:
      if (is_depthwise(layer)) return kernel <= 3 ? depthwise3 : depthwise5;
      return kernel == 1 ? conv1 : kernel <= 3 ? conv3 : conv5;
    case Op::linear:
    case Op::attention:
      return matrix;
    case Op::max_pool:
    case Op::avg_pool:
      return pool;
    case Op::identity:
      return identity;
    default:
      return kKinds;
  }
}

// From the output backwards; what zeros are made of is not used.
std::vector<bool> used_layers(const Network& network) {
  std::vector<bool> used(static_cast<std::size_t>(network.size()), false);
  used.back() = true;
  for (std::size_t l = used.size(); l-- > 0;) {
    const Layer& layer = network.layer(static_cast<int>(l));
    if (!used[l] || layer.op == Op::zero) continue;
    for (const std::int32_t input : network.inputs(layer))
      used[static_cast<std::size_t>(input)] = true;
  }
  return used;
}

void add(double* counts, const Network& network, const Layer& layer) {
  if (layer.op == Op::zero || layer.op == Op::input) return;
  const Kind kind = kind_of(layer);
  if (kind != kKinds) ++counts[kind];
  if (layer.input_count > 1) {
    int terms = 0;
    for (const std::int32_t input : network.inputs(layer))
      terms += network.layer(input).op != Op::zero;
    if (terms > 1) counts[join] += terms - 1;
  }
  counts[mega_macs] += 1e-6 * static_cast<double>(macs(network, layer));
  counts[kilo_weights] += 1e-3 * static_cast<double>(parameters(layer));
  counts[kilo_elements] += 1e-3 * static_cast<double>(layer.out.elements());
}

}  // namespace

const std::vector<std::string>& layer_count_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const char* which : {"all.", "used."}) {
      for (const char* kind : kNames) all.push_back(std::string(which) + kind);
    }
    return all;
  }();
  return names;
}

std::vector<double> layer_counts(const Network& decoded) {
  std::vector<double> counts(2 * kKinds, 0);
  if (decoded.empty()) return counts;
  const std::vector<bool> used = used_layers(decoded);
  for (std::size_t l = 0; l < used.size(); ++l) {
    const Layer& layer = decoded.layer(static_cast<int>(l));
    add(counts.data(), decoded, layer);
    if (used[l]) add(counts.data() + kKinds, decoded, layer);
  }
  return counts;
}

}  // namespace hwnas
