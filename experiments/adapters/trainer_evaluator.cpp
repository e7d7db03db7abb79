#include "experiments/adapters/trainer_evaluator.h"

#include <nlohmann/json.hpp>

#include "search/engine/process_pool.h"
#include "search/engine/scheduler.h"
#include "space/input_error.h"

namespace hwnas {
namespace {

using nlohmann::json;

std::string checkpoint_name(TrialId trial) {
  return "trial" + std::to_string(trial) + ".checkpoint";
}
// What rung `place` left for the next.
std::string state_name(TrialId trial, int place) {
  return "trial" + std::to_string(trial) + ".state" + std::to_string(place);
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
  evaluation.curve = curve_of(line);
  return evaluation;
}

}  // namespace

void remove_states(const std::filesystem::path& files, TrialId trial, int rungs) {
  std::error_code ignored;
  std::filesystem::remove(files / checkpoint_name(trial), ignored);
  for (int place = 0; place < rungs; ++place)
    std::filesystem::remove(files / state_name(trial, place), ignored);
}

TrainerGreeting greeting_of(ProcessPool& pool) {
  std::string line;
  try {
    line = pool.greeting();
  } catch (const std::runtime_error& error) {
    throw InputError(std::string("the trainer does not start: ") + error.what());
  }
  return parse_greeting(line);
}

std::string weights_name(TrialId trial) {
  return "trial" + std::to_string(trial) + ".pt";
}

struct TrainerEvaluator::Impl {
  std::string name;
  double fidelity;
  TrainingConfig training;
  int processes;
  std::filesystem::path files;
  std::optional<ShortTraining> rung;  // nothing: the run's own training
  bool continues;                     // from what the rung before it left
  int place;                          // of this stage among the trainings
  OnEpoch on_epoch;
  std::stop_token kill;
  std::optional<Device> cells;
  ProcessPool pool;
  std::string environment;

  // Relative to the folder of files, as studies store it; the trainer is given the whole path.
  std::string weights_name(const Job& job) const {
    return rung ? "" : hwnas::weights_name(job.trial);
  }

  // Of the first parent that was trained to the end.
  std::filesystem::path weights_of_parent(const Job& job) const {
    for (const TrialId parent : job.parents) {
      const std::filesystem::path path = files / hwnas::weights_name(parent);
      if (std::filesystem::exists(path)) return path;
    }
    return {};
  }

  TrainingFiles files_of(const Job& job) const {
    TrainingFiles all;
    if (files.empty()) return all;
    all.logits = files / "teacher";
    if (training.start && training.start->parents()) all.parent = weights_of_parent(job);
    if (!rung) all.weights = files / weights_name(job);
    if (!rung) all.checkpoint = files / checkpoint_name(job.trial);
    if (continues && rung) all.keep_state = files / state_name(job.trial, place);
    if (continues && place > 0) all.continue_from = files / state_name(job.trial, place - 1);
    return all;
  }
};

TrainerEvaluator::TrainerEvaluator(const RunConfig& config, std::filesystem::path files,
                                   OnEpoch on_epoch, std::stop_token kill,
                                   std::optional<Device> cells, int place,
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
  impl_ = std::unique_ptr<Impl>(new Impl{.name = rung ? rung->name : "training",
                                         .fidelity = rung ? rung->fidelity : training.epochs,
                                         .training = std::move(training),
                                         .processes = processes,
                                         .files = std::move(files),
                                         .rung = rung,
                                         .continues = config.rungs_continue,
                                         .place = place,
                                         .on_epoch = std::move(on_epoch),
                                         .kill = std::move(kill),
                                         .cells = std::move(cells),
                                         .pool = ProcessPool(std::move(options)),
                                         .environment = {}});
}

TrainerEvaluator::~TrainerEvaluator() = default;

std::string_view TrainerEvaluator::name() const {
  return impl_->name;
}

int TrainerEvaluator::concurrency() const {
  return impl_->processes;
}

TrainerGreeting TrainerEvaluator::greet() {
  TrainerGreeting greeting = greeting_of(impl_->pool);
  impl_->environment = environment_text(greeting);
  return greeting;
}

void TrainerEvaluator::set_environment(const std::string& environment) {
  impl_->environment = environment;
}

void TrainerEvaluator::evaluate(std::span<const Job> jobs, const Done& done, std::stop_token stop) {
  std::vector<std::string> requests;
  std::vector<std::size_t> asked;  // the jobs of the requests
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    try {
      requests.push_back(
          training_request(jobs[i], impl_->training, impl_->files_of(jobs[i]), impl_->cells)
              .dump());
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
    evaluation.environment = impl_->environment;
    done(asked[i], std::move(evaluation));
  };
  impl_->pool.run(requests, on_line, on_done, stop, impl_->kill);
}

}  // namespace hwnas
