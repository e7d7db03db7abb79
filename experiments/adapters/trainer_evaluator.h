// Trainer processes -> Evaluator: the stage "training". JSON lines (trainer/README.md) over a
// ProcessPool.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "experiments/adapters/trainer_lines.h"
#include "experiments/run_config.h"
#include "hw_models/device.h"
#include "search/evaluator.h"

namespace hwnas {

class ProcessPool;

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

struct TrainingListener {
  std::function<void(const EpochReport&)> epoch = {};
  std::function<void(const std::string&)> trouble = {};  // a trainer was lost, in a line
};

// A rung: a training that is shorter than the run's, or sees fewer images.
struct ShortTraining {
  std::string name;     // of the stage
  double fidelity = 0;  // of its measurements
  int epochs = 1;
  std::int64_t train_images = 0;
};

// The file of a trial's weights in that folder.
std::string weights_name(TrialId trial);

// Removes what trainings of a trial kept to go on from. `files`: the folder of the evaluators.
void remove_states(const std::filesystem::path& files, TrialId trial, int rungs);

class TrainerEvaluator : public Evaluator {
 public:
  // `files`: the folder for trained weights and for the state of trainings under way, or empty for
  // none. Evaluations that run when `kill` is requested are interrupted at once. `cells`: the
  // device of [training.noise]. `place`: among the trainings, from 0. `rung`: in the place of the
  // run's own training.
  TrainerEvaluator(const RunConfig& config, std::filesystem::path files, TrainingListener listener,
                   std::stop_token kill, std::optional<Device> cells, int place = 0,
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
  void evaluate_stream(JobSource& jobs, std::stop_token stop) override;

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace hwnas
