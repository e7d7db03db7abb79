// The compiled form of a space file: what SearchSpace::decode walks. Internal to space/.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "space/blocks.h"
#include "space/search_space.h"

namespace hwnas {

// One key of a stage: a fixed value, or options chosen by a gene.
struct Setting {
  std::vector<double> options;  // names are stored by their index in their list
  int gene = -1;                // of options.size() > 1
  bool each = false;            // one gene for each block: gene, gene + 1, ...

  double at(const Genotype& genotype, int block) const {
    if (gene < 0) return options[0];
    return options[genotype.genes[static_cast<std::size_t>(gene + (each ? block : 0))]];
  }
};

// The keys that a stage may hold, in the order of their genes.
enum class StageKey : std::uint8_t {
  depth,
  channels,
  width,
  kernel,
  kernel_w,
  stride,
  pad,
  groups,
  expansion,
  squeeze,
  activation,
  norm,
  bias,
  expand_always,
  preactivation,
  shortcut,
  pool,
  weight_bits,
  activation_bits,
  density,
  density_block,
  vocabulary,
  positions,
  heads,
  head_channels,
  kv_heads,
  cached_tokens,
  gated,
  prenorm,
  causal,
  count
};
constexpr std::size_t kStageKeys = static_cast<std::size_t>(StageKey::count);

using StageSettings = std::array<Setting, kStageKeys>;

// One option of a stage's `block`: a block with the settings it is given.
struct BlockOption {
  std::string name;
  Block block = Block::conv;
  StageSettings settings;
};

struct Stage {
  std::string name;
  Setting block;  // index into `options`
  std::vector<BlockOption> options;
  Setting depth;
};

struct SearchSpace::Plan {
  std::string name, description, text;
  std::vector<Choice> choices;
  std::vector<int> cardinalities;
  Task task;
  Setting resolution;  // height and width; 0: the task's
  Setting weight_bits, activation_bits;
  Setting density, density_block;
  Setting batch, clock_share;
  std::vector<Setting> cell_edges;  // CellOp of each edge
  std::vector<Stage> stages;
};

}  // namespace hwnas
