// run(): the loop of a search. Everything else hangs on it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "search/evaluator.h"
#include "search/objective.h"
#include "search/searcher.h"
#include "search/store/study.h"
#include "space/search_space.h"

namespace hwnas {

constexpr std::int64_t kEndless = 1'000'000'000;  // more trials than any run makes

// When a run is over. Wall time only decides when to stop, never what is tried.
struct Budget {
  std::int64_t trials = 100;   // complete trials
  std::int64_t proposals = 0;  // trials of any state; 0: 1000 times `trials`
  double cost = 0;             // sum of what evaluators charge (Evaluator::cost); 0: no limit
  double seconds = 0;          // of this invocation; 0: no limit
};

struct RunSettings {
  std::uint64_t seed = 1;
  int batch = 8;  // proposals per round; never derived from the thread count
  // No trial waits for another: each proposal is made of what is known when a worker is free. What
  // is proposed then depends on how long trials take; the study keeps the order, so that a run that
  // goes on replays it. Without rungs.
  bool asynchronous = false;
  int threads = 0;  // for decoding; decides nothing; 0: all that the machine offers
  Budget budget;
  // Candidates of equal identity are one and the same. Pure and thread-safe; empty: fingerprint().
  std::function<std::uint64_t(const Genotype&)> identity;
  std::vector<Objective> objectives;
  std::vector<double> reference;  // minimised, one per optimised objective: hypervolume's reference
  std::vector<double> ideal;      // the same: what hypervolume is scaled by
};

enum class Stopped : std::uint8_t {
  budget,     // all that was asked for is done
  time,       // the time limit
  request,    // stop was requested
  exhausted,  // the searcher knows of no further candidate, or none is feasible any more
  failing,    // trial after trial fails: something is wrong that more trials will not mend
};

struct Progress {
  std::int64_t complete = 0, infeasible = 0, failed = 0, stopped = 0;
  std::int64_t replayed = 0;  // of these, how many were read from the study
  double cost = 0;            // spent on all trials that are over
  double hypervolume = 0;     // share of the box between ideal and reference
  std::size_t front = 0;      // trials on the front
};

class RunListener {
 public:
  virtual ~RunListener() = default;
  // A trial that is recorded and over; not called for those that were read from the study. On the
  // thread that called run().
  virtual void trial_ended(const Trial& trial, const Progress& progress) = 0;
};

// A stage of the plan. A rung tells less than the whole truth for less money: of the trials of a
// round that come through it only the best go on (rungs.h says which), the others are `stopped`.
struct Stage {
  Stage(Evaluator* stage) : evaluator(stage) {}
  Stage(Evaluator* stage, double share_kept, double measured_at)
      : evaluator(stage), keep(share_kept), fidelity(measured_at) {}

  bool is_rung() const { return keep < 1; }

  Evaluator* evaluator;
  double keep = 1;      // share of a round's trials that go on
  double fidelity = 0;  // of a rung: that of its measurements; rises from rung to rung
};

// The ordered stages: cheap first. After each stage every bound whose metric is known is checked;
// a trial that breaks one goes no further. A bound on what only rungs have measured is not checked
// yet, since a later stage may bring another value: it counts among those who are to go on.
using Plan = std::vector<Stage>;

// A run with a small budget is the beginning of the same run with a larger one, and a run that is
// stopped or killed at any instant and run again ends as if it had never been interrupted.
// With rungs a round is tried as a whole or not at all: the run ends with the round in which it has
// its complete trials, maybe with some more of them, and before one that may cost too much.
// Throws InputError where the study diverges from the replay (another version, an edited file).
Stopped run(const SearchSpace& space, Searcher& searcher, const Plan& plan, Study& study,
            const RunSettings& settings, RunListener& listener, std::stop_token stop);

}  // namespace hwnas
