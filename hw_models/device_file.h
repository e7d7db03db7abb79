// What device files of all families have in common: cited sections, coverage, clock, sparsity and
// price. Keys and units: hw_models/README.md. Everything here is a regular value; const access is
// thread-safe; readers throw InputError.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hw_models/cost_model.h"
#include "hw_models/kernel.h"
#include "hw_models/memory_plan.h"
#include "space/candidate.h"
#include "space/toml_table.h"

namespace hwnas {

// A table that says where its constants are from: checks `source` and `date` (YYYY[-MM[-DD]]).
void read_citation(const TomlTable& table);
TomlTable cited_section(const TomlTable& file, std::string_view key);
std::optional<TomlTable> maybe_cited_section(const TomlTable& file, std::string_view key);
std::vector<TomlTable> cited_sections(const TomlTable& file, std::string_view key);  // [[key]]

// What runs the ops that are not matrix products, element by element: a vector unit on the chip, or
// a host that a device file declares as the fallback for ops that the device lacks.
struct ElementUnit {
  double elements_per_s = 0, energy_per_element_j = 0;
  double overhead_s = 0;  // for each kernel

  // Reads elements_per_s, energy_per_element_j and overhead_s (0) of a section.
  static ElementUnit read(const TomlTable& section);
  // All of the row but live_bytes. `clock_share` slows a unit on the chip; a host keeps its pace.
  LayerCost run(const Kernel& kernel, const Workload& workload, double clock_share = 1) const;
};

// Operating points: V(f) is flat below the knee and linear above it.
struct Clock {
  double highest_hz = 0;
  double lowest_share = 1;        // of highest_hz
  double knee_share = 1;          // of highest_hz
  double knee_voltage_share = 1;  // voltage at and below the knee, of that at highest_hz

  static Clock read(const TomlTable& file);
  double voltage_share(double clock_share) const;
  // A line for Cost::extrapolated where the device file does not go so low, else empty.
  std::string extrapolation(double clock_share, const std::string& device) const;
};

// Which networks a device file vouches for.
class Coverage {
 public:
  // Reads [coverage], and [fallback] (`ops` and the keys of an ElementUnit). Precisions are added
  // row by row by the family, which has more to say of them.
  static Coverage read(const TomlTable& file, std::string device);
  void add_precision(const TomlTable& table);
  // All [[precisions]], added; their tables, for the family to read on. At least one.
  std::vector<TomlTable> read_precisions(const TomlTable& file);

  // Why the device cannot run the candidate, or nothing.
  std::optional<std::string> refusal(const Candidate& candidate) const;

  // Index of the [[precisions]] table for weights of `weight_bits` and inputs of `input_bits`; for
  // a layer without weights, of the first table with its activation bits. The candidate is covered.
  int precision(const Network& network, const Layer& layer) const;

  // Of ops that a declared fallback runs; null for those that the device runs itself.
  const ElementUnit* fallback(Op op) const {
    return fallback_ops_ >> static_cast<unsigned>(op) & 1 ? &fallback_ : nullptr;
  }
  // Adds the line to Cost::extrapolated that says which layers a fallback runs, if any.
  void note_fallback(const Workload& workload, Cost& cost) const;
  // Adds to it what lies beyond the batches and clocks that the file describes.
  void note_limits(const Workload& workload, const Clock& clock, Cost& cost,
                   int batch_highest = std::numeric_limits<int>::max()) const;
  // Where `needed` bytes of a memory are more than `available`: the estimate does not fit, and why.
  void require(Estimate& estimate, std::string_view memory, double needed, double available) const;

  const std::string& device() const { return device_; }
  Fusion fusion;

 private:
  static constexpr std::size_t kBits = 33;
  std::optional<std::string> bits_refusal(const Network& network, const Layer& layer) const;
  std::string covered_bits() const;
  std::string covered_ops() const;

  std::string device_;
  std::uint32_t ops_ = 0, fallback_ops_ = 0;
  ElementUnit fallback_;
  std::array<std::array<std::int8_t, kBits>, kBits> row_{};  // [weight bits][input bits], or -1
  std::array<std::int8_t, kBits> first_row_{};               // [activation bits], or -1
  std::vector<std::pair<int, int>> bits_;
};

// What a device gains from weights pruned one by one. Without a [sparsity] section: nothing.
struct Sparsity {
  double highest_density = 0;  // zeros are skipped at or below it
  int index_bits = 0;          // stored for each kept weight

  static Sparsity read(const TomlTable& file);
  bool rewarded(const Layer& layer) const {
    return layer.weight_density < 1 && layer.weight_density <= highest_density;
  }
  // Share of the dense layer's multiplications, and of its weight bytes.
  double compute_share(const Layer& layer) const;
  double storage_share(const Layer& layer) const;
};

// Rented by the hour, or owned.
struct Price {
  double usd_per_hour = std::numeric_limits<double>::quiet_NaN();
  double usd = std::numeric_limits<double>::quiet_NaN();
  double life_s = 0;
  double usd_per_kwh = 0;
  double power_usage_effectiveness = 1;
  double utilisation_share = 1;

  static Price read(const TomlTable& file);
  // NaN where the device has no price. Energy in J per inference, busy time in s per inference.
  double usd_per_million(double time_s, double energy_j) const;
  // Its standard error, from independent ones of time and energy; 0 where one that counts is 0.
  double usd_per_million_stddev(double time_stddev_s, double energy_stddev_j) const;
};

MemoryRules read_memory_rules(const TomlTable& runtime);

}  // namespace hwnas
