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
  join,    // terms of sums beyond the first
  branch,  // readers of a layer beyond the first
  shared,  // layers that might run with the one that they read, were they its only readers
  mega_macs,
  kilo_weights,
  kilo_elements,
  kKinds
};
constexpr std::array<const char*, kKinds> kNames{
    "conv1",    "conv3", "conv5",  "dw3",    "dw5",       "matrix",       "pool",
    "identity", "join",  "branch", "shared", "mega_macs", "kilo_weights", "kilo_elements"};

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
  const Kind kind = kind_of(layer);
  if (kind != kKinds) ++counts[kind];
  counts[mega_macs] += 1e-6 * static_cast<double>(macs(network, layer));
  counts[kilo_weights] += 1e-3 * static_cast<double>(parameters(layer));
  counts[kilo_elements] += 1e-3 * static_cast<double>(layer.out.elements());
}

// Of the layers that count: what reads what, zeros apart.
void add_edges(double* counts, const Network& network, const std::vector<bool>& counted) {
  std::vector<int> readers(counted.size(), 0);
  for (std::size_t l = 0; l < counted.size(); ++l) {
    if (!counted[l]) continue;
    int terms = 0;
    for (const std::int32_t input : network.inputs(network.layer(static_cast<int>(l)))) {
      if (network.layer(input).op == Op::zero) continue;
      ++terms;
      ++readers[static_cast<std::size_t>(input)];
    }
    if (terms > 1) counts[join] += terms - 1;
  }
  for (const int number : readers) {
    if (number > 1) counts[branch] += number - 1;
  }
  for (std::size_t l = 0; l < counted.size(); ++l) {
    const Layer& layer = network.layer(static_cast<int>(l));
    const bool follows = layer.op == Op::activation || layer.op == Op::conv ||
                         layer.op == Op::linear || layer.op == Op::batch_norm;
    if (counted[l] && follows && readers[static_cast<std::size_t>(network.inputs(layer)[0])] > 1)
      ++counts[shared];
  }
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
  std::vector<bool> used = used_layers(decoded), all(used.size(), true);
  for (std::size_t l = 0; l < used.size(); ++l) {
    const Layer& layer = decoded.layer(static_cast<int>(l));
    const bool works = layer.op != Op::zero && layer.op != Op::input;
    all[l] = works;
    used[l] = used[l] && works;
    if (all[l]) add(counts.data(), decoded, layer);
    if (used[l]) add(counts.data() + kKinds, decoded, layer);
  }
  add_edges(counts.data(), decoded, all);
  add_edges(counts.data() + kKinds, decoded, used);
  return counts;
}

}  // namespace hwnas
