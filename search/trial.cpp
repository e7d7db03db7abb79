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

const Measurement* find(const Trial& trial, const MetricKey& key, std::optional<Source> source) {
  const Measurement* best = nullptr;
  for (const Measurement& m : trial.measurements) {
    if (m.key != key || (source && m.source != *source)) continue;
    if (!best || m.source > best->source ||
        (m.source == best->source && m.fidelity > best->fidelity)) {
      best = &m;
    }
  }
  return best;
}

}  // namespace hwnas
