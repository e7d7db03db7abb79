#include "experiments/adapters/trainer_evaluator.h"

#include <nlohmann/json.hpp>

#include "experiments/adapters/cell_noise.h"
#include "experiments/library.h"
#include "search/engine/process_pool.h"
#include "search/engine/scheduler.h"
#include "space/input_error.h"
#include "space/network_file.h"

namespace hwnas {
namespace {

using nlohmann::json;

std::string request(const Job& job, const TrainingConfig& training, const std::string& weights,
                    const std::optional<Device>& cells) {
  json line{{"task", job.trial},
            {"seed", std::to_string(job.seed)},
            {"network", to_toml(job.candidate->network)},
            {"epochs", training.epochs},
            {"batch", training.batch},
            {"learning_rate", training.learning_rate},
            {"warmup", training.warmup},
            {"optimiser", training.optimiser},
            {"momentum", training.momentum},
            {"weight_decay", training.weight_decay},
            {"label_smoothing", training.label_smoothing},
            {"augment", training.augment},
            {"precision", training.precision},
            {"quantization", training.quantization}};
  if (training.time_limit_s > 0) line["time_limit_s"] = training.time_limit_s;
  if (!weights.empty()) line["weights"] = weights;
  if (cells) line["cells"] = cells_json(*training.noise, *cells, job.candidate->network);
  return line.dump();
}

// "done" or "failed" as an evaluation.
Evaluation ending(const json& line, const Job& job, const std::string& weights, double fidelity) {
  Evaluation evaluation;
  if (line.at("event") == "failed") {
    evaluation.failure = line.value("reason", "failed without a reason");
    return evaluation;
  }
  if (line.at("parameters").get<std::int64_t>() != parameters(job.candidate->network)) {
    evaluation.failure =
        "the trainer built " + std::to_string(line.at("parameters").get<std::int64_t>()) +
        " parameters where the network has " + std::to_string(parameters(job.candidate->network));
    return evaluation;
  }
  const auto measured = [&](Metric metric, double value, std::optional<double> stddev) {
    evaluation.measurements.push_back({{metric, ""}, Source::trained, fidelity, value, stddev});
  };
  measured(Metric::accuracy, line.at("accuracy").get<double>(), line.at("stddev").get<double>());
  if (line.contains("perplexity")) {
    measured(Metric::perplexity, line.at("perplexity").get<double>(),
             line.at("perplexity_stddev").get<double>());
  }
  measured(Metric::training_loss, line.at("loss").get<double>(), std::nullopt);
  if (!weights.empty()) evaluation.artifacts.push_back({"weights", weights});
  return evaluation;
}

}  // namespace

std::vector<std::string> trainer_command(const RunConfig& config, std::int64_t train_images) {
  std::vector<std::string> command = config.workers.command;
  if (command.empty()) command.push_back(companion_program("hwnas-trainer"));
  const auto option = [&command](const char* name, const std::string& value) {
    command.emplace_back(name);
    command.push_back(value);
  };
  option("--data-set", config.data ? config.data->set : "noise");
  if (config.data) {
    option("--data", config.data->directory.string());
    if (config.data->is_text()) option("--context", std::to_string(config.data->context));
    option("--validation-share", std::to_string(config.data->validation_share));
  }
  if (train_images > 0) option("--train-images", std::to_string(train_images));
  option("--split-seed", std::to_string(config.seed));
  option("--threads", std::to_string(config.workers.threads));
  option("--device", config.workers.device);
  if (!config.workers.memory_limit.empty()) option("--memory-limit", config.workers.memory_limit);
  return command;
}

TrainerGreeting greeting_of(ProcessPool& pool) {
  std::string line;
  try {
    line = pool.greeting();
  } catch (const std::runtime_error& error) {
    throw InputError(std::string("the trainer does not start: ") + error.what());
  }
  const json words = json::parse(line, nullptr, false);
  if (!words.is_object() || words.value("event", "") != "ready" ||
      words.value("protocol", 0) != 1) {
    throw InputError(
        "the trainer does not greet as expected; is workers.command hwnas-trainer? It said: " +
        line);
  }
  TrainerGreeting greeting;
  const auto shape = words.at("input").get<std::vector<int>>();
  greeting.task = {{shape.at(0), shape.at(1), shape.at(2)}, words.at("classes").get<int>()};
  greeting.train_images = words.at("train_images").get<std::int64_t>();
  greeting.validation_images = words.at("validation_images").get<std::int64_t>();
  greeting.torch = words.value("torch", "");
  greeting.device = words.value("device", "");
  return greeting;
}

struct TrainerEvaluator::Impl {
  std::string name;
  double fidelity;
  TrainingConfig training;
  int processes;
  std::filesystem::path weights;
  OnEpoch on_epoch;
  std::stop_token kill;
  std::optional<Device> cells;
  ProcessPool pool;

  // Relative to the folder of weights, as studies store it; the trainer is given the whole path.
  std::string weights_name(const Job& job) const {
    return weights.empty() ? "" : "trial" + std::to_string(job.trial) + ".pt";
  }
  std::string weights_path(const Job& job) const {
    return weights.empty() ? "" : (weights / weights_name(job)).string();
  }
};

TrainerEvaluator::TrainerEvaluator(const RunConfig& config, std::filesystem::path weights,
                                   OnEpoch on_epoch, std::stop_token kill,
                                   std::optional<Device> cells,
                                   const std::optional<ShortTraining>& rung) {
  TrainingConfig training = *config.training;
  if (rung) training.epochs = rung->epochs;
  const int processes = config.workers.count > 0 ? config.workers.count : machine_threads();
  ProcessPoolOptions options;
  options.command = trainer_command(config, rung ? rung->train_images : config.data->train_images);
  options.processes = processes;
  // The trainer minds its own limit; the pool's is for one that no longer does.
  if (config.training->time_limit_s > 0)
    options.time_limit_s = 2 * config.training->time_limit_s + 30;
  impl_ = std::unique_ptr<Impl>(
      new Impl{rung ? rung->name : "training", rung ? rung->fidelity : training.epochs,
               std::move(training), processes, std::move(weights), std::move(on_epoch),
               std::move(kill), std::move(cells), ProcessPool(std::move(options))});
}

TrainerEvaluator::~TrainerEvaluator() = default;

std::string_view TrainerEvaluator::name() const {
  return impl_->name;
}

int TrainerEvaluator::concurrency() const {
  return impl_->processes;
}

TrainerGreeting TrainerEvaluator::greet() {
  return greeting_of(impl_->pool);
}

void TrainerEvaluator::evaluate(std::span<const Job> jobs, const Done& done, std::stop_token stop) {
  std::vector<std::string> requests;
  std::vector<std::size_t> asked;  // the jobs of the requests
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    try {
      requests.push_back(
          request(jobs[i], impl_->training, impl_->weights_path(jobs[i]), impl_->cells));
      asked.push_back(i);
    } catch (const InputError& error) {
      Evaluation evaluation;
      evaluation.failure = error.what();
      done(i, std::move(evaluation));
    }
  }
  std::vector<json> last(requests.size());

  const auto on_line = [&](std::size_t i, const std::string& line) {
    json words = json::parse(line, nullptr, false);
    if (!words.is_object())
      words = {{"event", "failed"},
               {"reason", "the trainer wrote what is not JSON: " + line.substr(0, 80)}};
    const std::string event = words.value("event", "");
    if (event == "epoch" && impl_->on_epoch) {
      impl_->on_epoch({jobs[asked[i]].trial, words.value("epoch", 0), words.value("epochs", 0),
                       words.value("accuracy", 0.0), words.value("images_per_s", 0.0)});
    }
    if (event != "done" && event != "failed") return false;
    last[i] = std::move(words);
    return true;
  };
  const auto on_done = [&](std::size_t i, TaskResult result) {
    Evaluation evaluation;
    if (result.failure.empty() && !result.interrupted) {
      try {
        evaluation =
            ending(last[i], jobs[asked[i]], impl_->weights_name(jobs[asked[i]]), impl_->fidelity);
      } catch (const json::exception& error) {
        evaluation.failure = std::string("the trainer's answer lacks a part: ") + error.what();
      }
    }
    if (!result.failure.empty()) evaluation.failure = "trainer " + result.failure;
    evaluation.interrupted = result.interrupted;
    evaluation.seconds = result.seconds;
    done(asked[i], std::move(evaluation));
  };
  impl_->pool.run(requests, on_line, on_done, stop, impl_->kill);
}

}  // namespace hwnas
