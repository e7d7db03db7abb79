// Study: the SQLite file of a run. The only code that contains SQL is search/store/.
//
// One writer (held by a lock file beside the study) and any number of readers, which never block
// the run. Schema and views are documented in search/store/README.md. Not thread-safe.
//
// Errors: InputError for a file that is missing, no study, from a newer version, locked by another
// run, or that cannot be written (disk full, read-only): one line; the study stays as it was at its
// last transaction.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "search/evaluator.h"
#include "search/objective.h"
#include "search/store/final_training.h"
#include "search/trial.h"
#include "space/search_space.h"

namespace hwnas {

// What a study was made from. Everything that decides the trials is in here.
struct StudyInfo {
  std::string name;
  std::string version;   // of hwnas
  std::string config;    // the text of the run config
  std::string settings;  // what of the config decides the trials, "key = value" lines
  std::string space;     // the text of the space file
  Task task;             // what the data made of the space's two ends
  std::string algorithm;
  std::uint64_t seed = 0;
  std::vector<Objective> objectives;
  std::vector<double> reference, ideal;
  std::string identity;  // hash of all that decides the trials; a resume must agree
};

struct StudyDevice {
  std::string name;
  std::string text;  // the description file
};

class Study {
 public:
  // A new file, or an existing one of the same identity (else InputError that says what differs).
  static Study create_or_resume(const std::filesystem::path& path, const StudyInfo& info,
                                std::span<const StudyDevice> devices);
  // An existing one, to record what was made of its trials afterwards: record_final().
  static Study open_for_finals(const std::filesystem::path& path);
  static Study open_readonly(const std::filesystem::path& path);

  Study(Study&&) noexcept;
  Study& operator=(Study&&) noexcept;
  ~Study();

  const StudyInfo& info() const;
  std::vector<StudyDevice> devices() const;

  // Of an asynchronous run: which outcomes the searcher had been told, in that order, and how many
  // proposals it had made by then.
  struct Told {
    TrialId trial = 0;
    std::int64_t proposals = 0;
  };
  std::vector<Told> schedule() const;

  std::int64_t trial_count() const;
  std::optional<Trial> trial(TrialId id) const;
  std::vector<Trial> trials() const;  // all, by id
  std::vector<Trial> front() const;   // complete, non-dominated, by id
  std::vector<Artifact> artifacts(TrialId id) const;
  std::vector<CurvePoint> curve(TrialId id, std::string_view stage) const;  // by epoch
  std::vector<std::string> curve_stages(TrialId id) const;            // that have one, by name
  std::string environment(TrialId id, std::string_view stage) const;  // empty: unknown
  std::vector<FinalTraining> finals(TrialId id) const;
  std::vector<TrialId> trained_in_full() const;  // that have some, by id

  // Writing; only where created or resumed. Each call is one transaction.
  void admit(std::span<const Trial> trials);  // state running
  struct Landed {
    TrialId trial = 0;
    std::string stage;
    const Evaluation* evaluation = nullptr;
    TrialState state = TrialState::running;  // after this stage
    std::string reason;
    std::optional<std::int64_t> told = {};  // asynchronous: proposals made before it was told
  };
  void record(std::span<const Landed> landed);
  void record_final(const FinalTraining& final);  // in the place of one of equal settings

  // Zero-cost scores of networks, by the network's fingerprint: kept, so that a run that goes on
  // elsewhere sees the same ones. NaN: there is nothing to score. Nothing: not kept.
  struct Score {
    std::uint64_t network = 0;
    std::string name;
    double value = 0;
  };
  std::optional<double> score(std::uint64_t network, std::string_view name) const;
  void record(std::span<const Score> scores);  // writing, as above; those not kept yet

  // Everything that a run decides, as text in a fixed order, without times: equal runs give equal
  // dumps.
  std::string dump() const;

 private:
  struct Impl;
  explicit Study(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace hwnas
