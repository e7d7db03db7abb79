#include "hw_models/families/microcontroller.h"

#include <algorithm>
#include <cmath>

#include "hw_models/memory_plan.h"
#include "space/units.h"

namespace hwnas {
namespace {

constexpr int kDualMacChannels = 4;

double cycles_key(const TomlTable& table, const char* key) {
  return table.number(key, 0, 1e6);
}

}  // namespace

MicrocontrollerConstants read_microcontroller(const TomlTable& file, const std::string& device,
                                              Confidence confidence) {
  MicrocontrollerConstants c;
  c.confidence = confidence;
  c.coverage = Coverage::read(file, device);
  c.clock = Clock::read(file);
  c.sparsity = Sparsity::read(file);
  c.price = Price::read(file);
  for (const TomlTable& table : cited_sections(file, "precisions")) {
    c.coverage.add_precision(table);
    c.precision_factors.push_back(table.number("cycles_factor", 1e-3, 1e3));
    table.done();
  }
  if (c.precision_factors.empty())
    throw file.error("precisions", "is missing; expected at least one [[precisions]]");

  const TomlTable cycles = cited_section(file, "cycles");
  c.conv_per_mac = cycles.number("conv_per_mac", 1e-3, 1e4);
  c.narrow_conv_per_mac = cycles.number("narrow_conv_per_mac", 1e-3, 1e4);
  c.depthwise_per_mac = cycles.number("depthwise_per_mac", 1e-3, 1e4);
  c.linear_per_mac = cycles.number("linear_per_mac", 1e-3, 1e4);
  c.per_output = cycles_key(cycles, "per_output");
  c.per_element = cycles_key(cycles, "per_element");
  c.per_layer = cycles_key(cycles, "per_layer");
  c.flash_wait_per_byte = cycles.number("flash_wait_per_byte", 0, 1e4, 0);
  cycles.done();

  constexpr std::int64_t kLargest = std::int64_t{1} << 32;
  const TomlTable memory = cited_section(file, "memory");
  c.sram_bytes = memory.integer("sram_bytes", 1, kLargest);
  c.flash_bytes = memory.integer("flash_bytes", 1, kLargest);
  memory.done();
  const TomlTable runtime = cited_section(file, "runtime");
  c.memory_rules = read_memory_rules(runtime);
  c.im2col_columns = static_cast<int>(runtime.integer("im2col_columns", 0, 1024));
  c.im2col_bytes_per_value = static_cast<int>(runtime.integer("im2col_bytes_per_value", 0, 8));
  c.fixed_sram_bytes = runtime.integer("fixed_sram_bytes", 0, kLargest);
  c.code_bytes = runtime.integer("code_bytes", 0, kLargest);
  c.scale_bytes_per_channel = static_cast<int>(runtime.integer("scale_bytes_per_channel", 0, 64));
  runtime.done();
  const TomlTable power = cited_section(file, "power");
  c.active_w = power.number("active_w", 1e-9, 1e3);
  c.static_w = power.number("static_w", 0, 1e3);
  if (c.static_w > c.active_w)
    throw power.error("static_w", "is a part of active_w and cannot exceed it");
  power.done();
  return c;
}

double Microcontroller::per_mac(const Layer& layer, OpClass op) const {
  switch (op) {
    case OpClass::depthwise:
      return c_.depthwise_per_mac;
    case OpClass::linear:
      return c_.linear_per_mac;
    default:
      return layer.in.channels / layer.groups < kDualMacChannels ? c_.narrow_conv_per_mac
                                                                 : c_.conv_per_mac;
  }
}

Microcontroller::Cycles Microcontroller::cycles(const Kernel& kernel,
                                                const Network& network) const {
  const Layer& layer = network.layer(kernel.layer);
  Cycles cycles{0, 0, c_.per_layer};
  cycles.compute = static_cast<double>(kernel.element_ops) * c_.per_element;
  if (!has_weights(kernel.op)) return cycles;
  const auto row = static_cast<std::size_t>(c_.coverage.precision(network, layer));
  cycles.compute += static_cast<double>(kernel.macs) * c_.sparsity.compute_share(layer) *
                        per_mac(layer, kernel.op) * c_.precision_factors[row] +
                    static_cast<double>(layer.out.elements()) * c_.per_output;
  cycles.memory = kernel.weight_bytes * c_.sparsity.storage_share(layer) * c_.flash_wait_per_byte;
  return cycles;
}

std::int64_t Microcontroller::im2col_bytes(const Layer& layer, OpClass op) const {
  if (op != OpClass::conv) return 0;
  return std::int64_t{c_.im2col_columns} * layer.kernel_h * layer.kernel_w * layer.in.channels /
         layer.groups * c_.im2col_bytes_per_value;
}

void Microcontroller::check_memory(Estimate& estimate) const {
  const Cost& cost = estimate.cost;
  const auto lacks = [&](std::int64_t need, const char* memory, std::int64_t has) {
    if (need <= has) return;
    if (!estimate.reason.empty()) estimate.reason += "; ";
    estimate.fits = false;
    estimate.reason += "needs " + format_quantity(static_cast<double>(need), Unit::byte) + " of " +
                       memory + ", " + c_.coverage.device() + " has " +
                       format_quantity(static_cast<double>(has), Unit::byte);
  };
  lacks(cost.peak_memory_bytes, "SRAM", c_.sram_bytes);
  lacks(cost.storage_bytes, "flash", c_.flash_bytes);
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
  const MemoryPlan& plan = workload.memory(c_.memory_rules);

  Estimate estimate;
  Cost& cost = estimate.cost;
  const double hz = c_.clock.highest_hz * clock_share;
  const double voltage = c_.clock.voltage_share(clock_share);
  const double power_w =
      c_.static_w * voltage + (c_.active_w - c_.static_w) * clock_share * voltage * voltage;
  double stored = static_cast<double>(c_.code_bytes);
  std::int64_t peak = plan.peak_bytes;
  cost.layers.reserve(kernels.size());
  for (const Kernel& kernel : kernels) {
    const Layer& layer = network.layer(kernel.layer);
    const Cycles spent = cycles(kernel, network);
    LayerCost row;
    row.layer = kernel.layer;
    row.latency_s = (spent.compute + spent.memory + spent.overhead) / hz;
    row.energy_j = row.latency_s * power_w;
    row.macs = kernel.macs;
    const double weights = kernel.weight_bytes * c_.sparsity.storage_share(layer);
    row.traffic_bytes = weights + kernel.constant_bytes + kernel.input_bytes + kernel.output_bytes;
    row.live_bytes = std::max(plan.live_bytes[static_cast<std::size_t>(kernel.layer)],
                              plan.live_bytes[static_cast<std::size_t>(kernel.last)]) +
                     im2col_bytes(layer, kernel.op);
    peak = std::max(peak, row.live_bytes);
    row.bound = spent.compute >= spent.memory ? Bound::compute : Bound::memory;
    if (spent.overhead > std::max(spent.compute, spent.memory)) row.bound = Bound::overhead;
    stored += weights + kernel.constant_bytes + kernel.table_bytes;
    if (has_weights(kernel.op))
      stored += static_cast<double>(c_.scale_bytes_per_channel) * layer.out.channels;
    cost.layers.push_back(row);
  }
  add_up(cost, batch);
  cost.peak_memory_bytes = peak + c_.fixed_sram_bytes;
  cost.storage_bytes = static_cast<std::int64_t>(std::ceil(stored));
  cost.confidence = c_.confidence;
  cost.usd_per_million = c_.price.usd_per_million(cost.latency_s, cost.energy_j);
  check_memory(estimate);
  if (auto line = c_.clock.extrapolation(clock_share, c_.coverage.device()); !line.empty())
    cost.extrapolated.push_back(std::move(line));
  return estimate;
}

}  // namespace hwnas
