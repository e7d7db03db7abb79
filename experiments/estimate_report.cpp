#include "experiments/estimate_report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>
#include <tuple>

#include "experiments/adapters/cost_evaluator.h"
#include "experiments/table.h"
#include "hw_models/power_cap.h"
#include "space/input_error.h"
#include "space/units.h"

namespace hwnas {
namespace {

// A candidate at one precision and what all devices share of it.
struct Shared {
  Candidate candidate;
  Workload workload;

  explicit Shared(Candidate c) : candidate(std::move(c)), workload(candidate) {}
};

constexpr double kLowestClock = 0.05;  // of the highest, that a power cap is met with

nlohmann::json number(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json();
}

nlohmann::json layers_json(const Cost& cost, const Network& network) {
  nlohmann::json layers = nlohmann::json::array();
  for (const LayerCost& l : cost.layers) {
    nlohmann::json row{{"layer", l.layer},
                       {"name", network.layer(l.layer).name},
                       {"op", to_string(network.layer(l.layer).op)},
                       {"latency_s", number(l.latency_s)},
                       {"energy_j", number(l.energy_j)},
                       {"macs", l.macs},
                       {"traffic_bytes", l.traffic_bytes},
                       {"live_bytes", l.live_bytes},
                       {"bound", to_string(l.bound)}};
    for (const Count& c : cost.counts) {
      if (c.layer == l.layer) row["counts"][std::string(c.name)] = number(c.value);
    }
    layers.push_back(std::move(row));
  }
  return layers;
}

// Whether the sum of a count over layers means something.
bool adds_up(std::string_view name) {
  for (const char* part : {"_db", "_share", "_lost", "_s", "_hz"}) {
    if (name.ends_with(part)) return false;
  }
  return true;
}

nlohmann::json as_json(const DeviceEstimate& entry, const Network& network) {
  const Estimate& e = entry.estimate;
  nlohmann::json j{{"device", entry.device->name},
                   {"family", to_string(entry.device->family)},
                   {"runs", e.covered},
                   {"fits", e.covered && e.fits},
                   {"reason", e.reason}};
  if (entry.bits.weights > 0) {
    j["weight_bits"] = entry.bits.weights;
    j["activation_bits"] = entry.bits.activations;
  }
  if (entry.clock_share > 0) j["clock_share"] = entry.clock_share;
  if (!e.covered) return j;
  j["latency_s"] = number(e.cost.latency_s);
  j["energy_j"] = number(e.cost.energy_j);
  const auto error = [](double stddev) { return number(stddev > 0 ? stddev : NAN); };
  j["latency_stddev_s"] = error(e.cost.latency_stddev_s);
  j["energy_stddev_j"] = error(e.cost.energy_stddev_j);
  j["throughput_per_s"] = number(e.cost.throughput_per_s);
  j["peak_memory_bytes"] = e.cost.peak_memory_bytes;
  j["storage_bytes"] = e.cost.storage_bytes;
  j["usd_per_million"] = number(e.cost.usd_per_million);
  j["bound"] = to_string(e.cost.bound);
  j["confidence"] = std::string(1, static_cast<char>(e.cost.confidence));
  j["extrapolated"] = e.cost.extrapolated;
  j["source"] = to_string(source_of(*entry.device));
  j["counts"] = nlohmann::json::object();
  for (const Count& c : e.cost.counts) {
    const std::string name(c.name);
    if (c.layer < 0) {
      j["counts"][name] = number(c.value);
    } else if (!j["counts"].contains(name) && adds_up(c.name)) {
      j["counts"][name] = number(count(e.cost, c.name));
    }
  }
  j["layers"] = layers_json(e.cost, network);
  return j;
}

std::string quantity_or_dash(double value, Unit unit, double stddev = 0) {
  if (!std::isfinite(value)) return "-";
  return stddev > 0 ? format_quantity(value, stddev, unit) : format_quantity(value, unit);
}

// "all numbers analytic", "numbers of my_board measured, of his_board predicted, all others
// analytic".
std::string sources_text(const std::vector<DeviceEstimate>& estimates) {
  std::map<Source, std::string> devices;
  for (const DeviceEstimate& e : estimates) {
    std::string& list = devices[source_of(*e.device)];
    list += (list.empty() ? "" : ", ") + e.device->name;
  }
  if (devices.size() == 1) return "all numbers " + std::string(to_string(devices.begin()->first));
  std::string text;
  for (const auto& [source, list] : devices) {
    if (source == Source::analytic) continue;
    text += (text.empty() ? "numbers of " : ", of ") + list + " ";
    text += to_string(source);
  }
  return devices.contains(Source::analytic) ? text + ", all others analytic" : text;
}

std::string dollars(double value) {
  char text[32];
  std::snprintf(text, sizeof text, value < 0.001 ? "%.1e" : "%.3g", value);
  return std::isfinite(value) ? text : "-";
}

double value_of(const Cost& cost, const std::string& metric) {
  if (metric == "latency") return cost.latency_s;
  if (metric == "energy") return cost.energy_j;
  if (metric == "memory") return static_cast<double>(cost.peak_memory_bytes);
  if (metric == "cost") return cost.usd_per_million;
  return -cost.throughput_per_s;
}

DeviceEstimate under_cap(const Device& device, Candidate candidate, Bits bits, double cap_w) {
  const auto share = clock_share_under_cap(*device.model, candidate, kLowestClock, cap_w);
  candidate.deployment.clock_share = share.value_or(1);
  DeviceEstimate result{&device, bits, share.value_or(0), device.model->estimate(candidate)};
  if (!share && result.estimate.covered) {
    result.estimate = not_covered(device.name + " draws more than " +
                                  format_quantity(cap_w, Unit::none) + " W at any clock");
  }
  return result;
}

}  // namespace

std::vector<DeviceEstimate> estimate_on(const std::vector<Device>& devices,
                                        const Candidate& candidate,
                                        const EstimateOptions& options) {
  std::vector<DeviceEstimate> estimates;
  std::map<std::pair<int, int>, std::optional<Shared>> shared;
  for (const Device& device : devices) {
    Bits bits{0, 0};
    if (options.native && !device.precisions.empty()) bits = device.precisions.front();
    auto& at = shared[{bits.weights, bits.activations}];
    if (!at) {
      Candidate c = candidate;
      if (bits.weights > 0) c.network = with_precision(c.network, bits.weights, bits.activations);
      at.emplace(std::move(c));
    }
    if (options.power_cap_w) {
      estimates.push_back(under_cap(device, at->candidate, bits, *options.power_cap_w));
    } else {
      estimates.push_back({&device, bits, 0, device.model->estimate(at->workload)});
    }
  }
  return estimates;
}

void rank(std::vector<DeviceEstimate>& estimates, const std::string& metric) {
  const std::vector<std::string> known{"latency", "energy", "memory", "cost", "throughput"};
  if (std::find(known.begin(), known.end(), metric) == known.end())
    throw InputError("", 0, "--sort", metric, "no such metric" + suggestion(metric, known));
  const auto key = [&metric](const DeviceEstimate& e) {
    const double value = e.estimate.covered ? value_of(e.estimate.cost, metric) : NAN;
    return std::tuple(!e.estimate.covered, !e.estimate.fits, std::isnan(value),
                      std::isnan(value) ? 0 : value);
  };
  std::stable_sort(estimates.begin(), estimates.end(),
                   [&key](const auto& a, const auto& b) { return key(a) < key(b); });
}

void print_estimates(std::ostream& out, const std::vector<DeviceEstimate>& estimates) {
  const bool bits = std::any_of(estimates.begin(), estimates.end(),
                                [](const DeviceEstimate& e) { return e.bits.weights > 0; });
  const bool clocks = std::any_of(estimates.begin(), estimates.end(),
                                  [](const DeviceEstimate& e) { return e.clock_share > 0; });
  Table table;
  table.column("device", Table::Align::left);
  if (bits) table.column("bits");
  if (clocks) table.column("clock");
  for (const char* heading : {"latency", "energy", "memory", "storage", "inf/s", "$/million"})
    table.column(heading);
  for (const char* heading : {"bound", "class", "fits"}) table.column(heading, Table::Align::left);
  std::string notes;
  for (const auto& [device, at, clock, e] : estimates) {
    const Cost& c = e.cost;
    std::vector<std::string> cells{device->name};
    if (bits) {
      cells.push_back(at.weights == 0
                          ? "own"
                          : std::to_string(at.weights) + "/" + std::to_string(at.activations));
    }
    if (clocks) cells.push_back(clock > 0 ? format_quantity(clock, Unit::fraction) : "-");
    if (!e.covered) {
      cells.insert(cells.end(), {"-", "-", "-", "-", "-", "-", "", "", "cannot run"});
    } else {
      cells.insert(cells.end(),
                   {quantity_or_dash(c.latency_s, Unit::second, c.latency_stddev_s),
                    quantity_or_dash(c.energy_j, Unit::joule, c.energy_stddev_j),
                    format_quantity(static_cast<double>(c.peak_memory_bytes), Unit::byte),
                    format_quantity(static_cast<double>(c.storage_bytes), Unit::byte),
                    quantity_or_dash(c.throughput_per_s, Unit::count), dollars(c.usd_per_million),
                    std::string(to_string(c.bound)),
                    std::string(1, static_cast<char>(c.confidence)), e.fits ? "yes" : "no"});
    }
    table.row(std::move(cells));
    if (!e.reason.empty()) notes += device->name + ": " + e.reason + '\n';
    for (const std::string& line : c.extrapolated)
      notes += device->name + ": extrapolated: " + line + '\n';
  }
  out << table << notes << sources_text(estimates)
      << "; latency of one batch, energy of one inference\n";
}

nlohmann::json estimates_json(const std::vector<DeviceEstimate>& estimates,
                              const Network& network) {
  nlohmann::json all = nlohmann::json::array();
  for (const DeviceEstimate& entry : estimates) all.push_back(as_json(entry, network));
  return all;
}

}  // namespace hwnas
