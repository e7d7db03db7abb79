// Comparison: search algorithms on a space whose truth is known, each run by the real engine.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "experiments/bench/truth.h"

namespace hwnas {

// One run, evaluation by evaluation: an evaluation is a trial that reached what costs. With rungs,
// which cost less, it is as much as a trial costs without them.
struct Trace {
  std::uint64_t seed = 0;
  std::vector<double> ratio;  // hypervolume over that of the true front, after 1, 2, ...
  std::vector<double> best;   // of a single objective, minimised; else empty
  // CPU time of the searcher alone, of a round's ask and the tell before it, over its proposals.
  double mean_proposal_s = 0, max_proposal_s = 0;
};

struct Contender {
  Algorithm algorithm = Algorithm::random;
  int batch = 1;
  std::vector<Trace> traces;  // by seed
};

struct ComparisonPlan {
  RunConfig config;
  std::optional<int> batch;  // in the place of the config's, or of each algorithm's own with rungs
  Materials materials;
  std::vector<Algorithm> algorithms;
  std::int64_t evaluations = 0;  // of each run
  int seeds = 1;
  std::uint64_t first_seed = 1;
  int threads = 1;  // runs at the same time; decides nothing
};

// `done` is called after each run, from any thread, one at a time. Searchers see nothing of the
// truth. Throws what a run throws. Incomplete where `stop` was requested.
std::vector<Contender> compare(const ComparisonPlan& plan, const Truth& truth,
                               const std::function<void(const Contender&, const Trace&)>& done,
                               std::stop_token stop);

// Value after `n` >= 1 evaluations: of a run that ended before, its last.
double after(const std::vector<double>& curve, std::int64_t n);

// Evaluations until `good` first holds; infinite where it never does.
double first(const std::vector<double>& curve, const std::function<bool(double)>& good);

}  // namespace hwnas
