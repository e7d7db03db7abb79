// Metric and Objective: what is known of a trial, and what a search wants of it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "space/units.h"

namespace hwnas {

// NOTE: names are stored in studies. Append only.
enum class Metric : std::uint8_t {
  accuracy,    // top-1 on the validation split, share; the only one to be maximised but throughput
  latency,     // s, of one batch
  energy,      // J per inference
  memory,      // peak activation bytes
  storage,     // bytes of weights and code
  cost,        // USD per million inferences
  throughput,  // inferences per second
  parameters,
  macs,
  training_loss,  // mean over the batches of the last epoch, while training (SoTL-E)
  perplexity,     // of a text: e to the mean cross entropy of a byte of the validation part
};

std::string_view to_string(Metric metric);
std::optional<Metric> parse_metric(std::string_view name);
std::span<const std::string> metric_names();
Unit unit(Metric metric);
bool maximised(Metric metric);
bool is_learned(Metric metric);    // accuracy, perplexity: what training is for
bool needs_device(Metric metric);  // latency, energy, memory, storage, cost, throughput

// How a value came about. One front never mixes sources of one metric.
enum class Source : std::uint8_t { analytic, predicted, trained, measured };
std::string_view to_string(Source source);
std::optional<Source> parse_source(std::string_view name);

// A metric on a device, written "latency@stm32h743"; without a device "accuracy".
struct MetricKey {
  Metric metric = Metric::accuracy;
  std::string device;

  friend auto operator<=>(const MetricKey&, const MetricKey&) = default;
};
std::string to_text(const MetricKey& key);
// Throws std::invalid_argument: unknown metric (with the nearest), device missing or superfluous.
MetricKey parse_metric_key(std::string_view text);

struct Measurement {
  MetricKey key;
  Source source = Source::analytic;
  double fidelity = 0;                // epochs of all images; 0 where it means nothing
  double value = 0;                   // SI
  std::optional<double> stddev = {};  // standard error of `value`, where known
};

// Something to optimise, to keep within a bound, or both.
struct Objective {
  MetricKey key;
  bool optimised = true;
  std::optional<double> bound = {};  // highest allowed value; lowest where the metric is maximised
  double probability = 0;            // with which the bound must hold; 0: by the value alone
  std::optional<double> reference = {};  // the worst value that counts in the hypervolume

  // The value as searchers see it: smaller is better. Accuracy a becomes the error 1 - a,
  // throughput t becomes -t.
  double minimised(double value) const;
  double restored(double minimised) const;  // the inverse

  // What must keep the bound: the value, or, where the bound has a probability, what the true value
  // exceeds (where maximised: falls short of) with no more than the rest of it, its error being
  // normal. The value where no error is known.
  double judged(const Measurement& m) const;

  // 0 where the bound is met or absent, else the excess relative to the bound.
  double violation(double judged) const;
  double violation(const Measurement& m) const { return violation(judged(m)); }
  // Whether the bound has a probability that cannot be told: no standard error is known.
  bool undecided(const Measurement& m) const;

  // Why such a candidate has failed.
  std::string why_undecided() const;

  std::string bound_text() const;  // "at most 10.0 ms with 95 %", "at least 90.0 %"
  std::string with_text() const;   // " with 95 %"; empty without a probability
};

}  // namespace hwnas
