// Selection: the trials of a study that keep a user's conditions, and the one of them that he
// wants. Pure functions; thread-safe. They throw InputError for `option`.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "search/trial.h"

namespace hwnas {

// "latency@stm32h743 < 20 ms", "accuracy >= 90 %": <, <=, > or >= between a metric and a value in
// its unit.
struct Condition {
  MetricKey key;
  bool below = true;      // < or <=
  bool exclusive = true;  // < or >
  double value = 0;       // SI
  std::string text;       // as given
};
std::vector<Condition> parse_conditions(std::span<const std::string> texts,
                                        const std::string& option);

bool keeps(const Trial& trial, const Condition& condition);  // not where the metric is unknown

// What matters most first: "accuracy within 0.5 %, latency@stm32h743" is the fastest of those that
// are at most half a point less accurate than the best.
struct Preference {
  MetricKey key;
  double slack = 0;  // SI
};
std::vector<Preference> parse_preferences(const std::string& text, const std::string& option);

// Complete trials that keep all conditions, in their order. Where there is none the error says
// which condition nothing keeps, or that they do not go together, and who comes closest.
std::vector<Trial> matching(std::span<const Trial> trials, std::span<const Condition> conditions,
                            const std::string& option);

// Index of the one that the preferences leave; of equals the first. Trials whose metric is unknown
// are left out; InputError where none has it.
std::size_t preferred(std::span<const Trial> trials, std::span<const Preference> preferences,
                      const std::string& option);

}  // namespace hwnas
