// What hwnas says to hwnas-trainer and what it hears: command line, greeting, requests, answers
// (trainer/README.md). Pure functions; thread-safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "experiments/run_config.h"
#include "hw_models/device.h"
#include "search/evaluator.h"
#include "space/search_space.h"

namespace hwnas {

// What a trainer process says of itself and its data when it starts.
struct TrainerGreeting {
  Task task;
  std::int64_t train_images = 0, validation_images = 0;
  std::string torch, device;
  int threads = 1;
  std::string host, processor;
};

// Files of one training; empty: none.
struct TrainingFiles {
  std::filesystem::path weights, checkpoint, keep_state, continue_from;
  std::filesystem::path parent;  // weights of the parent, where trainings begin with them
  std::filesystem::path logits;  // of teachers, a name to which the trainer adds which
};

// For a pool of trainers on the config's data set; without [data] on random images, on which they
// score networks and train none. `train_images` 0: all. `validation_share`: the config's unless
// said.
ProcessPoolOptions trainer_pool(const RunConfig& config, std::int64_t train_images,
                                std::optional<double> validation_share = {});

// Throws InputError where the line is no greeting of hwnas-trainer.
TrainerGreeting parse_greeting(const std::string& line);

// Whether the line says only that the trainer is alive.
bool is_pulse(const std::string& line);

// "LibTorch 1.13.0, cpu, 1 thread, Intel(R) Xeon(R) ...": what decides the last digits.
std::string environment_text(const TrainerGreeting& greeting);

// The caller may add keys. `cells`: the device of [training.noise], where it is to count. Throws
// InputError where the network does not fit its cells.
nlohmann::json training_request(const Job& job, const TrainingConfig& training,
                                const TrainingFiles& files, const std::optional<Device>& cells);

// The curve in a "done" line; empty where it has none.
std::vector<CurvePoint> curve_of(const nlohmann::json& done);

}  // namespace hwnas
