// Pricing and predictors -> Outlook: what a searcher may know before it spends anything.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "experiments/adapters/cost_evaluator.h"
#include "search/objective.h"
#include "search/outlook.h"
#include "space/search_space.h"

namespace hwnas {

struct OutlookSources {
  const SearchSpace* space = nullptr;
  std::shared_ptr<const Pricing> pricing;
  std::vector<Objective> objectives;
  // Equal: one and the same candidate. Pure and thread-safe.
  std::function<std::uint64_t(const Candidate& as_decoded)> identity;
  // Zero-cost scores of networks, as many for each; none: those of tables alone.
  std::function<std::vector<std::vector<double>>(std::span<const Network>)> proxies;
  std::uint64_t seed = 1;  // of the sample that scales the features
  int threads = 1;         // decides nothing but the speed
};

// Parameters and MACs, the more the better, are among the scores. The space must outlive it.
std::unique_ptr<Outlook> make_search_outlook(OutlookSources sources);

}  // namespace hwnas
