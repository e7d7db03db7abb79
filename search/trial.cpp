#include "search/trial.h"

#include <algorithm>
#include <array>

namespace hwnas {
namespace {

constexpr std::array<std::string_view, 5> kStates{"running", "complete", "infeasible", "failed",
                                                  "stopped"};

// The closest to the truth of those that `counts`.
template <typename Counts>
const Measurement* closest(const Trial& trial, const MetricKey& key, const Counts& counts) {
  const Measurement* best = nullptr;
  for (const Measurement& m : trial.measurements) {
    if (m.key != key || !counts(m)) continue;
    if (!best || m.source > best->source ||
        (m.source == best->source && m.fidelity > best->fidelity)) {
      best = &m;
    }
  }
  return best;
}

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
  return closest(trial, key, [&](const Measurement& m) { return !source || m.source == *source; });
}

const Measurement* find_at_rung(const Trial& trial, const MetricKey& key, double fidelity) {
  return closest(trial, key, [&](const Measurement& m) { return m.fidelity <= fidelity; });
}

}  // namespace hwnas
