// Features: a candidate as numbers that a predictor can learn from, in any space.
//
// The numbers are derived from the live network alone: its sizes (MACs, parameters, activations;
// overall and at each resolution), how often each kind of layer occurs, and how the paths from
// input to output run: for sets of kinds the fewest layers outside the set that a path must pass,
// and among such paths the fewest and most layers of the set and the number of paths. (The idea of
// GRAF, Kadlecova et al. 2024, arXiv:2404.16551, carried from a cell to a whole network.) All
// networks give the same list; numbers on which those of a space agree teach nothing, and
// predictors drop them. Thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "space/search_space.h"

namespace hwnas {

// What a predictor sees of a candidate.
struct Features {
  std::vector<double> numbers;        // of the network and its deployment; always as many
  std::vector<std::uint8_t> choices;  // the genes; those that decide nothing are kInactive
};
constexpr std::uint8_t kInactive = 255;

// The candidate's network must be live.
Features features(const SearchSpace& space, const Candidate& candidate);
std::vector<double> feature_numbers(const Candidate& candidate);
const std::vector<std::string>& feature_names();

}  // namespace hwnas
