#include "hw_models/families/gpu.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "hw_models/memory_plan.h"
#include "space/units.h"

namespace hwnas {
namespace {

// Share of `step`-sized slots that `count` fills.
double filled(double count, double step) {
  return count / (std::ceil(count / step) * step);
}

}  // namespace

struct Gpu::Point {
  double macs_per_s_per_rate;  // times macs_per_cycle_per_core: the peak at this clock
  double voltage_share;
  double static_w;
  const MemoryLevel* weights;
};

double Gpu::utilisation(const Layer& layer, OpClass op, int batch) const {
  if (!has_weights(op) || op == OpClass::depthwise) return 1;
  const double rows = static_cast<double>(batch) * layer.out.height * layer.out.width;
  const double columns = double(layer.out.channels) / layer.groups;
  const double depth = double(layer.in.channels) / layer.groups * layer.kernel_h * layer.kernel_w;
  double best = 0;
  for (const auto& tile : c_.tiles) {
    const double steps = std::ceil(depth / tile.depth);
    double work = std::ceil(rows / tile.rows) * std::ceil(columns / tile.columns) * layer.groups;
    // Idle cores take parts of the products, while each part still has a step to do.
    const double splits =
        std::clamp(std::floor(c_.cores / work), 1.0, std::min<double>(c_.splits_highest, steps));
    work *= splits;
    const double full =
        filled(rows, tile.rows) * filled(columns, tile.columns) * filled(depth, tile.depth);
    best = std::max(best, filled(work, c_.cores) * full * tile.efficiency);
  }
  return best;
}

LayerCost Gpu::run(const Kernel& kernel, const Workload& workload, const Point& point) const {
  const Layer& layer = workload.layer(kernel);
  const int batch = workload.batch();
  const auto& precision =
      c_.precisions[static_cast<std::size_t>(c_.coverage.precision(workload.network(), layer))];
  const double ops = kernel.macs > 0
                         ? static_cast<double>(kernel.macs) * c_.sparsity.compute_share(layer)
                         : static_cast<double>(kernel.element_ops);
  const double peak = point.macs_per_s_per_rate * precision.macs_per_cycle_per_core;
  const double compute_s = ops * batch /
                           (peak * c_.efficiency[static_cast<std::size_t>(kernel.op)] *
                            utilisation(layer, kernel.op, batch));

  const double weights =
      kernel.weight_bytes * c_.sparsity.storage_share(layer) + kernel.constant_bytes;
  const double activations =
      (kernel.input_bytes + kernel.output_bytes + kernel.cache_bytes) * batch;
  const auto& level = c_.memory.holding(activations + weights);
  const double memory_s = weights / point.weights->bytes_per_s + activations / level.bytes_per_s;

  LayerCost row;
  row.layer = kernel.layer;
  row.latency_s = std::max(compute_s, memory_s) + c_.overhead_s;
  row.macs = kernel.macs * batch;
  row.traffic_bytes = weights + activations;
  row.energy_j =
      point.static_w * row.latency_s +
      ops * batch * precision.energy_per_mac_j * point.voltage_share * point.voltage_share +
      weights * point.weights->energy_per_byte_j + activations * level.energy_per_byte_j;
  row.bound = compute_s >= memory_s ? Bound::compute : Bound::memory;
  if (c_.overhead_s > std::max(compute_s, memory_s)) row.bound = Bound::overhead;
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
  for (const Kernel& kernel : kernels) {
    stored +=
        kernel.weight_bytes * c_.sparsity.storage_share(candidate.network.layer(kernel.layer)) +
        kernel.constant_bytes + kernel.table_bytes;
  }
  cost.storage_bytes = static_cast<std::int64_t>(std::ceil(stored));
  cost.peak_memory_bytes = plan.peak_bytes;
  const double everything = stored + static_cast<double>(plan.peak_bytes);

  const double voltage = c_.clock.voltage_share(clock_share);
  const Point point{c_.clock.highest_hz * clock_share * c_.cores, voltage, c_.static_w * voltage,
                    &c_.memory.holding(everything)};
  cost.layers.reserve(kernels.size());
  for (const Kernel& kernel : kernels) {
    LayerCost row = run(kernel, workload, point);
    row.live_bytes = std::max(plan.live_bytes[static_cast<std::size_t>(kernel.layer)],
                              plan.live_bytes[static_cast<std::size_t>(kernel.last)]);
    cost.layers.push_back(row);
  }
  add_up(cost, batch);
  cost.confidence = c_.confidence;
  cost.usd_per_million = c_.price.usd_per_million(cost.latency_s / batch, cost.energy_j);

  const MemoryLevel& memory = c_.memory.main();
  if (everything + c_.reserved_bytes > memory.bytes) {
    estimate.fits = false;
    estimate.reason = "needs " + format_quantity(everything + c_.reserved_bytes, Unit::byte) +
                      " of " + memory.name + ", " + c_.coverage.device() + " has " +
                      format_quantity(memory.bytes, Unit::byte);
  }
  if (batch > c_.batch_highest) {
    cost.extrapolated.push_back("batch " + std::to_string(batch) + ": " + c_.coverage.device() +
                                " is described up to " + std::to_string(c_.batch_highest));
  }
  if (auto line = c_.clock.extrapolation(clock_share, c_.coverage.device()); !line.empty())
    cost.extrapolated.push_back(std::move(line));
  return estimate;
}

}  // namespace hwnas
