// A small space, searcher and evaluators for the tests of run(), and the driver that gets killed.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <optional>
#include <queue>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

#include "search/engine/run.h"
#include "space/operators.h"
#include "space/rng.h"
#include "tests/scratch_folder.h"

namespace hwnas::toy {

inline const char* const kDeployment = "[deployment]\nbatch = [1, 2]\nclock_share = [0.5, 1.0]\n";

inline SearchSpace space(const std::string& more = "") {
  return SearchSpace::parse(R"(name = "toy"
[input]
channels = 1
height = 8
width = 8
classes = 4
[[stages]]
block = "conv"
channels = [4, 8, 16]
kernel = [1, 3, 5]
stride = [1, 2]
[[stages]]
block = "conv"
channels = [4, 8, 12, 16]
kernel = [1, 3, 5]
[[stages]]
block = "skip"
channels = 8
depth = [1, 2]
[[stages]]
block = "classifier"
)" + more,
                            "toy.toml");
}

// Mutates the best that it was told of, by the sum of the objectives; a quarter is random. What it
// asks thus depends on all that it was told. May ask for what was asked before.
class GreedySearcher final : public Searcher {
 public:
  GreedySearcher(std::vector<int> cardinalities, std::uint64_t seed)
      : cardinalities_(std::move(cardinalities)), rng_(seed) {}

  std::vector<Proposal> ask(int n) override {
    std::vector<Proposal> proposals;
    for (int i = 0; i < n; ++i) {
      if (best_.empty() || rng_.chance(0.25)) {
        proposals.push_back({sample(cardinalities_, rng_), {}, "sample"});
      } else {
        const auto& [score, id, genotype] =
            best_[rng_.below(static_cast<std::uint32_t>(best_.size()))];
        proposals.push_back({mutate(genotype, cardinalities_, 0.2, rng_), {id}, "mutate"});
      }
    }
    return proposals;
  }

  void tell(std::span<const Outcome> outcomes) override {
    for (const Outcome& outcome : outcomes) {
      if (outcome.state != TrialState::complete) continue;
      double score = 0;
      for (const double objective : outcome.objectives) score += objective;
      best_.emplace_back(score, outcome.id, outcome.genotype);
    }
    std::sort(best_.begin(), best_.end());
    best_.erase(std::unique(best_.begin(), best_.end()), best_.end());
    best_.resize(std::min<std::size_t>(best_.size(), 6));
  }

 private:
  std::vector<int> cardinalities_;
  Rng rng_;
  std::vector<std::tuple<double, TrialId, Genotype>> best_;
};

// g++ 12 takes an initializer list of several measurements for uninitialised.
inline void add(Evaluation& evaluation, MetricKey key, Source source, double fidelity, double value,
                std::optional<double> stddev = {}) {
  evaluation.measurements.push_back({std::move(key), source, fidelity, value, stddev});
}

inline Evaluation costs_of(const Job& job) {
  const Network& network = job.candidate->network;
  const double work = static_cast<double>(macs(network));
  Evaluation evaluation;
  add(evaluation, {Metric::latency, "toy"}, Source::analytic, 0, 1e-8 * work);
  add(evaluation, {Metric::energy, "toy"}, Source::analytic, 0, 2e-9 * work + 1e-6);
  add(evaluation, {Metric::parameters, ""}, Source::analytic, 0,
      static_cast<double>(parameters(network)));
  return evaluation;
}

// Pure in the candidate and the trial's seed.
inline Evaluation training_of(const Job& job) {
  Rng rng(job.seed);
  const double size = static_cast<double>(parameters(job.candidate->network));
  Evaluation evaluation;
  if (rng.chance(0.1)) {
    evaluation.failure = "loss is not a number in epoch " + std::to_string(rng.below(9));
    return evaluation;
  }
  const double accuracy = size / (size + 300) - 0.05 * rng.uniform();
  add(evaluation, {Metric::accuracy, ""}, Source::trained, 3, accuracy, 0.01);
  evaluation.artifacts = {{"weights", "weights/" + std::to_string(job.trial) + ".pt"}};
  return evaluation;
}

// Evaluates on `threads` threads, each job after a sleep that is different every time; results land
// one by one, in whatever order they come.
class SlowEvaluator final : public Evaluator {
 public:
  SlowEvaluator(std::string name, int threads, int most_ms, Evaluation (*of)(const Job&))
      : name_(std::move(name)), threads_(threads), most_ms_(most_ms), of_(of) {}

  std::string_view name() const override { return name_; }
  int concurrency() const override { return threads_; }
  std::optional<Source> shared_source() const override { return Source::trained; }
  std::uint64_t key(const Candidate& c) const override { return fingerprint(c.network); }
  int evaluated() const { return evaluated_; }

  void evaluate(std::span<const Job> jobs, const Done& done, std::stop_token stop) override {
    std::mutex mutex;
    std::condition_variable landed;
    std::queue<std::pair<std::size_t, Evaluation>> results;
    std::size_t next = 0;
    const auto work = [&] {
      std::mt19937 sleeps(std::random_device{}());
      for (;;) {
        std::unique_lock lock(mutex);
        if (next == jobs.size()) return;
        const std::size_t i = next++;
        Evaluation evaluation;
        evaluation.interrupted = stop.stop_requested();
        lock.unlock();
        if (!evaluation.interrupted) {
          std::this_thread::sleep_for(
              std::chrono::microseconds(sleeps() % (1000u * static_cast<unsigned>(most_ms_) + 1)));
          evaluation = of_(jobs[i]);
          evaluation.seconds = 1e-3 * most_ms_;
        }
        lock.lock();
        results.emplace(i, std::move(evaluation));
        landed.notify_one();
      }
    };
    std::vector<std::thread> threads;
    for (int t = 0; t < threads_; ++t) threads.emplace_back(work);
    for (std::size_t n = 0; n < jobs.size(); ++n) {
      std::unique_lock lock(mutex);
      landed.wait(lock, [&] { return !results.empty(); });
      auto [i, evaluation] = std::move(results.front());
      results.pop();
      lock.unlock();
      done(i, std::move(evaluation));
    }
    for (std::thread& thread : threads) thread.join();
    evaluated_ += static_cast<int>(jobs.size());
  }

 private:
  int evaluated_ = 0;
  std::string name_;
  int threads_, most_ms_;
  Evaluation (*of_)(const Job&);
};

inline RunSettings settings(std::int64_t trials) {
  RunSettings settings;
  settings.seed = 7;
  settings.batch = 6;
  settings.threads = 2;
  settings.budget.trials = trials;
  settings.objectives = {{{Metric::accuracy, ""}, true, 0.3},
                         {{Metric::latency, "toy"}, true, 2e-3},
                         {{Metric::energy, "toy"}, false, 2e-4}};
  settings.reference = {1, 2e-3};
  settings.ideal = {0, 0};
  return settings;
}

inline StudyInfo info(const RunSettings& settings) {
  StudyInfo info;
  info.name = "toy";
  info.version = "0.1.0";
  info.config = "trials = " + std::to_string(settings.budget.trials) + "\n";
  info.settings = "batch = 8\n";
  info.space = space().text();
  info.algorithm = "greedy";
  info.seed = settings.seed;
  info.objectives = settings.objectives;
  info.reference = settings.reference;
  info.ideal = settings.ideal;
  info.identity = "toy-" + std::to_string(settings.seed);
  return info;
}

inline std::vector<StudyDevice> devices() {
  return {{"toy", "peak = 1\n"}};
}

class Silent final : public RunListener {
 public:
  void trial_ended(const Trial&, const Progress&) override {}
};

class StopAfter final : public RunListener {
 public:
  StopAfter(std::stop_source& stop, std::size_t trials) : stop_(stop), left_(trials) {}
  void trial_ended(const Trial&, const Progress&) override {
    if (left_ > 0 && --left_ == 0) stop_.request_stop();
  }

 private:
  std::stop_source& stop_;
  std::size_t left_;
};

// The whole search on `workers` workers, each stage's job taking up to `most_ms`.
inline Stopped search(const std::filesystem::path& path, std::int64_t trials, int workers,
                      int most_ms, std::stop_token stop = {}, RunListener* listener = nullptr,
                      const std::string& deployment = "", int* trained = nullptr) {
  const SearchSpace toy = space(deployment);
  const RunSettings of = settings(trials);
  Study study = Study::create_or_resume(path, info(of), devices());
  GreedySearcher searcher(toy.cardinalities(), of.seed);
  const auto costs = parallel_evaluator("costs", workers, costs_of);
  SlowEvaluator training("training", workers, most_ms, training_of);
  Silent silent;
  const Stopped why =
      run(toy, searcher, {costs.get(), &training}, study, of, listener ? *listener : silent, stop);
  if (trained) *trained += training.evaluated();
  return why;
}

// Two rungs of accuracy, at 1 and 3 epochs, and the full training of 9: the accuracy grows with the
// epochs, in another order of the candidates at the first rung. One in ten fails at every stage.
inline Evaluation accuracy_after(double epochs, const Job& job) {
  Rng rng(hash_combine(job.seed, static_cast<std::uint64_t>(epochs)));
  const double size = static_cast<double>(parameters(job.candidate->network));
  Evaluation evaluation;
  if (rng.chance(0.1)) {
    evaluation.failure = "diverged within " + std::to_string(static_cast<int>(epochs)) + " epochs";
    return evaluation;
  }
  const double accuracy = size / (size + 300) * (1 - 0.3 / epochs) - 0.1 / epochs * rng.uniform();
  add(evaluation, {Metric::accuracy, ""}, Source::trained, epochs, accuracy, 0.01);
  evaluation.artifacts = {{"weights", "weights/" + std::to_string(job.trial) + ".pt"}};
  return evaluation;
}
inline Evaluation one_epoch(const Job& job) {
  return accuracy_after(1, job);
}
inline Evaluation three_epochs(const Job& job) {
  return accuracy_after(3, job);
}
inline Evaluation nine_epochs(const Job& job) {
  return accuracy_after(9, job);
}

// What a bracket on `workers` workers makes of `path`.
struct Bracket {
  int workers = 2, most_ms = 0;
  int batch = 12;
  std::string deployment = {};
  std::stop_token stop = {};
  RunListener* listener = nullptr;
  int trained = 0;  // jobs of the three trainings

  Stopped run(const std::filesystem::path& path, std::int64_t trials, std::int64_t proposals = 0) {
    const SearchSpace toy = space(deployment);
    RunSettings of = settings(trials);
    of.batch = batch;
    of.budget.proposals = proposals;
    Study study = Study::create_or_resume(path, info(of), devices());
    GreedySearcher searcher(toy.cardinalities(), of.seed);
    const auto costs = parallel_evaluator("costs", workers, costs_of);
    SlowEvaluator first("first", workers, most_ms, one_epoch);
    SlowEvaluator second("second", workers, most_ms, three_epochs);
    SlowEvaluator full("full", workers, most_ms, nine_epochs);
    const Plan plan{costs.get(), Stage(&first, 1.0 / 3, 1), Stage(&second, 0.5, 3), &full};
    Silent silent;
    const Stopped why =
        hwnas::run(toy, searcher, plan, study, of, listener ? *listener : silent, stop);
    trained += first.evaluated() + second.evaluated() + full.evaluated();
    return why;
  }
};

// Trains jobs as they come, `workers` at a time, each for up to `most_ms`, the first for `slow_ms`.
class FlowingEvaluator final : public Evaluator {
 public:
  FlowingEvaluator(int workers, int most_ms, int slow_ms)
      : workers_(workers), most_ms_(most_ms), slow_ms_(slow_ms) {}

  std::string_view name() const override { return "training"; }
  int concurrency() const override { return workers_; }
  std::optional<Source> shared_source() const override { return Source::trained; }
  std::uint64_t key(const Candidate& c) const override { return fingerprint(c.network); }
  void evaluate(std::span<const Job>, const Done&, std::stop_token) override { std::abort(); }
  int evaluated() const { return evaluated_; }

  void evaluate_stream(JobSource& jobs, std::stop_token stop) override {
    std::mutex mutex;
    std::condition_variable landed;
    std::queue<std::pair<TrialId, Evaluation>> results;
    std::vector<std::thread> threads;
    std::mt19937 sleeps(std::random_device{}());
    int running = 0;
    for (;;) {
      while (running < workers_ && !stop.stop_requested()) {
        const std::optional<Job> job = jobs.next();
        if (!job) break;
        ++running, ++evaluated_;
        const auto ms = job->trial == 0 && slow_ms_ > 0
                            ? static_cast<unsigned>(slow_ms_)
                            : sleeps() % (static_cast<unsigned>(most_ms_) + 1);
        threads.emplace_back([&, job = *job, ms] {
          std::this_thread::sleep_for(std::chrono::milliseconds(ms));
          Evaluation evaluation = training_of(job);
          const std::lock_guard lock(mutex);
          results.emplace(job.trial, std::move(evaluation));
          landed.notify_one();
        });
      }
      if (running == 0) break;
      std::unique_lock lock(mutex);
      landed.wait(lock, [&] { return !results.empty(); });
      auto [trial, evaluation] = std::move(results.front());
      results.pop();
      lock.unlock();
      --running;
      jobs.done(trial, std::move(evaluation));
    }
    for (std::thread& thread : threads) thread.join();
  }

 private:
  int workers_, most_ms_, slow_ms_;
  int evaluated_ = 0;
};

// What an asynchronous search on `workers` workers makes of `path`.
struct Flowing {
  int workers = 2, most_ms = 0, slow_ms = 0;
  std::string deployment = {};
  std::stop_token stop = {};
  RunListener* listener = nullptr;
  int trained = 0;

  Stopped run(const std::filesystem::path& path, std::int64_t trials) {
    const SearchSpace toy = space(deployment);
    RunSettings of = settings(trials);
    of.asynchronous = true;
    Study study = Study::create_or_resume(path, info(of), devices());
    GreedySearcher searcher(toy.cardinalities(), of.seed);
    const auto costs = parallel_evaluator("costs", workers, costs_of);
    FlowingEvaluator training(workers, most_ms, slow_ms);
    Silent silent;
    const Stopped why = hwnas::run(toy, searcher, {costs.get(), &training}, study, of,
                                   listener ? *listener : silent, stop);
    trained += training.evaluated();
    return why;
  }
};

using Folder = ScratchFolder;

inline std::string dump(const std::filesystem::path& path) {
  return Study::open_readonly(path).dump();
}

}  // namespace hwnas::toy
