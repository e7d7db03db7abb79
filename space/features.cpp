#include "space/features.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <span>

namespace hwnas {
namespace {

// Kinds of layers that make a path longer.
enum Kind : int { conv1, conv3, conv5, depthwise3, depthwise5, pool, none };
constexpr std::array<const char*, 6> kKinds{"conv1", "conv3", "conv5", "dw3", "dw5", "pool"};
constexpr int kSets = 1 << none;
constexpr int kLevels = 6;  // halvings of the input's height; the last holds all that follow

Kind kind_of(const Layer& layer) {
  const int kernel = std::max(layer.kernel_h, layer.kernel_w);
  switch (layer.op) {
    case Op::conv:
      if (is_depthwise(layer)) return kernel <= 3 ? depthwise3 : depthwise5;
      return kernel == 1 ? conv1 : kernel <= 3 ? conv3 : conv5;
    case Op::linear:
    case Op::attention:
      return conv1;
    case Op::max_pool:
    case Op::avg_pool:
      return pool;
    default:
      return none;
  }
}

int level_of(const Network& network, const Layer& layer) {
  double scale = static_cast<double>(network.input().height) / std::max(1, layer.out.height);
  int level = 0;
  for (; scale >= 1.5 && level + 1 < kLevels; scale /= 2) ++level;
  return level;
}

// Of the paths from the input to a layer, for every set of the kinds that occur: `cost` counts the
// layers outside the set, then those inside, the fewest first; `credit` the same with the most
// inside.
constexpr float kOutside = 4096;
struct Paths {
  std::array<float, kSets> cost{}, credit{};
  std::array<double, kSets> number{};  // with the fewest layers outside
};

void join(Paths& all, const Paths& next, std::size_t sets) {
  for (std::size_t i = 0; i < sets; ++i) {
    const float old_outside = std::ceil(all.credit[i] / kOutside);
    const float new_outside = std::ceil(next.credit[i] / kOutside);
    if (new_outside == old_outside) all.number[i] += next.number[i];
    if (new_outside < old_outside) all.number[i] = next.number[i];
    all.cost[i] = std::min(all.cost[i], next.cost[i]);
    all.credit[i] = std::min(all.credit[i], next.credit[i]);
  }
}

// `bit_of` a kind: its place in the sets, -1 where it does not occur.
Paths paths_to_output(const Network& network, const std::array<int, none>& bit_of,
                      std::size_t sets) {
  std::vector<Paths> paths(static_cast<std::size_t>(network.size()));
  paths[0].number.fill(1);
  for (int l = 1; l < network.size(); ++l) {
    const Layer& layer = network.layer(l);
    const std::span<const std::int32_t> inputs = network.inputs(layer);
    Paths& here = paths[static_cast<std::size_t>(l)];
    here = paths[static_cast<std::size_t>(inputs[0])];
    for (std::size_t i = 1; i < inputs.size(); ++i) {
      join(here, paths[static_cast<std::size_t>(inputs[i])], sets);
    }
    const Kind kind = kind_of(layer);
    if (kind == none) continue;
    const int bit = bit_of[static_cast<std::size_t>(kind)];
    for (std::size_t i = 0; i < sets; ++i) {
      const bool inside = (i >> bit & 1) != 0;
      here.cost[i] += inside ? 1 : kOutside;
      here.credit[i] += inside ? -1 : kOutside;
    }
  }
  return paths.back();
}

void add_paths(std::vector<double>& numbers, const Network& network) {
  std::array<int, none> bit_of;
  bit_of.fill(-1);
  int kinds = 0;
  for (const Layer& layer : network.layers()) {
    const Kind kind = kind_of(layer);
    if (kind == none || bit_of[static_cast<std::size_t>(kind)] >= 0) continue;
    bit_of[static_cast<std::size_t>(kind)] = kinds++;
  }
  const Paths paths = paths_to_output(network, bit_of, std::size_t{1} << kinds);
  for (std::size_t set = 0; set < kSets; ++set) {
    std::size_t s = 0;  // what of the set occurs
    for (std::size_t kind = 0; kind < bit_of.size(); ++kind) {
      if ((set >> kind & 1) != 0 && bit_of[kind] >= 0) s |= std::size_t{1} << bit_of[kind];
    }
    const float outside = std::floor(paths.cost[s] / kOutside);
    numbers.push_back(outside);
    numbers.push_back(paths.cost[s] - outside * kOutside);
    numbers.push_back(outside * kOutside - paths.credit[s]);
    numbers.push_back(std::log(std::min(paths.number[s], 1e300)));
  }
}

void add_sizes(std::vector<double>& numbers, const Network& network) {
  std::array<double, none> kinds{};
  std::array<double, kLevels> macs_at{}, parameters_at{}, layers_at{}, width_at{};
  double activations = 0, joins = 0, bits = 0, density = 0, weights = 0;
  for (const Layer& layer : network.layers()) {
    const Kind kind = kind_of(layer);
    const auto level = static_cast<std::size_t>(level_of(network, layer));
    const auto own = static_cast<double>(parameters(layer));
    macs_at[level] += static_cast<double>(macs(network, layer));
    parameters_at[level] += own;
    activations += static_cast<double>(layer.out.elements());
    if (layer.input_count > 1) joins += layer.input_count;
    if (kind == none) continue;
    ++kinds[static_cast<std::size_t>(kind)];
    ++layers_at[level];
    width_at[level] = std::max(width_at[level], static_cast<double>(layer.out.channels));
    bits += own * layer.weight_bits;
    density += own * layer.weight_density;
    weights += own;
  }
  numbers.push_back(std::log1p(static_cast<double>(macs(network))));
  numbers.push_back(std::log1p(static_cast<double>(parameters(network))));
  numbers.push_back(std::log1p(activations));
  numbers.push_back(joins);
  numbers.push_back(weights > 0 ? std::log2(bits / weights) : 0);
  numbers.push_back(weights > 0 ? density / weights : 1);
  numbers.insert(numbers.end(), kinds.begin(), kinds.end());
  for (std::size_t level = 0; level < kLevels; ++level) {
    numbers.push_back(std::log1p(macs_at[level]));
    numbers.push_back(std::log1p(parameters_at[level]));
    numbers.push_back(layers_at[level]);
    numbers.push_back(std::log1p(width_at[level]));
  }
}

std::vector<std::string> make_names() {
  std::vector<std::string> names{"batch",           "clock_share", "log_macs",  "log_parameters",
                                 "log_activations", "joins",       "log2_bits", "density"};
  for (const char* kind : kKinds) names.push_back(std::string("layers.") + kind);
  for (int level = 0; level < kLevels; ++level) {
    for (const char* what : {"log_macs", "log_parameters", "layers", "log_width"}) {
      names.push_back("level" + std::to_string(level) + '.' + what);
    }
  }
  for (unsigned s = 0; s < kSets; ++s) {
    std::string set;
    for (std::size_t k = 0; k < kKinds.size(); ++k) {
      if (s >> k & 1) set += (set.empty() ? "" : "+") + std::string(kKinds[k]);
    }
    for (const char* what : {"outside", "fewest", "most", "log_paths"}) {
      names.push_back("paths[" + set + "]." + what);
    }
  }
  return names;
}

}  // namespace

std::vector<double> feature_numbers(const Candidate& candidate) {
  std::vector<double> numbers;
  numbers.reserve(feature_names().size());
  numbers.push_back(std::log2(candidate.deployment.batch));
  numbers.push_back(candidate.deployment.clock_share);
  add_sizes(numbers, candidate.network);
  add_paths(numbers, candidate.network);
  return numbers;
}

Features features(const SearchSpace& space, const Candidate& candidate) {
  Features result{feature_numbers(candidate), candidate.genotype.genes};
  const std::vector<bool> active = space.active_genes(candidate.genotype);
  for (std::size_t i = 0; i < active.size(); ++i) {
    if (!active[i]) result.choices[i] = kInactive;
  }
  return result;
}

const std::vector<std::string>& feature_names() {
  static const std::vector<std::string> names = make_names();
  return names;
}

}  // namespace hwnas
