// Finalists: the trials that a run config's [[final]] asks to be trained in full after the search.
#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "experiments/final/final_order.h"

namespace hwnas {

// What one [[final]] chooses among.
struct Finalists {
  Objective bound;
  std::vector<FinalOrder> orders;  // the best first; several: only one of them is carried out
  std::vector<FinalOrder> heats;   // of each, shorter and on the validation images; none for one
  // What is trained in full learns from what all[teacher] trains; heats learn alone.
  std::optional<std::size_t> teacher;
  DistillationConfig distillation;
};

// For each of config.finals the complete trials that the search found best (most accurate; of a
// text, of the lowest perplexity) within its bound, no network twice; of equals the first. Throws
// InputError where none is within a bound.
std::vector<Finalists> finalists(const Study& study, const std::filesystem::path& path,
                                 const RunConfig& config);

// Runs the heats, then trains the best of each in full: config.workers.count at a time, teachers
// and then the dearest first; progress goes to standard error. What became of each, some lines in
// the order of `all`; nothing where stopped: the same call goes on. Throws InputError.
std::optional<std::string> train_finalists(const std::vector<Finalists>& all,
                                           const RunConfig& config, std::stop_token stop);

}  // namespace hwnas
