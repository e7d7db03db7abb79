#include "hw_models/validation.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "space/input_error.h"
#include "space/network_builder.h"

namespace hwnas {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

double of_layer(const Cost& cost, const std::string& metric, int layer) {
  if (metric.starts_with("counts.")) return count(cost, std::string_view(metric).substr(7), layer);
  for (const LayerCost& row : cost.layers) {
    if (row.layer != layer) continue;
    if (metric == "latency_s") return row.latency_s;
    if (metric == "energy_j") return row.energy_j;
  }
  return kNone;
}

double of_network(const Cost& cost, const std::string& metric) {
  if (metric.starts_with("counts.")) return count(cost, std::string_view(metric).substr(7));
  if (metric == "latency_s") return cost.latency_s;
  if (metric == "energy_j") return cost.energy_j;
  if (metric == "throughput_per_s") return cost.throughput_per_s;
  if (metric == "peak_memory_bytes") return static_cast<double>(cost.peak_memory_bytes);
  return static_cast<double>(cost.storage_bytes);
}

}  // namespace

Check check(const Device& device, const Validation& row, const Network& network) {
  Check result;
  result.modelled = result.error = kNone;
  const auto alive = live(with_precision(network, row.weight_bits, row.activation_bits));
  if (!alive) {
    result.reason = "nothing reaches the output of " + row.network;
    return result;
  }
  const Candidate candidate{{}, *alive, {row.batch, row.clock_share}};
  const Estimate estimate = device.model->estimate(candidate);
  if (!estimate.covered) {
    result.reason = estimate.reason;
    return result;
  }
  int layer = -1;
  for (int i = 0; i < alive->size(); ++i) {
    if (alive->layer(i).name == row.layer) layer = i;
  }
  if (!row.layer.empty() && layer < 0) {
    result.reason = row.network + " has no layer '" + row.layer + "'";
    return result;
  }
  result.modelled = row.layer.empty() ? of_network(estimate.cost, row.metric)
                                      : of_layer(estimate.cost, row.metric, layer);
  result.error = result.modelled / row.value - 1;
  result.pass = std::abs(result.error) <= row.tolerance + 1e-9;
  return result;
}

std::optional<Network> parse_gemm(const std::string& text) {
  constexpr std::string_view kPrefix = "gemm:";
  if (!text.starts_with(kPrefix)) return std::nullopt;
  int sizes[3] = {0, 0, 0};
  const char* at = text.data() + kPrefix.size();
  const char* end = text.data() + text.size();
  for (int& size : sizes) {
    if (&size != sizes && at != end && *at == 'x') ++at;
    const auto parsed = std::from_chars(at, end, size);
    if (parsed.ec != std::errc() || size < 1 || size > 1 << 24) {
      at = nullptr;
      break;
    }
    at = parsed.ptr;
  }
  if (at != end)
    throw InputError("", 0, "network", text, "expected gemm:MxNxK, such as gemm:128x768x64");
  NetworkBuilder builder(text, {sizes[2], sizes[0], 1});
  builder.linear(0, sizes[1], false);
  return std::move(builder).build();
}

}  // namespace hwnas
