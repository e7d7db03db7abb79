// Trainer processes -> Evaluator: the stage "training". JSON lines (trainer/README.md) over a
// ProcessPool.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "experiments/run_config.h"
#include "hw_models/device.h"
#include "search/evaluator.h"
#include "space/search_space.h"

namespace hwnas {

class ProcessPool;

// What a trainer process says of itself and its data when it starts.
struct TrainerGreeting {
  Task task;
  std::int64_t train_images = 0, validation_images = 0;
  std::string torch, device;
};

// How hwnas-trainer is started for a run; `train_images` 0: all.
std::vector<std::string> trainer_command(const RunConfig& config, std::int64_t train_images);

// Starts a trainer of the pool where none runs. Throws InputError with its words where it does not
// start or greet, for example because the data is damaged.
TrainerGreeting greeting_of(ProcessPool& pool);

// One epoch of one candidate, as it happens.
struct EpochReport {
  TrialId trial = 0;
  int epoch = 0, epochs = 0;
  double accuracy = 0;
  double images_per_s = 0;
};

// A rung: a training that is shorter than the run's, or sees fewer images.
struct ShortTraining {
  std::string name;     // of the stage
  double fidelity = 0;  // of its measurements
  int epochs = 1;
  std::int64_t train_images = 0;
};

// The command that starts a trainer on the config's data set; without [data] on random images, on
// which it scores networks and trains none.
std::vector<std::string> trainer_command(const RunConfig& config, std::int64_t train_images);

class TrainerEvaluator : public Evaluator {
 public:
  using OnEpoch = std::function<void(const EpochReport&)>;

  // `weights`: the folder for trained weights, or empty for none. Evaluations that run when `kill`
  // is requested are interrupted at once. `cells`: the device of [training.noise]. `rung`: in the
  // place of the run's own training.
  TrainerEvaluator(const RunConfig& config, std::filesystem::path weights, OnEpoch on_epoch,
                   std::stop_token kill, std::optional<Device> cells,
                   const std::optional<ShortTraining>& rung = {});
  ~TrainerEvaluator() override;

  TrainerGreeting greet();  // greeting_of() its pool

  std::string_view name() const override;
  int concurrency() const override;
  // A network is trained once however it is deployed.
  std::optional<Source> shared_source() const override { return Source::trained; }
  std::uint64_t key(const Candidate& candidate) const override {
    return fingerprint(candidate.network);
  }
  void evaluate(std::span<const Job> jobs, const Done& done, std::stop_token stop) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hwnas
