// Small spaces for tests of what is learned of devices.
#pragma once

#include <string>
#include <vector>

#include "predictors/device_sources.h"
#include "space/layer_counts.h"
#include "space/operators.h"
#include "space/rng.h"

namespace hwnas::testing {

inline SearchSpace cell_space() {
  return SearchSpace::load(std::string(HWNAS_SOURCE_DIR) + "/space/spaces/nasbench201.toml");
}

// Architectures at random, those with a network.
inline std::vector<Genotype> some_cells(const SearchSpace& space, std::size_t number,
                                        std::uint64_t seed) {
  std::vector<Genotype> cells;
  Rng rng(seed);
  while (cells.size() < number) {
    Genotype cell = sample(space.cardinalities(), rng);
    if (live(space.decode(cell).network)) cells.push_back(std::move(cell));
  }
  return cells;
}

inline std::vector<Architecture> read_all(const SearchSpace& space,
                                          const std::vector<Genotype>& cells) {
  std::vector<Architecture> all;
  for (const Genotype& cell : cells) all.push_back(read_architecture(space, cell));
  return all;
}

// A made-up device: so much for each 1x1 and 3x3 convolution and pooling, in ms; of all layers, or
// of those in use.
struct MadeUpDevice {
  double base, conv1, conv3, pool;
  bool used;

  double operator()(const Architecture& a) const {
    const std::size_t at = used ? layer_count_names().size() / 2 : 0;
    return base + conv1 * a.counts[at] + conv3 * a.counts[at + 1] + pool * a.counts[at + 6];
  }
};

inline std::vector<SourceColumn> made_up_sources(const std::vector<Architecture>& population) {
  std::vector<SourceColumn> columns;
  Rng rng(9);
  for (int d = 0; d < 8; ++d) {
    const MadeUpDevice device{1 + rng.uniform(), 0.3 + 0.3 * rng.uniform(), 0.6 + rng.uniform(),
                              0.2 * rng.uniform(), d % 2 == 1};
    const std::string name = "d" + std::to_string(d);
    SourceColumn column{name + "_ms", name, {}};
    for (const Architecture& a : population)
      column.values.push_back(device(a) * (1 + 0.01 * rng.normal()));
    columns.push_back(std::move(column));
  }
  return columns;
}

}  // namespace hwnas::testing
