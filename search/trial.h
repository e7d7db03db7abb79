// Trial: one proposal of a run and what became of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "search/objective.h"
#include "space/genotype.h"

namespace hwnas {

using TrialId = std::int64_t;  // 0, 1, 2, ... in the order of admission

enum class TrialState : std::uint8_t {
  running,     // admitted; some stages may be recorded
  complete,    // went through every stage within all bounds
  infeasible,  // a bound is broken; later stages were not run
  failed,      // a stage gave no result; `reason` says why
  stopped,     // fell behind the others of its round at a rung: nothing is wrong with it
};
std::string_view to_string(TrialState state);
std::optional<TrialState> parse_trial_state(std::string_view name);

struct Trial {
  TrialId id = 0;
  Genotype genotype;
  std::uint64_t fingerprint = 0;  // of the candidate; its identity where RunSettings has one
  std::uint64_t seed = 0;         // hash of the run's seed and the id
  std::vector<TrialId> parents;
  std::string origin;  // "sample", "crossover+mutate", ...: how it was made
  TrialState state = TrialState::running;
  std::string stage;   // the last stage that was run
  std::string reason;  // of infeasible, failed and stopped
  std::vector<Measurement> measurements;
};

// The value of `key` that is closest to the truth: of the last source in the order of Source
// (measured before trained before predicted before analytic), of these the highest fidelity.
// nullptr where there is none. With `source` only values of that source count.
const Measurement* find(const Trial& trial, const MetricKey& key,
                        std::optional<Source> source = {});

// The same of what had been measured by a rung of this fidelity.
const Measurement* find_at_rung(const Trial& trial, const MetricKey& key, double fidelity);

}  // namespace hwnas
