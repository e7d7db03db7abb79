#include "search/objective.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <stdexcept>

#include "search/normal.h"
#include "space/input_error.h"

namespace hwnas {
namespace {

const std::array<std::string, 11> kMetrics{"accuracy", "latency",       "energy",     "memory",
                                           "storage",  "cost",          "throughput", "parameters",
                                           "macs",     "training_loss", "perplexity"};
const std::array<std::string, 4> kSources{"analytic", "predicted", "trained", "measured"};

template <typename Enum, std::size_t n>
std::optional<Enum> parse_enum(std::string_view name, const std::array<std::string, n>& names) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<Enum>(found - names.begin());
}

}  // namespace

std::string_view to_string(Metric metric) {
  return kMetrics[static_cast<std::size_t>(metric)];
}
std::optional<Metric> parse_metric(std::string_view name) {
  return parse_enum<Metric>(name, kMetrics);
}
std::span<const std::string> metric_names() {
  return kMetrics;
}

Unit unit(Metric metric) {
  switch (metric) {
    case Metric::accuracy:
      return Unit::fraction;
    case Metric::latency:
      return Unit::second;
    case Metric::energy:
      return Unit::joule;
    case Metric::memory:
    case Metric::storage:
      return Unit::byte;
    case Metric::cost:
      return Unit::usd;
    case Metric::throughput:
    case Metric::parameters:
    case Metric::macs:
      return Unit::count;
    case Metric::training_loss:
    case Metric::perplexity:
      return Unit::none;
  }
  return Unit::none;
}

bool maximised(Metric metric) {
  return metric == Metric::accuracy || metric == Metric::throughput;
}

bool is_learned(Metric metric) {
  return metric == Metric::accuracy || metric == Metric::perplexity;
}

bool needs_device(Metric metric) {
  return !is_learned(metric) && metric != Metric::parameters && metric != Metric::macs &&
         metric != Metric::training_loss;
}

std::string_view to_string(Source source) {
  return kSources[static_cast<std::size_t>(source)];
}
std::optional<Source> parse_source(std::string_view name) {
  return parse_enum<Source>(name, kSources);
}

std::string to_text(const MetricKey& key) {
  std::string text(to_string(key.metric));
  if (!key.device.empty()) text.append("@").append(key.device);
  return text;
}

MetricKey parse_metric_key(std::string_view text) {
  const std::size_t at = std::min(text.find('@'), text.size());
  const std::string name(text.substr(0, at));
  const std::string device(text.substr(std::min(at + 1, text.size())));
  const std::optional<Metric> metric = parse_metric(name);
  if (!metric) {
    throw std::invalid_argument("unknown metric '" + name + "'" + suggestion(name, kMetrics));
  }
  if (needs_device(*metric) && device.empty()) {
    throw std::invalid_argument("metric '" + name + "' needs a device, as in " + name + "@DEVICE");
  }
  if (!needs_device(*metric) && at != text.size()) {
    throw std::invalid_argument(
        "metric '" + name + "' is the same on every device; write it without '@" + device + "'");
  }
  return {*metric, device};
}

double Objective::minimised(double value) const {
  if (key.metric == Metric::accuracy) return 1 - value;
  return maximised(key.metric) ? -value : value;
}

double Objective::restored(double minimised) const {
  return this->minimised(minimised);
}

double Objective::judged(const Measurement& m) const {
  if (!bound || probability <= 0 || !m.stddev) return m.value;
  const double margin = normal_quantile(probability) * *m.stddev;
  return maximised(key.metric) ? m.value - margin : m.value + margin;
}

bool Objective::undecided(const Measurement& m) const {
  return bound && probability > 0 && !m.stddev && violation(m) == 0;
}

std::string Objective::why_undecided() const {
  return to_text(key) + " has no standard error, which its bound of " + bound_text() + " needs";
}

std::string Objective::bound_text() const {
  return (maximised(key.metric) ? "at least " : "at most ") +
         format_quantity(*bound, unit(key.metric)) + with_text();
}

std::string Objective::with_text() const {
  if (probability <= 0) return "";
  char text[32];
  std::snprintf(text, sizeof text, " with %.6g %%", 100 * probability);
  return text;
}

double Objective::violation(double judged) const {
  if (!bound) return 0;
  if (std::isnan(judged)) return std::numeric_limits<double>::infinity();
  const double excess = maximised(key.metric) ? *bound - judged : judged - *bound;
  if (excess <= 0) return 0;
  return *bound == 0 ? excess : excess / std::fabs(*bound);
}

}  // namespace hwnas
