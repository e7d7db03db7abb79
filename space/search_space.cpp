#include "space/search_space.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "space/space_plan.h"

namespace hwnas {
namespace {

int whole(const Setting& setting, const Genotype& genotype, int block = 0) {
  return static_cast<int>(setting.at(genotype, block));
}

// What one block of a stage is told.
BlockSpec specify(const StageSettings& settings, Block block, const Genotype& genotype, int index) {
  const auto number = [&](StageKey key) {
    return settings[static_cast<std::size_t>(key)].at(genotype, index);
  };
  const auto integer = [&](StageKey key) { return static_cast<int>(number(key)); };
  BlockSpec spec;
  spec.block = block;
  spec.channels = scale_channels(integer(StageKey::channels), number(StageKey::width));
  spec.kernel = integer(StageKey::kernel);
  spec.kernel_w = integer(StageKey::kernel_w);
  spec.stride = index == 0 ? integer(StageKey::stride) : 1;
  spec.pad = integer(StageKey::pad);
  spec.groups = integer(StageKey::groups);
  spec.expansion = number(StageKey::expansion);
  spec.squeeze = number(StageKey::squeeze);
  spec.activation = static_cast<Activation>(integer(StageKey::activation));
  spec.norm = static_cast<Norm>(integer(StageKey::norm));
  spec.bias = number(StageKey::bias) != 0;
  spec.expand_always = number(StageKey::expand_always) != 0;
  spec.preactivation = number(StageKey::preactivation) != 0;
  spec.global_pool = number(StageKey::pool) != 0;
  spec.shortcut = static_cast<Shortcut>(integer(StageKey::shortcut));
  spec.vocabulary = integer(StageKey::vocabulary);
  spec.positions = integer(StageKey::positions);
  spec.heads = integer(StageKey::heads);
  spec.head_channels = integer(StageKey::head_channels);
  spec.kv_heads = integer(StageKey::kv_heads);
  spec.cached_tokens = integer(StageKey::cached_tokens);
  spec.gated = number(StageKey::gated) != 0;
  spec.prenorm = number(StageKey::prenorm) != 0;
  spec.causal = number(StageKey::causal) != 0;
  return spec;
}

}  // namespace

const std::string& SearchSpace::name() const {
  return plan_->name;
}
const std::string& SearchSpace::description() const {
  return plan_->description;
}
const std::string& SearchSpace::text() const {
  return plan_->text;
}
const std::vector<Choice>& SearchSpace::choices() const {
  return plan_->choices;
}
const std::vector<int>& SearchSpace::cardinalities() const {
  return plan_->cardinalities;
}
Task SearchSpace::task() const {
  return plan_->task;
}

double SearchSpace::log10_size() const {
  double sum = 0;
  for (const int options : cardinalities()) sum += std::log10(options);
  return sum;
}

Candidate SearchSpace::decode(const Genotype& genotype) const {
  const Plan& plan = *plan_;
  if (genotype.genes.size() != plan.cardinalities.size()) {
    throw std::invalid_argument("genotype has " + std::to_string(genotype.genes.size()) +
                                " genes; space '" + plan.name + "' has " +
                                std::to_string(plan.cardinalities.size()));
  }
  for (std::size_t i = 0; i < genotype.genes.size(); ++i) {
    if (genotype.genes[i] >= plan.cardinalities[i]) {
      throw std::invalid_argument("gene '" + plan.choices[i].name + "' is " +
                                  std::to_string(genotype.genes[i]) + "; it has only " +
                                  std::to_string(plan.cardinalities[i]) + " options");
    }
  }
  Shape input = plan.task.input;
  if (const int side = whole(plan.resolution, genotype)) input.height = input.width = side;
  NetworkBuilder builder(plan.name, input);
  const double shared = plan.density.at(genotype, 0);
  const double density = shared > 0 ? shared : 1;
  const int default_weight_bits = whole(plan.weight_bits, genotype);
  const int default_activation_bits = whole(plan.activation_bits, genotype);
  builder.set_input_precision(default_activation_bits);
  std::vector<CellOp> edges;
  for (const Setting& edge : plan.cell_edges)
    edges.push_back(static_cast<CellOp>(whole(edge, genotype)));

  int x = 0;
  std::string prefix;
  for (const Stage& stage : plan.stages) {
    const int depth = whole(stage.depth, genotype);
    for (int i = 0; i < depth; ++i) {
      const BlockOption& option =
          stage.options[static_cast<std::size_t>(whole(stage.block, genotype, i))];
      BlockSpec spec = specify(option.settings, option.block, genotype, i);
      spec.classes = plan.task.classes;
      if (spec.vocabulary == 0) spec.vocabulary = spec.classes;
      spec.edges = edges;
      const auto bits = [&](StageKey key, int fallback) {
        const int own = whole(option.settings[static_cast<std::size_t>(key)], genotype, i);
        return own ? own : fallback;
      };
      builder.set_precision(bits(StageKey::weight_bits, default_weight_bits),
                            bits(StageKey::activation_bits, default_activation_bits));
      const double own =
          option.settings[static_cast<std::size_t>(StageKey::density)].at(genotype, i);
      const Setting& block = option.settings[static_cast<std::size_t>(StageKey::density_block)];
      builder.set_weight_density(own > 0 ? own : density,
                                 whole(own > 0 ? block : plan.density_block, genotype, i));
      prefix = stage.name;
      if (depth > 1 || stage.depth.gene >= 0) prefix += "." + std::to_string(i + 1);
      x = append_block(builder, prefix, x, spec);
    }
  }
  Candidate candidate{genotype, std::move(builder).build(), {}};
  candidate.deployment.batch = whole(plan.batch, genotype);
  candidate.deployment.clock_share = plan.clock_share.at(genotype, 0);
  return candidate;
}

std::vector<bool> SearchSpace::active_genes(const Genotype& genotype) const {
  std::vector<bool> active(genotype.genes.size(), true);
  for (const Stage& stage : plan_->stages) {
    const int depth = whole(stage.depth, genotype);
    const int most =
        static_cast<int>(*std::max_element(stage.depth.options.begin(), stage.depth.options.end()));
    const auto switch_off = [&](const Setting& setting) {
      if (setting.gene < 0 || !setting.each) return;
      for (int i = depth; i < most; ++i) active[static_cast<std::size_t>(setting.gene + i)] = false;
    };
    switch_off(stage.block);
    for (const BlockOption& option : stage.options) {
      for (const Setting& setting : option.settings) switch_off(setting);
    }
  }
  return active;
}

std::string describe(const SearchSpace& space, const Genotype& genotype) {
  std::string text;
  const std::vector<bool> active = space.active_genes(genotype);
  for (std::size_t i = 0; i < genotype.genes.size(); ++i) {
    if (!active[i]) continue;
    const Choice& choice = space.choices()[i];
    text += (text.empty() ? "" : ", ") + choice.name + " " + choice.options[genotype.genes[i]];
  }
  return text;
}

}  // namespace hwnas
