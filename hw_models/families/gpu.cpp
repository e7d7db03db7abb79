#include "hw_models/families/gpu.h"

#include <algorithm>
#include <cmath>

#include "hw_models/memory_plan.h"

namespace hwnas {

struct Gpu::Work {
  LayerCost row;      // but for what depends on the clock
  double cycles = 0;  // of the busiest core
  double memory_s = 0;
  double switching_j = 0;  // goes with the square of the voltage
  double traffic_j = 0;
};

struct Gpu::Point {
  double clock_share, hz, voltage_share;
};

bool Gpu::rewarded(const Kernel& kernel, const Layer& layer) const {
  return c_.pattern.kept > 0 && has_weights(kernel.op) && kernel.op != OpClass::depthwise &&
         layer.density_block > 0 && c_.pattern.of % layer.density_block == 0 &&
         layer.weight_density * c_.pattern.of <= c_.pattern.kept;
}

double Gpu::stored_bytes(const Kernel& kernel, const Layer& layer) const {
  if (!rewarded(kernel, layer)) return kernel.weight_bytes + kernel.constant_bytes;
  return kernel.weight_bytes * c_.pattern.share() *
             (1 + c_.pattern.index_bits / layer.weight_bits) +
         kernel.constant_bytes;
}

void Gpu::add_traffic(int level, double bytes, double working_set, Work& work) const {
  const auto& levels = c_.memory.all();
  const auto move = [&work](const MemoryLevel& from, double count) {
    work.memory_s += count / from.bytes_per_s;
    work.traffic_j += count * from.energy_per_byte_j;
  };
  work.row.traffic_bytes += bytes;
  if (level >= 0) return move(levels[static_cast<std::size_t>(level)], bytes);
  double served = 0;
  for (const MemoryLevel& cache : levels) {
    const bool last = &cache == &levels.back();
    const double up_to = last ? 1 : std::max(served, std::min(1.0, cache.bytes / working_set));
    move(cache, bytes * (up_to - served));
    served = up_to;
  }
}

// Of what all kernels read again and again, that the largest cache does not hold.
double Gpu::far_share(double everything_bytes) const {
  const auto& levels = c_.memory.all();
  return levels.size() < 2 ? 1
                           : 1 - std::min(1.0, levels[levels.size() - 2].bytes / everything_bytes);
}

// Conv, linear and attention layers on the matrix units.
void Gpu::add_products(const Kernel& kernel, const Workload& workload, double far_share,
                       Work& work) const {
  const Network& network = workload.network();
  const Layer& layer = workload.layer(kernel);
  const auto& precision =
      c_.precisions[static_cast<std::size_t>(c_.coverage.precision(network, layer))];
  const double density = rewarded(kernel, layer) ? c_.pattern.share() : 1;
  const double rate = precision.macs_per_cycle_per_core * c_.matrix_share / density;
  const bool stored = has_weights(kernel.op);
  const double input_bits = network.layer(network.inputs(layer)[0]).activation_bits;

  TileOperands operands;
  operands.activation_bytes = input_bits / 8;
  operands.weight_bytes = stored ? stored_bytes(kernel, layer) /
                                       std::max<double>(1, static_cast<double>(kernel.weights))
                                 : operands.activation_bytes;
  operands.macs_per_cycle = rate;
  operands.lane_ops_per_cycle = c_.lanes_per_core * c_.lane_share;
  operands.far_share = far_share;
  operands.may_split = kernel.op == OpClass::linear || kernel.op == OpClass::attention;
  for (Gemm gemm : Gemms(network, layer)) {
    (gemm.stored_weights ? gemm.m : gemm.repeats) *= workload.batch();
    const double macs = static_cast<double>(gemm.macs());
    work.switching_j += macs * density * precision.energy_per_mac_j;
    if (!c_.tiles) {
      work.cycles += macs / (rate * c_.cores);
      continue;
    }
    const TileWork tiles = c_.tiles->work(gemm, operands);
    work.cycles += tiles.cycles;
    work.switching_j += tiles.operand_bytes * c_.memory.all().front().energy_per_byte_j +
                        tiles.outputs * c_.tiles->epilogue_ops() * c_.energy_per_lane_op_j;
  }
}

Gpu::Work Gpu::work(const Kernel& kernel, const Workload& workload, double everything_bytes) const {
  const Layer& layer = workload.layer(kernel);
  const double batch = workload.batch();
  Work work;
  if (const ElementUnit* host = c_.coverage.fallback(layer.op)) {
    work.row = host->run(kernel, workload);
    work.memory_s = work.row.latency_s;
    work.traffic_j = work.row.energy_j;
    return work;
  }
  work.row.layer = kernel.layer;
  work.row.macs = kernel.macs * workload.batch();
  double lane_ops = static_cast<double>(kernel.element_ops) * batch;
  if (kernel.op == OpClass::depthwise) {
    lane_ops += static_cast<double>(work.row.macs);
  } else if (kernel.macs > 0) {
    add_products(kernel, workload, far_share(everything_bytes), work);
  }
  work.cycles += lane_ops / (c_.lanes_per_core * c_.lane_share * c_.cores);
  work.switching_j += lane_ops * c_.energy_per_lane_op_j;

  const double weights = stored_bytes(kernel, layer);
  double activations = (kernel.input_bytes + kernel.output_bytes) * batch;
  if (kernel.op == OpClass::attention)
    activations += c_.score_passes * lane_ops * layer.activation_bits / 8;
  add_traffic(c_.weights_in, weights + kernel.cache_bytes * batch, everything_bytes, work);
  add_traffic(c_.activations_in, activations, activations + weights, work);
  return work;
}

Gpu::Point Gpu::point(double clock_share) const {
  return {clock_share, c_.clock.highest_hz * clock_share, c_.clock.voltage_share(clock_share)};
}

double Gpu::busy_s(const Work& work, const Point& point) const {
  return std::max(c_.host_s, std::max(work.cycles / point.hz, work.memory_s) + c_.launch_s +
                                 c_.fill_cycles / point.hz);
}

double Gpu::mean_power_w(const std::vector<Work>& works, const Point& point) const {
  double seconds = c_.start_s, joules = 0;
  for (const Work& work : works) {
    seconds += busy_s(work, point);
    joules += work.switching_j * point.voltage_share * point.voltage_share + work.traffic_j;
  }
  return c_.static_w * point.voltage_share + joules / seconds;
}

// The lowest clock where even that needs too much: the limit then cannot be kept by the clock.
Gpu::Point Gpu::sustained(const std::vector<Work>& works, double clock_share) const {
  if (mean_power_w(works, point(clock_share)) <= c_.limit_w) return point(clock_share);
  double low = std::min(clock_share, c_.clock.lowest_share), high = clock_share;
  constexpr int kHalvings = 12;  // to 1/4096 of the range
  for (int i = 0; i < kHalvings; ++i) {
    const double middle = (low + high) / 2;
    (mean_power_w(works, point(middle)) <= c_.limit_w ? low : high) = middle;
  }
  return point(low);
}

LayerCost Gpu::row(const Work& work, const Point& point) const {
  LayerCost row = work.row;
  const double compute_s = work.cycles / point.hz;
  const double longest = std::max(compute_s, work.memory_s);
  row.latency_s = busy_s(work, point);
  row.energy_j = c_.static_w * point.voltage_share * row.latency_s +
                 work.switching_j * point.voltage_share * point.voltage_share + work.traffic_j;
  row.bound = compute_s >= work.memory_s ? Bound::compute : Bound::memory;
  if (row.latency_s > 2 * longest) row.bound = Bound::overhead;
  return row;
}

Estimate Gpu::estimate(const Workload& workload) const {
  const Candidate& candidate = workload.candidate();
  if (auto reason = c_.coverage.refusal(candidate)) return not_covered(std::move(*reason));
  const auto& [batch, clock_share] = candidate.deployment;
  const std::vector<Kernel>& kernels = workload.kernels(c_.coverage.fusion);
  if (kernels.empty()) return not_covered("the network does no work");
  const MemoryPlan& plan = workload.memory(c_.memory_rules);

  Estimate estimate;
  Cost& cost = estimate.cost;
  double stored = 0;
  for (const Kernel& kernel : kernels)
    stored += stored_bytes(kernel, workload.layer(kernel)) + kernel.table_bytes;
  cost.storage_bytes = static_cast<std::int64_t>(std::ceil(stored));
  cost.peak_memory_bytes = plan.peak_bytes;
  const double everything = stored + static_cast<double>(plan.peak_bytes);

  std::vector<Work> works;
  works.reserve(kernels.size());
  for (const Kernel& kernel : kernels) works.push_back(work(kernel, workload, everything));
  const Point at = sustained(works, clock_share);
  cost.layers.reserve(kernels.size());
  for (std::size_t i = 0; i < kernels.size(); ++i) {
    cost.layers.push_back(row(works[i], at));
    cost.layers.back().live_bytes = live_bytes(plan, kernels[i]);
  }
  cost.layers.front().latency_s += c_.start_s;
  cost.layers.front().energy_j += c_.start_s * c_.static_w * at.voltage_share;
  add_up(cost, batch);
  cost.counts = {{-1, "sustained_clock_hz", at.hz},
                 {-1, "power_w", cost.energy_j * batch / cost.latency_s}};
  cost.confidence = c_.confidence;
  cost.usd_per_million = c_.price.usd_per_million(cost.latency_s / batch, cost.energy_j);
  c_.coverage.note_fallback(workload, cost);

  c_.coverage.require(estimate, c_.memory.main().name, everything + c_.reserved_bytes,
                      c_.memory.main().bytes);
  c_.coverage.note_limits(workload, c_.clock, cost, c_.batch_highest);
  return estimate;
}

}  // namespace hwnas
