#include "experiments/adapters/trainer_evaluator.h"

#include <nlohmann/json.hpp>
#include <unordered_map>

#include "experiments/adapters/worker_board.h"
#include "search/engine/process_pool.h"
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
  TrainingListener listener;
  std::stop_token kill;
  std::optional<Device> cells;
  ProcessPool pool;
  WorkerBoard board;

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

namespace {

// Trainers that joined later must see the same data as the first.
std::function<std::string(const std::string&)> refusal_of_others() {
  return [first = std::make_shared<std::optional<TrainerGreeting>>()](const std::string& line) {
    try {
      const TrainerGreeting greeting = parse_greeting(line);
      if (!*first) *first = greeting;
      const TrainerGreeting& other = **first;
      if (greeting.task.input == other.task.input && greeting.task.classes == other.task.classes &&
          greeting.train_images == other.train_images &&
          greeting.validation_images == other.validation_images)
        return std::string();
      return "it sees other data than the first trainer: " + std::to_string(greeting.train_images) +
             " images for training and " + std::to_string(greeting.validation_images) +
             " for validation, there " + std::to_string(other.train_images) + " and " +
             std::to_string(other.validation_images);
    } catch (const std::exception& error) {
      return *first ? std::string(error.what()) : std::string();  // the first: by greeting_of()
    }
  };
}

// Jobs as requests to trainers, and their answers.
class Requests : public TaskSource {
 public:
  Requests(TrainerEvaluator::Impl& trainer, JobSource& jobs) : trainer_(trainer), jobs_(jobs) {}

  std::optional<TaskLine> next() override;
  Heard heard(std::size_t id, const std::string& line) override;
  void done(std::size_t id, TaskResult result) override;
  void trouble(int worker, std::optional<std::size_t> id, const std::string& what) override;
  void look() override;

 private:
  struct Open {
    Job job;
    Evaluation evaluation;
  };
  TrainerEvaluator::Impl& trainer_;
  JobSource& jobs_;
  std::unordered_map<std::size_t, Open> open_;  // looked up only, never iterated
  std::size_t next_ = 0;
};

std::optional<TaskLine> Requests::next() {
  while (const std::optional<Job> job = jobs_.next()) {
    try {
      const json request =
          training_request(*job, trainer_.training, trainer_.files_of(*job), trainer_.cells);
      open_.emplace(next_, Open{*job, {}});
      return TaskLine{next_++, request.dump()};
    } catch (const InputError& error) {
      Evaluation evaluation;
      evaluation.failure = error.what();
      jobs_.done(job->trial, std::move(evaluation));
    }
  }
  return std::nullopt;
}

Heard Requests::heard(std::size_t id, const std::string& line) {
  Open& open = open_.at(id);
  const json words = json::parse(line, nullptr, false);
  if (!words.is_object()) return Heard::rubbish;
  try {
    const std::string event = words.at("event").get<std::string>();
    if (words.contains("task") && words.at("task").is_number() &&
        words.at("task").get<TrialId>() != open.job.trial)
      return Heard::rubbish;
    if (event == "epoch" && trainer_.listener.epoch) {
      trainer_.listener.epoch({open.job.trial, words.value("epoch", 0), words.value("epochs", 0),
                               words.value("accuracy", 0.0), words.value("images_per_s", 0.0)});
    }
    if (event != "done" && event != "failed") return Heard::more;
    open.evaluation = ending(words, open.job, trainer_.weights_name(open.job), trainer_.fidelity);
    return Heard::end;
  } catch (const json::exception&) {
    return Heard::rubbish;
  }
}

void Requests::done(std::size_t id, TaskResult result) {
  Open open = std::move(open_.extract(id).mapped());
  Evaluation& evaluation = open.evaluation;
  if (!result.failure.empty()) {
    evaluation = {};
    evaluation.failure = "trainer " + result.failure;
  }
  evaluation.interrupted = result.interrupted;
  evaluation.seconds = result.seconds;
  try {
    if (!result.greeting.empty())
      evaluation.environment = environment_text(parse_greeting(result.greeting));
  } catch (const std::exception&) {  // a trainer of the user's that says less of itself
  }
  jobs_.done(open.job.trial, std::move(evaluation));
}

void Requests::trouble(int worker, std::optional<std::size_t> id, const std::string& what) {
  if (!trainer_.listener.trouble) return;
  std::string text = "worker " + std::to_string(worker) + ": ";
  text += id ? "trainer " + what + "; trial " + std::to_string(open_.at(*id).job.trial) +
                   " is tried again"
             : "does not start: " + what;
  trainer_.listener.trouble(text);
}

void Requests::look() {
  trainer_.board.post(trainer_.pool.workers(), [this](std::size_t id) {
    const auto at = open_.find(id);
    return at == open_.end() ? TrialId{-1} : at->second.job.trial;
  });
  if (const std::optional<int> wished = trainer_.board.wished()) {
    trainer_.processes = *wished;
    trainer_.pool.set_processes(*wished);
  }
}

// Jobs that are known beforehand.
class Listed : public JobSource {
 public:
  Listed(std::span<const Job> jobs, const Evaluator::Done& done) : jobs_(jobs), done_(done) {
    for (std::size_t i = 0; i < jobs.size(); ++i) place_.emplace(jobs[i].trial, i);
  }
  ~Listed() override = default;

  std::optional<Job> next() override {
    if (given_ == jobs_.size()) return std::nullopt;
    return jobs_[given_++];
  }
  void done(TrialId trial, Evaluation evaluation) override {
    done_(place_.at(trial), std::move(evaluation));
  }
  // Those that a stop left.
  void interrupt() {
    while (const std::optional<Job> job = next()) {
      Evaluation evaluation;
      evaluation.interrupted = true;
      done(job->trial, std::move(evaluation));
    }
  }

 private:
  std::span<const Job> jobs_;
  const Evaluator::Done& done_;
  std::unordered_map<TrialId, std::size_t> place_;
  std::size_t given_ = 0;
};

}  // namespace

TrainerEvaluator::TrainerEvaluator(const RunConfig& config, std::filesystem::path files,
                                   TrainingListener listener, std::stop_token kill,
                                   std::optional<Device> cells, int place,
                                   const std::optional<ShortTraining>& rung) {
  TrainingConfig training = *config.training;
  if (rung) training.epochs = rung->epochs;
  if (!files.empty()) files = std::filesystem::absolute(files);  // wherever a trainer is started
  const std::string name = rung ? rung->name : "training";
  ProcessPoolOptions options =
      trainer_pool(config, rung ? rung->train_images : config.data->train_images);
  options.refuse = refusal_of_others();
  const int processes = options.processes;
  // The trainer minds its own limit; the pool's is for one that no longer does.
  if (config.training->time_limit_s > 0)
    options.time_limit_s = 2 * config.training->time_limit_s + 30;
  impl_ = std::unique_ptr<Impl>(new Impl{.name = name,
                                         .fidelity = rung ? rung->fidelity : training.epochs,
                                         .training = std::move(training),
                                         .processes = processes,
                                         .files = files,
                                         .rung = rung,
                                         .continues = config.rungs_continue,
                                         .place = place,
                                         .listener = std::move(listener),
                                         .kill = std::move(kill),
                                         .cells = std::move(cells),
                                         .pool = ProcessPool(std::move(options)),
                                         .board = WorkerBoard(files, place, name)});
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
  Listed listed(jobs, done);
  evaluate_stream(listed, stop);
  listed.interrupt();
}

void TrainerEvaluator::evaluate_stream(JobSource& jobs, std::stop_token stop) {
  Requests requests(*impl_, jobs);
  impl_->pool.run(requests, stop, impl_->kill);
}

}  // namespace hwnas
