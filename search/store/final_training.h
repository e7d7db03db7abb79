// FinalTraining: a trial of a study trained in full, apart from the search.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "search/trial.h"

namespace hwnas {

struct FinalTraining {
  TrialId trial = 0;
  std::string settings;  // all that decides it, "key = value" lines
  std::uint64_t seed = 0;
  int epochs = 0;
  std::int64_t images = 0;           // of the training part
  double loss = 0;                   // of the last epoch
  std::optional<double> validation;  // accuracy; nothing where those images were trained on too
  double test_accuracy = 0;
  std::int64_t test_images = 0;                // or sequences
  std::optional<double> test_perplexity = {};  // of a text
  double test_perplexity_stddev = 0;           // its standard error
  std::string folder;                          // of weights.pt and network.toml
  std::string environment;                     // what it ran on
  double seconds = 0;
  std::optional<double> validation_perplexity = {};  // of a text; not stored
};

}  // namespace hwnas
