#include "search/evaluator.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "search/engine/scheduler.h"

namespace hwnas {
namespace {

class ParallelEvaluator final : public Evaluator {
 public:
  ParallelEvaluator(std::string name, int threads, std::function<Evaluation(const Job&)> evaluate)
      : name_(std::move(name)), threads_(std::max(1, threads)), evaluate_(std::move(evaluate)) {}

  std::string_view name() const override { return name_; }
  int concurrency() const override { return threads_; }

  void evaluate(std::span<const Job> jobs, const Done& done, std::stop_token stop) override {
    std::vector<Evaluation> results(jobs.size());
    parallel_for(static_cast<int>(jobs.size()), threads_, [&](int i) {
      const auto at = static_cast<std::size_t>(i);
      if (stop.stop_requested()) {
        results[at].interrupted = true;
        return;
      }
      const auto start = std::chrono::steady_clock::now();
      results[at] = evaluate_(jobs[at]);
      results[at].seconds =
          std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    });
    for (std::size_t i = 0; i < jobs.size(); ++i) done(i, std::move(results[i]));
  }

 private:
  std::string name_;
  int threads_;
  std::function<Evaluation(const Job&)> evaluate_;
};

}  // namespace

void Evaluator::evaluate_stream(JobSource& jobs, std::stop_token stop) {
  while (!stop.stop_requested()) {
    std::vector<Job> group;
    while (static_cast<int>(group.size()) < std::max(1, concurrency())) {
      const std::optional<Job> job = jobs.next();
      if (!job) break;
      group.push_back(*job);
    }
    if (group.empty()) return;
    evaluate(
        group,
        [&](std::size_t i, Evaluation result) { jobs.done(group[i].trial, std::move(result)); },
        stop);
  }
}

std::unique_ptr<Evaluator> parallel_evaluator(std::string name, int threads,
                                              std::function<Evaluation(const Job&)> evaluate) {
  return std::make_unique<ParallelEvaluator>(std::move(name), threads, std::move(evaluate));
}

}  // namespace hwnas
