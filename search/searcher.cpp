#include "search/searcher.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "search/searchers/local_search.h"
#include "search/searchers/nsga2.h"
#include "search/searchers/random_search.h"
#include "search/searchers/regularized_evolution.h"
#include "search/searchers/surrogate_search.h"

namespace hwnas {
namespace {

const std::array<std::string, 5> kAlgorithms{"random", "nsga2", "regularized_evolution",
                                             "local_search", "surrogate"};

}  // namespace

std::string_view to_string(Algorithm algorithm) {
  return kAlgorithms[static_cast<std::size_t>(algorithm)];
}

std::optional<Algorithm> parse_algorithm(std::string_view name) {
  const auto found = std::find(kAlgorithms.begin(), kAlgorithms.end(), name);
  if (found == kAlgorithms.end()) return std::nullopt;
  return static_cast<Algorithm>(found - kAlgorithms.begin());
}

std::span<const std::string> algorithm_names() {
  return kAlgorithms;
}

std::unique_ptr<Searcher> make_searcher(const SearcherOptions& options) {
  switch (options.algorithm) {
    case Algorithm::random:
      return std::make_unique<RandomSearch>(options);
    case Algorithm::nsga2:
      return std::make_unique<Nsga2>(options);
    case Algorithm::regularized_evolution:
      return std::make_unique<RegularizedEvolution>(options);
    case Algorithm::local_search:
      return std::make_unique<LocalSearch>(options);
    case Algorithm::surrogate:
      return std::make_unique<SurrogateSearch>(options);
  }
  assert(false);
  return nullptr;
}

}  // namespace hwnas
