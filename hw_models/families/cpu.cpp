#include "hw_models/families/cpu.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "hw_models/memory_plan.h"

namespace hwnas {
namespace {

// Share of `step`-sized slots that `count` fills.
double filled(double count, double step) {
  return count / (std::ceil(count / step) * step);
}

}  // namespace

// Of one estimate: the operating point, and what its kernels add up to.
struct Cpu::Point {
  double hz;
  double voltage_share;
  double static_w, core_w;
  const MemoryLevel* weights;
  double core_cycles = 0, reread_bytes = 0, copied_bytes = 0, overhead_s = 0;
};

// What some threads, on the fastest cores, are worth: in cores of the first kind.
struct Cpu::Team {
  double speed = 1;           // by Amdahl's law
  double busy = 1;            // cores that take power while a kernel works
  double busy_otherwise = 1;  // and while it starts
};

Cpu::Cpu(CpuConstants constants) : c_(std::move(constants)) {}

Cpu::Team Cpu::team(int threads) const {
  double sum = 0, slowest = 1;
  int left = threads;
  for (const auto& cores : c_.cores) {
    if (left == 0) break;
    const int used = std::min(left, cores.count);
    sum += used * cores.rate_share;
    slowest = cores.rate_share;
    left -= used;
  }
  const double parallel = c_.equal_split ? threads * slowest : sum;
  Team team;
  team.speed = 1 / (1 - c_.parallel_share + c_.parallel_share / parallel);
  team.busy = c_.threads_sleep ? parallel : sum;  // who spins for the slowest takes power too
  team.busy_otherwise = c_.threads_sleep ? 1 : sum;
  return team;
}

double Cpu::utilisation(const Layer& layer, OpClass op, const CpuConstants::Precision& precision,
                        int batch) const {
  if (!has_weights(op)) return 1;
  const double rows = static_cast<double>(batch) * layer.out.height * layer.out.width;
  const double registers = filled(rows, c_.rows_in_flight);
  if (op == OpClass::depthwise) return filled(layer.out.channels, precision.lanes_out);
  const int groups = layer.groups;
  return filled(double(layer.out.channels) / groups, precision.lanes_out) *
         filled(double(layer.in.channels) / groups, precision.lanes_in) * registers;
}

double Cpu::cycles(const Kernel& kernel, const Workload& workload,
                   const CpuConstants::Precision& precision) const {
  const Layer& layer = workload.layer(kernel);
  const int batch = workload.batch();
  const auto share = [&](OpClass op) { return c_.efficiency[static_cast<std::size_t>(op)]; };
  double sum = 0;
  if (kernel.macs > 0) {
    const double rate = kernel.op == OpClass::depthwise ? precision.depthwise_macs_per_cycle
                                                        : precision.macs_per_cycle_per_core;
    double efficiency = share(kernel.op);
    if (kernel.op == OpClass::conv && layer.kernel_h == 3 && layer.kernel_w == 3 &&
        layer.stride_h == 1 && layer.stride_w == 1 &&
        std::min(layer.in.channels, layer.out.channels) / layer.groups >=
            c_.winograd.channels_least) {
      efficiency = std::max(efficiency, c_.winograd.gain * c_.winograd.share);
    }
    sum += static_cast<double>(kernel.macs) * c_.sparsity.compute_share(layer) /
           (rate * efficiency * utilisation(layer, kernel.op, precision, batch));
    sum += static_cast<double>(layer.out.elements()) * precision.cycles_per_output;
  }
  const OpClass unit = kernel.op == OpClass::pool ? OpClass::pool : OpClass::elementwise;
  sum += static_cast<double>(kernel.element_ops) / (precision.elements_per_cycle * share(unit));
  return sum * batch;
}

// Bytes that a kernel moves beyond the first cache, and where they lie.
struct Cpu::Traffic {
  double weights = 0;      // once
  double activations = 0;  // read and written once; attention: its scores too
  double panels = 0;       // weights again, for each further tile of rows
  double copies = 0;       // rows unfolded or packed: written and read
  const MemoryLevel *level = nullptr, *panel_level = nullptr, *copy_level = nullptr;
};

Cpu::Traffic Cpu::traffic(const Kernel& kernel, const Workload& workload) const {
  const Layer& layer = workload.layer(kernel);
  const int batch = workload.batch();
  const double panel = kernel.weight_bytes * c_.sparsity.storage_share(layer);
  Traffic t;
  t.weights = panel + kernel.constant_bytes;
  t.activations = (kernel.input_bytes + kernel.output_bytes + kernel.cache_bytes) * batch;
  if (kernel.op == OpClass::attention) {
    t.activations += c_.score_passes * static_cast<double>(kernel.element_ops) *
                     layer.activation_bits / 8 * batch;
  }
  if (has_weights(kernel.op) && kernel.op != OpClass::depthwise) {
    const double rows = static_cast<double>(batch) * layer.out.height * layer.out.width;
    if (c_.first_cache_bytes > 0 && panel > c_.first_cache_bytes)
      t.panels = panel * (std::ceil(rows / c_.rows_in_flight) - 1);
    const bool unfolded = kernel.op == OpClass::conv;
    const int bits = workload.network().layer(workload.network().inputs(layer)[0]).activation_bits;
    t.copies = 2 * rows * layer.in.channels * (unfolded ? layer.kernel_h * layer.kernel_w : 1) *
               bits / 8 * (c_.pack_copies + (unfolded ? c_.unfold_copies : 0));
  }
  t.level = &c_.memory.holding(t.activations + t.weights);
  t.panel_level = &c_.memory.holding(panel);
  t.copy_level = &c_.memory.holding(t.copies / 2);
  return t;
}

// An activation that the runtime does not fuse, although it is folded into this kernel.
bool Cpu::activates_apart(const Kernel& kernel, const Workload& workload) const {
  if (!c_.relu_only || kernel.last == kernel.layer) return false;
  const Layer& last = workload.network().layer(kernel.last);
  return last.op == Op::activation && last.activation != Activation::relu &&
         last.activation != Activation::relu6;
}

int Cpu::most_threads(const Kernel& kernel, const Layer& layer,
                      const CpuConstants::Precision& precision, int batch) const {
  const bool weighted = has_weights(kernel.op) || kernel.op == OpClass::attention;
  if (static_cast<double>(layer.in.elements()) * batch <= c_.one_thread_values) return 1;
  if (weighted || c_.elementwise_threads == 0) return precision.threads;
  return std::min(c_.elementwise_threads, precision.threads);
}

struct Cpu::Timing {
  double latency_s = 0, overhead_s = 0;
  double core_s = 0;  // cores that take power, times how long
  Bound bound = Bound::compute;
};

Cpu::Timing Cpu::time(double cycles, const Traffic& bytes, int threads, const Point& point) const {
  const double stream = c_.stream_bytes_per_cycle > 0
                            ? threads * c_.stream_bytes_per_cycle * point.hz
                            : std::numeric_limits<double>::infinity();
  const auto pace = [&](const MemoryLevel& at) { return std::min(at.bytes_per_s, stream); };
  const Team cores = team(threads);
  const double compute_s = cycles / (point.hz * cores.speed);
  const double memory_s = bytes.weights / pace(*point.weights) +
                          bytes.activations / pace(*bytes.level) +
                          bytes.panels / pace(*bytes.panel_level);
  const double work_s = std::max(compute_s, memory_s) +
                        (1 - c_.overlap_share) * std::min(compute_s, memory_s) +
                        bytes.copies / pace(*bytes.copy_level);
  Timing t;
  t.overhead_s = c_.overhead_s + (threads > 1 ? c_.fork_join_s : 0);
  t.latency_s = work_s + t.overhead_s;
  t.core_s = cores.busy * work_s + cores.busy_otherwise * t.overhead_s;
  t.bound = t.overhead_s > work_s   ? Bound::overhead
            : compute_s >= memory_s ? Bound::compute
                                    : Bound::memory;
  return t;
}

LayerCost Cpu::run(const Kernel& kernel, const Workload& workload, Point& point) const {
  const Layer& layer = workload.layer(kernel);
  const int batch = workload.batch();
  const auto& precision =
      c_.precisions[static_cast<std::size_t>(c_.coverage.precision(workload.network(), layer))];
  const double core_cycles = cycles(kernel, workload, precision);
  const Traffic bytes = traffic(kernel, workload);
  const int most = most_threads(kernel, layer, precision, batch);
  Timing timing = time(core_cycles, bytes, most, point);
  if (most > 1 && !c_.threads_sleep) {
    const Timing alone = time(core_cycles, bytes, 1, point);
    if (alone.latency_s < timing.latency_s) timing = alone;
  }
  LayerCost row;
  row.layer = kernel.layer;
  row.latency_s = timing.latency_s;
  row.bound = timing.bound;
  row.macs = kernel.macs * batch;
  row.traffic_bytes = bytes.weights + bytes.activations + bytes.panels + bytes.copies;
  row.energy_j = point.static_w * timing.latency_s + point.core_w * timing.core_s +
                 static_cast<double>(kernel.macs) * c_.sparsity.compute_share(layer) * batch *
                     precision.energy_per_mac_j * point.voltage_share * point.voltage_share +
                 bytes.weights * point.weights->energy_per_byte_j +
                 bytes.activations * bytes.level->energy_per_byte_j +
                 bytes.panels * bytes.panel_level->energy_per_byte_j +
                 bytes.copies * bytes.copy_level->energy_per_byte_j;
  point.core_cycles += core_cycles;
  point.reread_bytes += bytes.panels;
  point.copied_bytes += bytes.copies;
  point.overhead_s += timing.overhead_s;
  return row;
}

// Adds to the row of a kernel the activation that the runtime runs apart.
void Cpu::run_activation(const Kernel& kernel, const Workload& workload, Point& point,
                         LayerCost& row) const {
  Kernel apart;
  apart.layer = apart.last = kernel.last;
  apart.element_ops = workload.network().layer(kernel.last).out.elements();
  apart.input_bytes = apart.output_bytes = kernel.output_bytes;
  const LayerCost more = run(apart, workload, point);
  row.latency_s += more.latency_s;
  row.energy_j += more.energy_j;
  row.traffic_bytes += more.traffic_bytes;
}

Estimate Cpu::estimate(const Workload& workload) const {
  const Candidate& candidate = workload.candidate();
  if (auto reason = c_.coverage.refusal(candidate)) return not_covered(std::move(*reason));
  const auto& [batch, clock_share] = candidate.deployment;
  const std::vector<Kernel>& kernels = workload.kernels(c_.coverage.fusion);
  if (kernels.empty()) return not_covered("the network does no work");
  const MemoryPlan& plan = workload.memory(c_.memory_rules);

  Estimate estimate;
  Cost& cost = estimate.cost;
  double stored = 0;
  for (const Kernel& kernel : kernels) {
    stored +=
        kernel.weight_bytes * c_.sparsity.storage_share(candidate.network.layer(kernel.layer)) +
        kernel.constant_bytes + kernel.table_bytes;
  }
  cost.storage_bytes = static_cast<std::int64_t>(std::ceil(stored));
  cost.peak_memory_bytes = plan.peak_bytes;
  const double everything = stored + static_cast<double>(plan.peak_bytes);

  const double voltage = c_.clock.voltage_share(clock_share);
  Point point{c_.clock.highest_hz * clock_share, voltage, c_.static_w * voltage,
              c_.core_w * clock_share * voltage * voltage, &c_.memory.holding(everything)};
  cost.layers.reserve(kernels.size());
  for (const Kernel& kernel : kernels) {
    const ElementUnit* host = c_.coverage.fallback(workload.layer(kernel).op);
    LayerCost row = host ? host->run(kernel, workload) : run(kernel, workload, point);
    if (!host && activates_apart(kernel, workload)) run_activation(kernel, workload, point, row);
    row.live_bytes = live_bytes(plan, kernel);
    cost.layers.push_back(row);
  }
  add_up(cost, batch);
  cost.confidence = c_.confidence;
  cost.counts = {{-1, "core_cycles", point.core_cycles},
                 {-1, "reread_weights_bytes", point.reread_bytes},
                 {-1, "copied_rows_bytes", point.copied_bytes},
                 {-1, "overhead_s", point.overhead_s}};
  cost.usd_per_million = c_.price.usd_per_million(cost.latency_s / batch, cost.energy_j);

  c_.coverage.require(estimate, c_.memory.main().name, everything + c_.reserved_bytes,
                      c_.memory.main().bytes);
  c_.coverage.note_fallback(workload, cost);
  c_.coverage.note_limits(workload, c_.clock, cost, c_.batch_highest);
  return estimate;
}

}  // namespace hwnas
