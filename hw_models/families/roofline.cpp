#include "hw_models/families/roofline.h"

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

struct Roofline::Point {
  double macs_per_s_per_rate;  // times macs_per_cycle_per_core: the peak at this clock
  double voltage_share;
  double static_w;
  const RooflineConstants::Level* weights;
};

Roofline::Roofline(RooflineConstants constants) : c_(std::move(constants)) {
  cores_used_ = c_.cores;
  if (c_.law == RooflineConstants::Law::vector)
    cores_used_ = 1 / (1 - c_.parallel_share + c_.parallel_share / c_.cores);
}

const RooflineConstants::Level& Roofline::level_for(double bytes) const {
  for (const auto& level : c_.levels) {
    if (bytes <= level.bytes) return level;
  }
  return c_.levels.back();
}

double Roofline::lanes_used(const Layer& layer, OpClass op,
                            const RooflineConstants::Precision& precision, int batch) const {
  const double rows = static_cast<double>(batch) * layer.out.height * layer.out.width;
  const double registers = std::min(1.0, rows / c_.rows_in_flight);
  if (op == OpClass::depthwise) return filled(layer.out.channels, precision.lanes_out) * registers;
  const int groups = layer.groups;
  return filled(double(layer.out.channels) / groups, precision.lanes_out) *
         filled(double(layer.in.channels) / groups, precision.lanes_in) * registers;
}

double Roofline::tiles_used(const Layer& layer, int batch) const {
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

double Roofline::utilisation(const Layer& layer, OpClass op,
                             const RooflineConstants::Precision& precision, int batch) const {
  if (!has_weights(op)) return 1;
  if (c_.law == RooflineConstants::Law::vector) return lanes_used(layer, op, precision, batch);
  return op == OpClass::depthwise ? 1 : tiles_used(layer, batch);
}

LayerCost Roofline::run(const Kernel& kernel, const Candidate& candidate,
                        const Point& point) const {
  const Layer& layer = candidate.network.layer(kernel.layer);
  const int batch = candidate.deployment.batch;
  const auto& precision =
      c_.precisions[static_cast<std::size_t>(c_.coverage.precision(candidate.network, layer))];
  const double ops = has_weights(kernel.op)
                         ? static_cast<double>(kernel.macs) * c_.sparsity.compute_share(layer)
                         : static_cast<double>(kernel.element_ops);
  const double peak = point.macs_per_s_per_rate * precision.macs_per_cycle_per_core;
  const double compute_s = ops * batch /
                           (peak * c_.efficiency[static_cast<std::size_t>(kernel.op)] *
                            utilisation(layer, kernel.op, precision, batch));

  const double weights =
      kernel.weight_bytes * c_.sparsity.storage_share(layer) + kernel.constant_bytes;
  const double activations = (kernel.input_bytes + kernel.output_bytes) * batch;
  const auto& level = level_for(activations + weights);
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

Estimate Roofline::estimate(const Candidate& candidate) const {
  if (auto reason = c_.coverage.refusal(candidate)) return not_covered(std::move(*reason));
  const auto& [batch, clock_share] = candidate.deployment;
  const std::vector<Kernel> kernels = kernels_of(candidate.network, c_.coverage.fusion);
  if (kernels.empty()) return not_covered("the network does no work");
  const MemoryPlan plan = plan_memory(candidate.network, c_.memory_rules, batch);

  Estimate estimate;
  Cost& cost = estimate.cost;
  double stored = 0;
  for (const Kernel& kernel : kernels) {
    stored +=
        kernel.weight_bytes * c_.sparsity.storage_share(candidate.network.layer(kernel.layer)) +
        kernel.constant_bytes;
  }
  cost.storage_bytes = static_cast<std::int64_t>(std::ceil(stored));
  cost.peak_memory_bytes = plan.peak_bytes;
  const double everything = stored + static_cast<double>(plan.peak_bytes);

  const double voltage = c_.clock.voltage_share(clock_share);
  const Point point{c_.clock.highest_hz * clock_share * cores_used_, voltage, c_.static_w * voltage,
                    &level_for(everything)};
  cost.layers.reserve(kernels.size());
  for (const Kernel& kernel : kernels) {
    LayerCost row = run(kernel, candidate, point);
    row.live_bytes = std::max(plan.live_bytes[static_cast<std::size_t>(kernel.layer)],
                              plan.live_bytes[static_cast<std::size_t>(kernel.last)]);
    cost.layers.push_back(row);
  }
  add_up(cost, batch);
  cost.confidence = c_.confidence;
  cost.usd_per_million = c_.price.usd_per_million(cost.latency_s / batch, cost.energy_j);

  const auto& memory = c_.levels.back();
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
