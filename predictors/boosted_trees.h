// BoostedTrees: gradient-boosted regression trees (XGBoost: Chen and Guestrin 2016,
// doi:10.1145/2939672.2939785), for hundreds of samples and more.
//
// An ensemble of models, each on a bootstrap sample with a seed of its own. The standard deviation
// has the ensemble's spread and the noise that samples left out of the bootstrap show, scaled so
// that their intervals hold what they say (calibration() of accuracy.h). One thread.
#pragma once

#include <memory>

#include "predictors/predictor.h"

namespace hwnas {

struct BoostedTreesOptions {
  int models = 8, rounds = 150, depth = 5;
  double learning_rate = 0.1;
};

// Whether this build has XGBoost.
bool has_boosted_trees();

// Throws InputError where this build has none.
std::unique_ptr<Predictor> make_boosted_trees(const BoostedTreesOptions& options = {});

}  // namespace hwnas
