#include "search/engine/scheduler.h"

#include <atomic>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "search/evaluator.h"

namespace hwnas {
namespace {

TEST(Scheduler, CallsEveryIndexOnce) {
  for (const int threads : {1, 2, 3, 64}) {
    for (const int n : {0, 1, 2, 1000}) {
      std::vector<std::atomic<int>> calls(static_cast<std::size_t>(n));
      parallel_for(n, threads, [&](int i) { ++calls[static_cast<std::size_t>(i)]; });
      for (const auto& count : calls) EXPECT_EQ(count, 1);
    }
  }
}

TEST(Scheduler, UsesNoMoreThreadsThanAllowed) {
  std::mutex mutex;
  std::set<std::thread::id> seen;
  parallel_for(200, 2, [&](int) {
    std::this_thread::sleep_for(std::chrono::microseconds(200));
    const std::lock_guard lock(mutex);
    seen.insert(std::this_thread::get_id());
  });
  EXPECT_LE(seen.size(), 2u);
  EXPECT_TRUE(seen.contains(std::this_thread::get_id()));
  seen.clear();
  parallel_for(20, 1, [&](int) { seen.insert(std::this_thread::get_id()); });
  EXPECT_EQ(seen, std::set{std::this_thread::get_id()});
}

TEST(Scheduler, ThrowsWhatABodyThrows) {
  for (const int threads : {1, 2}) {
    EXPECT_THROW(parallel_for(100, threads,
                              [](int i) {
                                if (i == 57) throw std::logic_error("57");
                              }),
                 std::logic_error);
  }
}

TEST(Scheduler, LoopsMayBeNested) {
  std::atomic<int> calls = 0;
  parallel_for(8, 2, [&](int) { parallel_for(8, 2, [&](int) { ++calls; }); });
  EXPECT_EQ(calls, 64);
}

TEST(Scheduler, TheMachineHasAThread) {
  EXPECT_GE(machine_threads(), 1);
}

TEST(ParallelEvaluator, LandsEveryJobOnTheCallersThread) {
  const auto evaluator = parallel_evaluator("square", 2, [](const Job& job) {
    Evaluation evaluation;
    evaluation.measurements = {
        {{}, Source::analytic, 0, static_cast<double>(job.trial * job.trial), {}}};
    return evaluation;
  });
  EXPECT_EQ(evaluator->name(), "square");
  EXPECT_EQ(evaluator->concurrency(), 2);
  std::vector<Job> jobs(100);
  for (std::size_t i = 0; i < jobs.size(); ++i) jobs[i].trial = static_cast<TrialId>(i);
  std::vector<double> values(jobs.size(), -1);
  evaluator->evaluate(jobs,
                      [&](std::size_t i, Evaluation evaluation) {
                        values[i] = evaluation.measurements.at(0).value;
                        EXPECT_GE(evaluation.seconds, 0);
                      },
                      {});
  for (std::size_t i = 0; i < jobs.size(); ++i) EXPECT_EQ(values[i], static_cast<double>(i * i));
}

TEST(ParallelEvaluator, InterruptsWhatIsNotBegunOnStop) {
  std::stop_source source;
  const auto evaluator = parallel_evaluator("stop", 1, [&](const Job& job) {
    if (job.trial == 2) source.request_stop();
    return Evaluation{};
  });
  std::vector<Job> jobs(5);
  for (std::size_t i = 0; i < jobs.size(); ++i) jobs[i].trial = static_cast<TrialId>(i);
  std::vector<bool> interrupted(5);
  evaluator->evaluate(
      jobs, [&](std::size_t i, Evaluation e) { interrupted[i] = e.interrupted; },
      source.get_token());
  EXPECT_EQ(interrupted, (std::vector<bool>{false, false, false, true, true}));
}

}  // namespace
}  // namespace hwnas
