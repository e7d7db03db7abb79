// Admission: from proposals to numbered trials; what is known already is looked up, not tried
// again. Internal to search/engine. Not thread-safe (decodes on several threads by itself).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "search/engine/run.h"

namespace hwnas {

// An admitted trial with what its stages need. The candidate's network is live.
struct Entry {
  Trial trial;
  Candidate candidate;    // of a running trial; of others only where asked for
  bool replayed = false;  // was in the study, with all its stages done
};

class Admission {
 public:
  // `decode_all`: entries of the study come with their candidates too.
  Admission(const SearchSpace& space, const Plan& plan, Study& study, const RunSettings& settings,
            bool decode_all);

  // A new round: these proposals are decoded and wait to be admitted.
  void open_round(std::vector<Proposal> proposals);
  bool round_is_over() const { return left() == 0; }
  std::size_t left() const { return proposals_.size() - next_proposal_; }

  // The next proposals, in order, until `room` of them are trials (the others being duplicates).
  // Writes trials that are new to the study. Throws InputError on a replay that diverges.
  std::vector<Entry> admit(std::int64_t room);

  // What the searcher is told of a trial.
  void ended(const Trial& trial);
  // Of one that is over.
  Outcome outcome(TrialId trial, const Genotype& genotype) const;
  // Of all proposals of this round, by trial id; those that share a trial in the order asked.
  std::vector<Outcome> outcomes() const;

  // Of an admitted proposal of this round.
  TrialId trial_of(std::size_t proposal) const { return trial_of_[proposal]; }
  std::int64_t admitted() const { return next_id_; }
  std::int64_t stored() const { return stored_; }  // trials that the study held at the start

 private:
  struct Decoded {
    Candidate candidate;
    std::uint64_t fingerprint = 0;
    std::string failure;
  };
  Decoded decode(const Genotype& genotype) const;
  const Decoded& decoded(std::size_t proposal);
  Entry known(std::size_t proposal, Trial trial);
  Entry fresh(std::size_t proposal);

  const SearchSpace& space_;
  const Plan& plan_;
  Study& study_;
  const RunSettings& settings_;
  const bool decode_all_;
  const std::int64_t stored_;
  TrialId next_id_ = 0;
  std::unordered_map<std::uint64_t, TrialId> by_fingerprint_;  // looked up only, never iterated
  struct Told {
    TrialState state = TrialState::running;
    double violation = 0;
    std::vector<double> objectives;
    std::vector<double> values;
    std::vector<std::vector<double>> rungs;
  };
  std::vector<Told> told_;  // by trial id

  std::vector<Proposal> proposals_;
  std::vector<std::optional<Decoded>> decoded_;
  std::vector<TrialId> trial_of_;
  std::size_t next_proposal_ = 0;
};

}  // namespace hwnas
