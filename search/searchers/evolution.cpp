#include "search/searchers/evolution.h"

#include <cassert>
#include <iterator>
#include <utility>

#include "space/operators.h"

namespace hwnas {
namespace {

constexpr int kSteps = 20;  // mutations away from a child that was asked before, then a sample

double mutation_rate(const SearcherOptions& options) {
  if (options.mutation_rate > 0 || options.cardinalities.empty()) return options.mutation_rate;
  return 1.0 / static_cast<double>(options.cardinalities.size());
}

}  // namespace

Evolution::Evolution(const SearcherOptions& options)
    : size_(static_cast<std::size_t>(options.population)),
      mutation_rate_(mutation_rate(options)),
      rng_(options.seed),
      unasked_(options.cardinalities) {
  assert(options.population >= 1);
}

std::vector<Proposal> Evolution::ask(int n) {
  assert(n >= 1);
  std::vector<Proposal> proposals;
  while (static_cast<int>(proposals.size()) < n) {
    std::optional<Proposal> proposal = propose();
    if (!proposal) break;
    proposals.push_back(std::move(*proposal));
    ++pending_;
  }
  return proposals;
}

void Evolution::tell(std::span<const Outcome> outcomes) {
  pending_ -= static_cast<std::int64_t>(outcomes.size());
  std::vector<Individual> newcomers = intake_.take(outcomes);
  std::move(newcomers.begin(), newcomers.end(), std::back_inserter(population_));
  survive();
}

const Individual& Evolution::any() {
  return population_[rng_.below(static_cast<std::uint32_t>(population_.size()))];
}

std::optional<Proposal> Evolution::propose() {
  const auto expected = static_cast<std::int64_t>(population_.size()) + pending_;
  if (!population_.empty() && expected >= static_cast<std::int64_t>(size_)) {
    if (std::optional<Proposal> child = breed()) return child;
  }
  std::optional<Genotype> genotype = unasked_.draw(rng_);
  if (!genotype) return std::nullopt;
  return Proposal{std::move(*genotype), {}, "sample"};
}

std::optional<Proposal> Evolution::breed() {
  if (unasked_.empty()) return std::nullopt;
  Proposal child = conceive();
  if (child.parents.size() > 1) {  // new already, so it need not mutate
    if (vary(child.genotype, unasked_.cardinalities(), mutation_rate_, rng_))
      child.origin += "+mutate";
    if (unasked_.claim(child.genotype)) return child;
    child.origin = "crossover+mutate";
  }
  for (int step = 0; step < kSteps; ++step) {
    child.genotype = mutate(child.genotype, unasked_.cardinalities(), mutation_rate_, rng_);
    if (unasked_.claim(child.genotype)) return child;
  }
  return std::nullopt;
}

}  // namespace hwnas
