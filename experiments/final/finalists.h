// Finalists: the trials that a run config's [[final]] asks to be trained in full after the search.
#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "experiments/final/final_order.h"

namespace hwnas {

// For each of config.finals the complete trial that the search found best (most accurate; of a
// text, of the lowest perplexity) within its bound; of equals the first. Throws InputError where
// none is within a bound.
std::vector<FinalOrder> finalists(const Study& study, const std::filesystem::path& path,
                                  const RunConfig& config);

// Carries them out, config.workers.count at a time, the dearest first; progress goes to standard
// error. What became of each, some lines in the order of `orders`; nothing where stopped: the same
// call goes on. Throws InputError.
std::optional<std::string> train_finalists(const std::vector<FinalOrder>& orders,
                                           const RunConfig& config, std::stop_token stop);

}  // namespace hwnas
