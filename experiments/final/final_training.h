// A full training of one network, apart from a search: safe against interruption, and looking at
// the test images once, at its end.
//
// Everything lies in one folder: settings.txt (what decides the training), network.toml, checkpoint
// while it goes on, then weights.pt and result.json. The same training in the same folder goes on
// from the checkpoint; where there is a result it is read, and the test images are not looked at
// again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>

#include "experiments/adapters/trainer_lines.h"
#include "experiments/run_config.h"
#include "search/store/final_training.h"
#include "space/network.h"

namespace hwnas {

struct FinalPlan {
  RunConfig config;             // its data, workers and training, the teacher resolved
  Network network;              // live
  std::optional<Device> cells;  // of [training.noise]
  std::uint64_t seed = 0;
  bool keep_validation = false;  // else the validation images are trained on too
  bool test = true;              // else the test images are not looked at
  double checkpoint_every_s = 10;
  std::filesystem::path folder;
};

// All that decides the outcome, one "key = value" a line.
std::string final_settings(const FinalPlan& plan);

// Told on the way.
struct FinalEpoch {
  int epoch = 0, epochs = 0;
  double loss = 0;
  std::optional<double> validation;
  double images_per_s = 0;
  double seconds = 0;  // of this epoch
};
struct FinalListener {
  std::function<void(const TrainerGreeting&)> starts;
  std::function<void(const FinalEpoch&)> epoch;
  std::function<void(const std::string&)> note;  // goes on from a checkpoint, or cannot
};

// Without `trial` and `folder` (the plan's). Nothing where `stop` was requested: the same call goes
// on. Throws InputError: a folder of another training, a trainer that does not start, a training
// that fails.
std::optional<FinalTraining> train_finally(const FinalPlan& plan, const FinalListener& listener,
                                           std::stop_token stop);

}  // namespace hwnas
