#include "hw_models/families/microcontroller.h"

#include <algorithm>
#include <cmath>

#include "hw_models/memory_plan.h"

namespace hwnas {
namespace {

constexpr int kDualMacChannels = 4;

}  // namespace

double Microcontroller::per_mac(const Layer& layer, OpClass op) const {
  switch (op) {
    case OpClass::depthwise:
      return c_.depthwise_per_mac;
    case OpClass::linear:
    case OpClass::attention:
      return c_.linear_per_mac;
    default:
      return layer.in.channels / layer.groups < kDualMacChannels ? c_.narrow_conv_per_mac
                                                                 : c_.conv_per_mac;
  }
}

Microcontroller::Cycles Microcontroller::cycles(const Kernel& kernel, const Network& network,
                                                const PatchPlan* patches) const {
  const Layer& layer = network.layer(kernel.layer);
  const auto row = static_cast<std::size_t>(c_.coverage.precision(network, layer));
  double multiplied = static_cast<double>(kernel.macs);
  double outputs = 0;
  if (has_weights(kernel.op)) {
    multiplied *= c_.sparsity.compute_share(layer);
    outputs = static_cast<double>(layer.out.elements());
  }
  Cycles cycles;
  cycles.compute = multiplied * per_mac(layer, kernel.op) * c_.precision_factors[row] +
                   outputs * c_.per_output +
                   static_cast<double>(kernel.element_ops) * c_.per_element;
  cycles.flash = kernel.weight_bytes * c_.sparsity.storage_share(layer) * c_.flash_wait_per_byte;
  cycles.overhead = c_.per_layer;
  if (patches && kernel.layer <= patches->last) {
    cycles.compute *= patches->work[static_cast<std::size_t>(kernel.layer)];
    cycles.flash *= patches->count();
    cycles.overhead *= patches->count();
  }
  return cycles;
}

std::int64_t Microcontroller::buffer_bytes(const Layer& layer, OpClass op) const {
  std::int64_t values = 0;
  const std::int64_t kernel = std::int64_t{layer.kernel_h} * layer.kernel_w;
  if (op == OpClass::conv) values = c_.im2col_columns * kernel * layer.in.channels / layer.groups;
  if (op == OpClass::depthwise) {
    values = c_.depthwise_columns * kernel * layer.in.channels;
    const Padding& pad = layer.pad;
    if (c_.depthwise_plane_unfolded)
      values += std::int64_t{layer.in.height + pad.top + pad.bottom} *
                (layer.in.width + pad.left + pad.right);
  }
  return values * c_.im2col_bytes_per_value;
}

Microcontroller::Kept Microcontroller::kept(const std::vector<Kernel>& kernels,
                                            const Network& network) const {
  Kept kept{c_.fixed_sram_bytes, 0, static_cast<double>(c_.code_bytes)};
  for (const Kernel& kernel : kernels) {
    const Layer& layer = network.layer(kernel.layer);
    kept.buffer_bytes = std::max(kept.buffer_bytes, buffer_bytes(layer, kernel.op));
    kept.sram_bytes += c_.sram_bytes_per_layer;
    kept.flash_bytes += static_cast<double>(c_.flash_bytes_per_layer);
    if (!has_weights(kernel.op)) continue;
    kept.sram_bytes += c_.sram_bytes_per_channel * layer.out.channels;
    kept.flash_bytes += static_cast<double>(c_.scale_bytes_per_channel) * layer.out.channels;
  }
  if (c_.buffers_shared) kept.sram_bytes += kept.buffer_bytes;
  return kept;
}

std::optional<PatchPlan> Microcontroller::patches(const Workload& workload,
                                                  const Kept& kept) const {
  if (c_.patches_per_side < 2) return std::nullopt;
  std::int64_t enough = c_.sram_bytes - kept.sram_bytes;
  if (!c_.buffers_shared) enough -= kept.buffer_bytes;
  const MemoryPlan& whole = workload.memory(c_.memory_rules);
  if (whole.peak_bytes <= enough) return std::nullopt;
  auto found = plan_patches(workload.network(), c_.memory_rules, c_.patches_per_side, enough);
  if (found && found->memory.peak_bytes >= whole.peak_bytes) return std::nullopt;
  return found;
}

LayerCost Microcontroller::run(const Kernel& kernel, const Workload& workload,
                               const MemoryPlan& plan, const PatchPlan* patches,
                               const Point& point) const {
  const Layer& layer = workload.layer(kernel);
  LayerCost row;
  if (const ElementUnit* host = c_.coverage.fallback(layer.op)) {
    row = host->run(kernel, workload);
    row.live_bytes = live_bytes(plan, kernel);
    return row;
  }
  const Cycles spent = cycles(kernel, workload.network(), patches);
  const double compute_s = spent.compute / point.hz, overhead_s = spent.overhead / point.hz;
  const double flash_s = spent.flash / c_.clock.highest_hz;
  row.layer = kernel.layer;
  row.latency_s = compute_s + flash_s + overhead_s;
  row.energy_j = row.latency_s * point.power_w;
  row.macs = kernel.macs;
  row.traffic_bytes = kernel.weight_bytes * c_.sparsity.storage_share(layer) +
                      kernel.constant_bytes + kernel.input_bytes + kernel.output_bytes +
                      kernel.cache_bytes;
  row.live_bytes = live_bytes(plan, kernel);
  if (!c_.buffers_shared) row.live_bytes += buffer_bytes(layer, kernel.op);
  row.bound = compute_s >= flash_s ? Bound::compute : Bound::memory;
  if (overhead_s > std::max(compute_s, flash_s)) row.bound = Bound::overhead;
  return row;
}

void Microcontroller::check_memory(Estimate& estimate) const {
  const auto require = [&](const char* memory, std::int64_t needed, std::int64_t available) {
    c_.coverage.require(estimate, memory, static_cast<double>(needed),
                        static_cast<double>(available));
  };
  require("SRAM", estimate.cost.peak_memory_bytes, c_.sram_bytes);
  require("flash", estimate.cost.storage_bytes, c_.flash_bytes);
}

Estimate Microcontroller::estimate(const Workload& workload) const {
  const Candidate& candidate = workload.candidate();
  if (auto reason = c_.coverage.refusal(candidate)) return not_covered(std::move(*reason));
  const auto& [batch, clock_share] = candidate.deployment;
  if (batch != 1) {
    return not_covered(c_.coverage.device() + " runs one input at a time; the batch is " +
                       std::to_string(batch));
  }
  const Network& network = candidate.network;
  const std::vector<Kernel>& kernels = workload.kernels(c_.coverage.fusion);
  if (kernels.empty()) return not_covered("the network does no work");
  const Kept runtime = kept(kernels, network);
  const std::optional<PatchPlan> patched = patches(workload, runtime);
  const MemoryPlan& plan = patched ? patched->memory : workload.memory(c_.memory_rules);

  Estimate estimate;
  Cost& cost = estimate.cost;
  const double voltage = c_.clock.voltage_share(clock_share);
  const Point point{
      c_.clock.highest_hz * clock_share,
      c_.static_w * voltage + (c_.active_w - c_.static_w) * clock_share * voltage * voltage};
  double stored = runtime.flash_bytes, halo_macs = 0;
  std::int64_t peak = plan.peak_bytes;
  cost.layers.reserve(kernels.size());
  for (const Kernel& kernel : kernels) {
    const Layer& layer = network.layer(kernel.layer);
    cost.layers.push_back(run(kernel, workload, plan, patched ? &*patched : nullptr, point));
    peak = std::max(peak, cost.layers.back().live_bytes);
    stored += kernel.weight_bytes * c_.sparsity.storage_share(layer) + kernel.constant_bytes +
              kernel.table_bytes;
    if (patched && kernel.layer <= patched->last) {
      halo_macs += static_cast<double>(kernel.macs) *
                   (patched->work[static_cast<std::size_t>(kernel.layer)] - 1);
    }
  }
  add_up(cost, batch);
  cost.peak_memory_bytes = peak + runtime.sram_bytes;
  cost.storage_bytes = static_cast<std::int64_t>(std::ceil(stored));
  cost.confidence = c_.confidence;
  cost.usd_per_million = c_.price.usd_per_million(cost.latency_s, cost.energy_j);
  cost.counts.push_back({-1, "cycles", cost.latency_s * point.hz});
  if (patched) {
    cost.counts.push_back({-1, "patches", static_cast<double>(patched->count())});
    cost.counts.push_back({patched->last, "patched_until", 1});
    cost.counts.push_back({-1, "halo_macs", halo_macs});
  }
  check_memory(estimate);
  c_.coverage.note_limits(workload, c_.clock, cost);
  c_.coverage.note_fallback(workload, cost);
  return estimate;
}

}  // namespace hwnas
