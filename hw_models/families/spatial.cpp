#include "hw_models/families/spatial.h"

#include <algorithm>
#include <cmath>

#include "hw_models/gemm.h"
#include "hw_models/memory_plan.h"

namespace hwnas {
namespace {

bool is_relu(const Layer& layer) {
  return layer.op == Op::activation &&
         (layer.activation == Activation::relu || layer.activation == Activation::relu6);
}

// Whether a layer's values are those of a ReLU, at most pooled since.
bool has_zeros(const Network& network, int layer) {
  while (layer > 0) {
    const Layer& l = network.layer(layer);
    if (is_relu(l)) return true;
    if (l.op != Op::max_pool && l.op != Op::flatten && l.op != Op::identity) return false;
    layer = network.inputs(l)[0];
  }
  return false;
}

}  // namespace

struct Spatial::Point {
  double hz, clock_share, voltage_share;
  double dynamic(double energy_j) const { return energy_j * voltage_share * voltage_share; }
};

double Spatial::stored_share(double zeros, int bits) const {
  if (c_.compressed_bits == 0) return 1;
  return std::min(1.0, (1 - zeros) * c_.compressed_bits / bits);
}

SpatialRun Spatial::products(const Kernel& kernel, const Workload& workload, Zeros zeros,
                             Traffic& traffic) const {
  const Layer& layer = workload.layer(kernel);
  const double kept = c_.sparsity.compute_share(layer);
  const double stored = c_.sparsity.storage_share(layer);
  SpatialRun sum;
  for (const Gemm& gemm : Gemms(workload.network(), layer)) {
    const SpatialLoops loops = spatial_loops(workload.network(), layer, gemm, workload.batch());
    const auto* tiles = std::get_if<TileMapping>(&c_.mapping);
    const SpatialRun run =
        tiles ? tiles->run(loops)
              : std::get<RowStationary>(c_.mapping).run(loops, c_.dram.energy_per_byte_j);
    sum.cycles += run.cycles * kept;
    sum.active_pes = std::max(sum.active_pes, run.active_pes);
    for (const auto part : {&SpatialRun::dram_input_words, &SpatialRun::dram_weight_words,
                            &SpatialRun::dram_output_words, &SpatialRun::dram_partial_words,
                            &SpatialRun::glb_reads, &SpatialRun::glb_writes, &SpatialRun::glb_j,
                            &SpatialRun::pe_reads, &SpatialRun::pe_writes}) {
      sum.*part += run.*part;
    }
    sum.pe_j += (run.pe_j - zeros.in * run.pe_gated_j) * kept;
    const int input_bits = loops.bits[at(Operand::inputs)];
    traffic.in += run.dram_input_words * input_bits / 8 * stored_share(zeros.in, input_bits) +
                  run.dram_weight_words * stored * loops.bits[at(Operand::weights)] / 8 +
                  run.dram_partial_words * layer.activation_bits / 8;
    // Partial sums go out as they are.
    const double partial = std::min(run.dram_partial_words, run.dram_output_words);
    const double finished = run.dram_output_words - partial;
    traffic.out += (partial + finished * stored_share(zeros.out, layer.activation_bits)) *
                   layer.activation_bits / 8;
  }
  return sum;
}

LayerCost Spatial::on_array(const Kernel& kernel, const Workload& workload, const Point& point,
                            Cost& cost) const {
  const Network& network = workload.network();
  const Layer& layer = workload.layer(kernel);
  const auto& precision =
      c_.precisions[static_cast<std::size_t>(c_.coverage.precision(network, layer))];
  const Zeros zeros{has_zeros(network, network.inputs(layer)[0]) ? c_.zero_share : 0,
                    has_zeros(network, kernel.last) ? c_.zero_share : 0};
  Traffic traffic{kernel.constant_bytes, 0};
  const SpatialRun sum = products(kernel, workload, zeros, traffic);
  const double cycles = sum.cycles / precision.macs_per_cycle;

  LayerCost row;
  row.layer = kernel.layer;
  row.macs = kernel.macs * workload.batch();
  row.traffic_bytes = traffic.in + traffic.out;
  const bool overlapped = c_.dram.outputs_overlapped;
  const double compute_s = cycles / point.hz;
  const double memory_s = (overlapped ? row.traffic_bytes : traffic.in) / c_.dram.bytes_per_s;
  row.latency_s = std::max(compute_s, memory_s);
  row.bound = compute_s >= memory_s ? Bound::compute : Bound::memory;
  if (!overlapped)
    row.latency_s += sum.dram_output_words * layer.activation_bits / 8 / c_.dram.bytes_per_s;
  const double mac_j = static_cast<double>(row.macs) * c_.sparsity.compute_share(layer) *
                       (1 - zeros.in) * precision.energy_per_mac_j;
  const double dram_j = row.traffic_bytes * c_.dram.energy_per_byte_j;
  row.energy_j = point.dynamic(mac_j + sum.pe_j + sum.glb_j) + dram_j;

  const std::pair<std::string_view, double> counts[] = {
      {"cycles", cycles},
      {"active_pes", sum.active_pes},
      {"dram_words", sum.dram_input_words + sum.dram_weight_words + sum.dram_output_words +
                         sum.dram_partial_words},
      {"glb_reads_words", sum.glb_reads},
      {"glb_writes_words", sum.glb_writes},
      {"pe_reads_words", sum.pe_reads},
      {"pe_writes_words", sum.pe_writes},
      {"energy_mac_j", point.dynamic(mac_j)},
      {"energy_pe_j", point.dynamic(sum.pe_j)},
      {"energy_glb_j", point.dynamic(sum.glb_j)},
      {"energy_dram_j", dram_j}};
  for (const auto& [name, value] : counts) cost.counts.push_back({kernel.layer, name, value});
  return row;
}

// Ops that are no product, and the softmax of attention.
LayerCost Spatial::elsewhere(const Kernel& kernel, const Workload& workload,
                             const Point& point) const {
  if (const ElementUnit* host = c_.coverage.fallback(workload.layer(kernel).op))
    return host->run(kernel, workload);
  LayerCost row = c_.vector.run(kernel, workload, point.clock_share);
  const double memory_s = row.traffic_bytes / c_.dram.bytes_per_s;
  if (memory_s > row.latency_s) row.bound = Bound::memory;
  row.latency_s = std::max(row.latency_s, memory_s);
  row.energy_j = point.dynamic(row.energy_j) + row.traffic_bytes * c_.dram.energy_per_byte_j;
  return row;
}

// What does not fit, and what the file does not vouch for.
void Spatial::say_limits(const Workload& workload, Estimate& estimate) const {
  Cost& cost = estimate.cost;
  c_.coverage.require(estimate, c_.dram.name,
                      static_cast<double>(cost.storage_bytes + cost.peak_memory_bytes),
                      c_.dram.bytes);
  c_.coverage.note_fallback(workload, cost);
  c_.coverage.note_limits(workload, c_.clock, cost, c_.batch_highest);
}

Estimate Spatial::estimate(const Workload& workload) const {
  const Candidate& candidate = workload.candidate();
  if (auto reason = c_.coverage.refusal(candidate)) return not_covered(std::move(*reason));
  const std::vector<Kernel>& kernels = workload.kernels(c_.coverage.fusion);
  if (kernels.empty()) return not_covered("the network does no work");
  const auto& [batch, clock_share] = candidate.deployment;
  const MemoryPlan& plan = workload.memory(c_.memory_rules);
  const Point point{c_.clock.highest_hz * clock_share, clock_share,
                    c_.clock.voltage_share(clock_share)};

  Estimate estimate;
  Cost& cost = estimate.cost;
  cost.layers.reserve(kernels.size());
  cost.counts.reserve(kernels.size() * 12);
  double stored = 0;
  for (const Kernel& kernel : kernels) {
    const Layer& layer = workload.layer(kernel);
    stored += kernel.weight_bytes * c_.sparsity.storage_share(layer) + kernel.constant_bytes +
              kernel.table_bytes;
    LayerCost row;
    if (has_weights(kernel.op) || kernel.op == OpClass::attention) {
      row = on_array(kernel, workload, point, cost);
      if (kernel.op == OpClass::attention) {
        const LayerCost softmax = c_.vector.run(kernel, workload, clock_share);
        row.latency_s += softmax.latency_s;
        row.energy_j += point.dynamic(softmax.energy_j);
      }
    } else {
      row = elsewhere(kernel, workload, point);
    }
    if (c_.overhead_per_kernel_s > row.latency_s) row.bound = Bound::overhead;
    row.latency_s += c_.overhead_per_kernel_s;
    const double static_j = c_.static_w * point.voltage_share * row.latency_s;
    row.energy_j += static_j;
    cost.counts.push_back({kernel.layer, "energy_static_j", static_j});
    if (!c_.coverage.fallback(layer.op)) {  // what a chip's own power meter sees
      cost.counts.push_back({kernel.layer, "energy_chip_j",
                             row.energy_j - row.traffic_bytes * c_.dram.energy_per_byte_j});
    }
    row.live_bytes = live_bytes(plan, kernel);
    cost.layers.push_back(row);
  }
  cost.storage_bytes = static_cast<std::int64_t>(std::ceil(stored));
  cost.peak_memory_bytes = plan.peak_bytes;
  add_up(cost, batch);
  cost.confidence = c_.confidence;
  cost.usd_per_million = c_.price.usd_per_million(cost.latency_s / batch, cost.energy_j);

  say_limits(workload, estimate);
  return estimate;
}

}  // namespace hwnas
