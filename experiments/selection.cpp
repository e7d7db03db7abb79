#include "experiments/selection.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <string_view>

#include "space/input_error.h"

namespace hwnas {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

InputError refusal(const std::string& option, const std::string& value,
                   const std::string& problem) {
  return {"", 0, option, value, problem};
}

Condition parse_condition(const std::string& text, const std::string& option) {
  const std::size_t at = text.find_first_of("<>");
  if (at == std::string::npos)
    throw refusal(option, text, "expected METRIC < VALUE, such as \"latency@stm32h743 < 20 ms\"");
  Condition condition;
  condition.text = text;
  condition.below = text[at] == '<';
  condition.exclusive = at + 1 >= text.size() || text[at + 1] != '=';
  const std::string_view all = text;
  try {
    condition.key = parse_metric_key(trimmed(all.substr(0, at)));
    condition.value = parse_quantity(trimmed(all.substr(at + (condition.exclusive ? 1 : 2))),
                                     unit(condition.key.metric));
  } catch (const std::invalid_argument& error) {
    throw refusal(option, text, error.what());
  }
  return condition;
}

const double* value_of(const Trial& trial, const MetricKey& key) {
  const Measurement* m = find(trial, key);
  return m != nullptr ? &m->value : nullptr;
}

std::string known_keys(std::span<const Trial> trials) {
  std::vector<std::string> names;
  for (const Trial& trial : trials) {
    for (const Measurement& m : trial.measurements) {
      std::string name = to_text(m.key);
      if (std::find(names.begin(), names.end(), name) == names.end())
        names.push_back(std::move(name));
    }
    if (!names.empty()) break;
  }
  std::sort(names.begin(), names.end());
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

// How far a trial is from keeping all, as the largest excess over a bound, relative to it.
double distance(const Trial& trial, std::span<const Condition> conditions) {
  double most = 0;
  for (const Condition& c : conditions) {
    const double* value = value_of(trial, c.key);
    if (value == nullptr) return INFINITY;
    if (keeps(trial, c)) continue;
    most = std::max(most, std::abs(*value - c.value) / std::max(std::abs(c.value), 1e-30));
  }
  return most;
}

[[noreturn]] void nothing_keeps(const std::vector<const Trial*>& complete,
                                std::span<const Condition> conditions, const std::string& option) {
  for (const Condition& c : conditions) {
    const Trial* best = nullptr;
    for (const Trial* trial : complete) {
      const double* value = value_of(*trial, c.key);
      if (value == nullptr) continue;
      if (keeps(*trial, c)) {
        best = nullptr;
        break;
      }
      const double* so_far = best != nullptr ? value_of(*best, c.key) : nullptr;
      if (so_far == nullptr || (c.below ? *value < *so_far : *value > *so_far)) best = trial;
    }
    if (best == nullptr) continue;
    throw refusal(option, c.text,
                  std::string("no complete trial keeps it; the ") +
                      (c.below ? "lowest" : "highest") + " is " +
                      format_quantity(*value_of(*best, c.key), unit(c.key.metric)) + " (trial " +
                      std::to_string(best->id) + ")");
  }
  const Trial* closest =
      *std::min_element(complete.begin(), complete.end(), [&](const Trial* a, const Trial* b) {
        return distance(*a, conditions) < distance(*b, conditions);
      });
  std::string misses;
  for (const Condition& c : conditions) {
    if (keeps(*closest, c)) continue;
    const double* value = value_of(*closest, c.key);
    misses += (misses.empty() ? "" : ", ") + to_text(c.key) + " " +
              (value != nullptr ? format_quantity(*value, unit(c.key.metric)) : "unknown");
  }
  throw InputError("no complete trial keeps all conditions, though each is kept by some; trial " +
                   std::to_string(closest->id) + " comes closest: " + misses);
}

void check_known(std::span<const Trial> trials, const MetricKey& key, const std::string& option,
                 const std::string& text) {
  const bool known = std::any_of(trials.begin(), trials.end(), [&](const Trial& trial) {
    return value_of(trial, key) != nullptr;
  });
  if (!known && !trials.empty())
    throw refusal(option, text,
                  "no trial has a value of " + to_text(key) + "; known: " + known_keys(trials));
}

}  // namespace

std::vector<Condition> parse_conditions(std::span<const std::string> texts,
                                        const std::string& option) {
  std::vector<Condition> conditions;
  for (const std::string& text : texts) conditions.push_back(parse_condition(text, option));
  return conditions;
}

bool keeps(const Trial& trial, const Condition& c) {
  const double* value = value_of(trial, c.key);
  if (value == nullptr) return false;
  if (*value == c.value) return !c.exclusive;
  return c.below ? *value < c.value : *value > c.value;
}

std::vector<Preference> parse_preferences(const std::string& text, const std::string& option) {
  constexpr std::string_view kWithin = " within ";
  std::vector<Preference> preferences;
  std::string_view rest = text;
  while (true) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view one = rest.substr(0, comma);
    const std::size_t within = std::min(one.find(kWithin), one.size());
    try {
      Preference p{parse_metric_key(trimmed(one.substr(0, within))), 0};
      if (within < one.size())
        p.slack = parse_quantity(trimmed(one.substr(within + kWithin.size())), unit(p.key.metric));
      if (p.slack < 0) throw std::invalid_argument("what it may be within is not negative");
      preferences.push_back(std::move(p));
    } catch (const std::invalid_argument& error) {
      throw refusal(option, text, error.what());
    }
    if (comma == rest.size()) return preferences;
    rest.remove_prefix(comma + 1);
  }
}

std::vector<Trial> matching(std::span<const Trial> trials, std::span<const Condition> conditions,
                            const std::string& option) {
  std::vector<Trial> kept;
  std::vector<const Trial*> complete;
  for (const Trial& trial : trials) {
    if (trial.state != TrialState::complete) continue;
    complete.push_back(&trial);
    if (std::all_of(conditions.begin(), conditions.end(),
                    [&](const Condition& c) { return keeps(trial, c); }))
      kept.push_back(trial);
  }
  if (!kept.empty() || complete.empty()) return kept;
  for (const Condition& c : conditions) check_known(trials, c.key, option, c.text);
  nothing_keeps(complete, conditions, option);
}

std::size_t preferred(std::span<const Trial> trials, std::span<const Preference> preferences,
                      const std::string& option) {
  std::vector<std::size_t> left(trials.size());
  std::iota(left.begin(), left.end(), std::size_t{0});
  for (const Preference& p : preferences) {
    check_known(trials, p.key, option, to_text(p.key));
    const Objective axis{p.key};
    std::erase_if(left, [&](std::size_t i) { return value_of(trials[i], p.key) == nullptr; });
    if (left.empty()) throw refusal(option, to_text(p.key), "is known of none that are left");
    const auto cost = [&](std::size_t i) { return axis.minimised(*value_of(trials[i], p.key)); };
    double best = cost(left[0]);
    for (const std::size_t i : left) best = std::min(best, cost(i));
    std::erase_if(left, [&](std::size_t i) { return cost(i) > best + p.slack; });
  }
  // Slack of the last one is no wish for the worse of two.
  if (preferences.empty()) return left.at(0);
  const MetricKey& last = preferences.back().key;
  const Objective axis{last};
  return *std::min_element(left.begin(), left.end(), [&](std::size_t a, std::size_t b) {
    return axis.minimised(*value_of(trials[a], last)) < axis.minimised(*value_of(trials[b], last));
  });
}

}  // namespace hwnas
