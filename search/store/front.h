// The exact front of a set of trials. One front never mixes sources of one metric, nor fidelities.
// Free functions, thread-safe.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "search/objective.h"
#include "search/trial.h"

namespace hwnas {

// Indices of the complete trials that no other dominates in the optimised objectives, ascending.
// For each objective only values of one source count, the last that any complete trial has, and of
// its values only those of the highest fidelity.
std::vector<std::size_t> front_of(std::span<const Trial> trials,
                                  std::span<const Objective> objectives);

// For each of these, in the same order, the probability that no other complete trial dominates it,
// by the standard errors (search/front_probability.h). Empty where no value has one.
std::vector<double> front_probabilities(std::span<const Trial> trials,
                                        std::span<const Objective> objectives);

// The same front, kept up to date while trials become complete one by one. Not thread-safe.
class KeptFront {
 public:
  explicit KeptFront(const std::vector<Objective>& objectives);

  void restart(std::span<const Trial> trials);  // the front of all these
  // A trial has become complete. False where its values are of a source or a fidelity that none
  // before had: then the front is to be restarted with all trials.
  bool add(const Trial& trial);
  const std::set<TrialId>& ids() const { return ids_; }

 private:
  struct Axis {
    Objective objective;
    std::optional<Source> source;
    double fidelity = 0;
  };
  // Minimised; empty where a value is missing.
  std::vector<double> values_of(const Trial& trial) const;

  std::vector<Axis> axes_;
  std::vector<std::pair<TrialId, std::vector<double>>> members_;
  std::set<TrialId> ids_;
};

}  // namespace hwnas
