#include "experiments/bench/comparison.h"

#include <stdlib.h>
#include <time.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <mutex>

#include "search/engine/scheduler.h"
#include "search/pareto.h"
#include "space/input_error.h"

namespace hwnas {
namespace {

double thread_cpu_s() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Takes the time of a searcher, which runs on this thread alone.
class TimedSearcher final : public Searcher {
 public:
  explicit TimedSearcher(std::unique_ptr<Searcher> searcher) : searcher_(std::move(searcher)) {}

  std::vector<Proposal> ask(int n) override {
    const double start = thread_cpu_s();
    std::vector<Proposal> proposals = searcher_->ask(n);
    spent_ += thread_cpu_s() - start;
    if (proposals.empty()) return proposals;
    const auto asked = static_cast<double>(proposals.size());
    longest_ = std::max(longest_, spent_ / asked);
    total_ += spent_;
    proposals_ += asked;
    spent_ = 0;
    return proposals;
  }
  void tell(std::span<const Outcome> outcomes) override {
    const double start = thread_cpu_s();
    searcher_->tell(outcomes);
    spent_ += thread_cpu_s() - start;
  }

  double mean_s() const { return proposals_ > 0 ? total_ / proposals_ : 0; }
  double max_s() const { return longest_; }

 private:
  std::unique_ptr<Searcher> searcher_;
  double spent_ = 0;  // since the last proposals
  double total_ = 0, longest_ = 0, proposals_ = 0;
};

struct Ended {
  Trial trial;
  std::int64_t evaluations = 0;  // that were paid for by then
};

// With rungs an evaluation is what a trial costs that is looked up at the highest fidelity alone.
class CostListener final : public RunListener {
 public:
  explicit CostListener(double evaluation) : evaluation_(evaluation) {}

  void trial_ended(const Trial& trial, const Progress& progress) override {
    const double paid = std::ceil(progress.cost / evaluation_ - 1e-9);
    ended.push_back({trial, static_cast<std::int64_t>(paid)});
  }

  std::vector<Ended> ended;

 private:
  double evaluation_;
};

double cost_without_rungs(const Plan& plan) {
  double cost = 0;
  for (const Stage& stage : plan) {
    if (!stage.is_rung()) cost += stage.evaluator->cost();
  }
  return cost;
}

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "hwnas-bench-XXXXXX").string();
    if (!mkdtemp(name.data())) throw InputError(name, 0, "", "", "no temporary folder can be made");
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Trials that reached what costs: a stage after the first, or the first where there is no other.
bool evaluated(const Trial& trial, const Plan& plan) {
  if (trial.stage.empty()) return false;
  return plan.size() == 1 || trial.stage != plan.front().evaluator->name();
}

std::vector<Ended> evaluated_trials(const Study& study, const Plan& plan) {
  std::vector<Ended> all;
  for (const Trial& trial : study.trials()) {
    if (evaluated(trial, plan)) all.push_back({trial, std::ssize(all) + 1});
  }
  return all;
}

void trace_trials(const std::vector<Ended>& trials, const Experiment& experiment,
                  const Truth& truth, std::int64_t evaluations, Trace& trace) {
  const std::size_t m = truth.ideal.size();
  std::vector<double> front;  // row-major
  double ratio = 0, best = truth.reference[0];
  for (const auto& [trial, paid] : trials) {
    if (paid > evaluations) break;
    std::vector<double> point;
    for (const Objective& o : experiment.objectives()) {
      const Measurement* found = o.optimised ? find(trial, o.key) : nullptr;
      if (found) point.push_back(o.minimised(found->value));
    }
    if (trial.state == TrialState::complete && point.size() == m) {
      best = std::min(best, point[0]);
      front.insert(front.end(), point.begin(), point.end());
      const std::vector<int> kept = pareto_front(front, static_cast<int>(m));
      const bool joins = kept.back() == static_cast<int>(front.size() / m) - 1;
      std::vector<double> rows;
      for (const int at : kept) {
        const auto begin = front.begin() + static_cast<std::ptrdiff_t>(m) * at;
        rows.insert(rows.end(), begin, begin + static_cast<std::ptrdiff_t>(m));
      }
      front = std::move(rows);
      if (joins) ratio = hypervolume(front, truth.reference) / truth.hypervolume;
    }
    const auto at = static_cast<std::size_t>(std::max<std::int64_t>(1, paid));
    const double before = trace.ratio.empty() ? 0 : trace.ratio.back();
    while (trace.ratio.size() < at) trace.ratio.push_back(before);
    trace.ratio.back() = ratio;
    if (m != 1) continue;
    const double best_before = trace.best.empty() ? truth.reference[0] : trace.best.back();
    while (trace.best.size() < at) trace.best.push_back(best_before);
    trace.best.back() = best;
  }
}

// What a run with this algorithm would be given: rungs have their own usual share to keep.
RunConfig config_for(const ComparisonPlan& plan, Algorithm algorithm) {
  RunConfig config = RunConfig::parse(plan.config.text, plan.config.file, algorithm);
  if (plan.batch) config.batch = *plan.batch;
  return config;
}

Trace run_once(const ComparisonPlan& plan, const Truth& truth, RunConfig config, std::uint64_t seed,
               const std::filesystem::path& folder, std::stop_token stop) {
  const Algorithm algorithm = config.search.algorithm;
  config.seed = seed;
  config.budget = {};
  config.budget.trials = plan.evaluations;
  config.workers.count = 1;
  const std::filesystem::path file =
      folder / (std::string(to_string(algorithm)) + "-" + std::to_string(seed) + ".db");
  Trace trace;
  trace.seed = seed;
  {
    const bool rungs = !config.rungs.empty();
    if (rungs) config.budget.trials = kEndless;
    Experiment experiment(std::move(config), plan.materials, file, {}, {});
    if (rungs) {
      experiment.spend(static_cast<double>(plan.evaluations) *
                       cost_without_rungs(experiment.plan()));
    }
    const Survey survey = experiment.look(stop);
    if (stop.stop_requested()) return trace;
    Study study = experiment.open_study(survey);
    TimedSearcher searcher(experiment.make_searcher());
    CostListener costs(cost_without_rungs(experiment.plan()));
    experiment.run(searcher, study, survey, costs, stop);
    trace_trials(rungs ? costs.ended : evaluated_trials(study, experiment.plan()), experiment,
                 truth, plan.evaluations, trace);
    trace.mean_proposal_s = searcher.mean_s();
    trace.max_proposal_s = searcher.max_s();
  }
  for (const char* suffix : {"", "-wal", "-shm", ".lock"})
    std::filesystem::remove(file.string() + suffix);
  if (trace.ratio.empty() && !stop.stop_requested())
    throw InputError(std::string(to_string(algorithm)) + ", seed " + std::to_string(seed) +
                     ": no trial reached what costs");
  return trace;
}

}  // namespace

std::vector<Contender> compare(const ComparisonPlan& plan, const Truth& truth,
                               const std::function<void(const Contender&, const Trace&)>& done,
                               std::stop_token stop) {
  const TemporaryFolder folder;
  std::vector<Contender> contenders;
  std::vector<RunConfig> configs;
  for (const Algorithm algorithm : plan.algorithms) {
    configs.push_back(config_for(plan, algorithm));
    contenders.push_back({algorithm, configs.back().batch,
                          std::vector<Trace>(static_cast<std::size_t>(plan.seeds))});
  }
  std::mutex mutex;
  const int runs = static_cast<int>(contenders.size()) * plan.seeds;
  parallel_for(runs, plan.threads, [&](int run) {
    if (stop.stop_requested()) return;
    const auto which = static_cast<std::size_t>(run / plan.seeds);
    Contender& contender = contenders[which];
    const int seed = run % plan.seeds;
    Trace& trace = contender.traces[static_cast<std::size_t>(seed)];
    trace = run_once(plan, truth, configs[which],
                     plan.first_seed + static_cast<std::uint64_t>(seed), folder.path(), stop);
    const std::lock_guard lock(mutex);
    if (!stop.stop_requested()) done(contender, trace);
  });
  return contenders;
}

double after(const std::vector<double>& curve, std::int64_t n) {
  return curve[std::min(curve.size(), static_cast<std::size_t>(n)) - 1];
}

double first(const std::vector<double>& curve, const std::function<bool(double)>& good) {
  const auto at = std::find_if(curve.begin(), curve.end(), good);
  if (at == curve.end()) return std::numeric_limits<double>::infinity();
  return static_cast<double>(at - curve.begin()) + 1;
}

}  // namespace hwnas
