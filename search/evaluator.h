// Evaluator: a stage that turns candidates into measurements.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "search/trial.h"
#include "space/candidate.h"

namespace hwnas {

struct Job {
  TrialId trial = 0;
  std::uint64_t seed = 0;
  const Candidate* candidate = nullptr;  // alive until evaluate() returns
  std::span<const TrialId> parents = {};
};

// A file that a stage left behind, e.g. trained weights.
struct Artifact {
  std::string kind;  // "weights"
  std::string path;  // relative to the folder of the study's files
};

// An epoch of a training.
struct CurvePoint {
  int epoch = 0;  // from 1
  double loss = 0;
  std::optional<double> accuracy;
};

struct Evaluation {
  std::vector<Measurement> measurements;
  std::vector<Artifact> artifacts;
  std::vector<CurvePoint> curve;
  std::string environment;   // what it ran on; decides nothing
  std::string failure;       // why there is no result; empty: there is one
  bool interrupted = false;  // stopped before it was done: nothing is recorded
  double seconds = 0;        // wall time spent; never used to decide anything
};

// Jobs as they come: the next one may depend on what became of earlier ones.
class JobSource {
 public:
  virtual ~JobSource() = default;
  virtual std::optional<Job> next() = 0;  // nothing: none before some other is done, or none at all
  virtual void done(TrialId trial, Evaluation evaluation) = 0;
};

class Evaluator {
 public:
  virtual ~Evaluator() = default;

  virtual std::string_view name() const = 0;  // of the stage, as stored: "costs", "training"
  virtual int concurrency() const = 0;        // jobs that it works on at the same time
  virtual double cost() const { return 0; }   // charged for each job, in a unit of the user's own

  // Where candidates may be one and the same to this stage (a network that is trained once and
  // deployed in several ways): the source of all its measurements. Of candidates of equal key() the
  // first is evaluated, the others take its result. Nothing: every candidate is evaluated.
  virtual std::optional<Source> shared_source() const { return std::nullopt; }
  virtual std::uint64_t key(const Candidate&) const { return 0; }

  // Evaluates all jobs and calls done(i, evaluation) once for each, in any order, on the thread
  // that called evaluate(). When `stop` is requested it starts no further job, and either finishes
  // those running or reports them as interrupted. Throws only where going on is pointless.
  using Done = std::function<void(std::size_t, Evaluation)>;
  virtual void evaluate(std::span<const Job> jobs, const Done& done, std::stop_token stop) = 0;

  // The same for jobs as they come: asks for one whenever it could work on one more. By default in
  // groups of concurrency(), each through evaluate().
  virtual void evaluate_stream(JobSource& jobs, std::stop_token stop);
};

// An evaluator for a function that is pure, quick and thread-safe, run on up to `threads` threads.
// All jobs are evaluated before the first done().
std::unique_ptr<Evaluator> parallel_evaluator(std::string name, int threads,
                                              std::function<Evaluation(const Job&)> evaluate);

}  // namespace hwnas
