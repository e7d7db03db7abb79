#include "search/trial.h"

#include <algorithm>
#include <array>

namespace hwnas {
namespace {

constexpr std::array<std::string_view, 4> kStates{"running", "complete", "infeasible", "failed"};

}  // namespace

std::string_view to_string(TrialState state) {
  return kStates[static_cast<std::size_t>(state)];
}

std::optional<TrialState> parse_trial_state(std::string_view name) {
  const auto found = std::find(kStates.begin(), kStates.end(), name);
  if (found == kStates.end()) return std::nullopt;
  return static_cast<TrialState>(found - kStates.begin());
}

const Measurement* find(const Trial& trial, const MetricKey& key) {
  const Measurement* best = nullptr;
  for (const Measurement& measurement : trial.measurements) {
    if (measurement.key != key) continue;
    if (!best || measurement.fidelity > best->fidelity) best = &measurement;
  }
  return best;
}

}  // namespace hwnas
