#include "search/searchers/prospector.h"

#include <utility>

namespace hwnas {
namespace {

constexpr std::size_t kMost = 20'000;  // remembered: about 50 MB

}  // namespace

void Prospector::forget() {
  if (seen_.size() > kMost) seen_.clear();
}

std::vector<const Prospect*> Prospector::look(std::span<const Genotype> genotypes) {
  std::vector<Genotype> fresh;
  std::vector<std::uint64_t> keys;
  for (const Genotype& genotype : genotypes) {
    const std::uint64_t key = hash(genotype);
    if (seen_.try_emplace(key).second) {
      fresh.push_back(genotype);
      keys.push_back(key);
    }
  }
  std::vector<Prospect> found = outlook_.look(fresh);
  for (std::size_t i = 0; i < found.size(); ++i) seen_[keys[i]] = std::move(found[i]);
  std::vector<const Prospect*> prospects;
  prospects.reserve(genotypes.size());
  for (const Genotype& genotype : genotypes) prospects.push_back(&seen_.at(hash(genotype)));
  return prospects;
}

}  // namespace hwnas
