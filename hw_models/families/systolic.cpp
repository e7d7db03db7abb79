#include "hw_models/families/systolic.h"

#include <algorithm>
#include <cmath>

#include "hw_models/gemm.h"
#include "hw_models/memory_plan.h"

namespace hwnas {
namespace {

struct Activations {
  double inputs = 0, outputs = 0;  // bytes to and from DRAM
};

ArrayGemm array_gemm(const Gemm& gemm, const Layer& layer, int batch, double kept) {
  ArrayGemm g{gemm.m, gemm.n, gemm.k, gemm.repeats, 1};
  (gemm.stored_weights ? g.m : g.repeats) *= batch;
  if (layer.op == Op::conv) g.positions = std::int64_t{layer.kernel_h} * layer.kernel_w;
  if (kept < 1) {  // pruned products are compressed along k
    g.k = static_cast<std::int64_t>(std::ceil(static_cast<double>(g.k) * kept));
    g.positions = std::min(g.positions, g.k);
  }
  return g;
}

}  // namespace

struct Systolic::Run {
  const Workload& workload;
  const MemoryPlan& plan;
  Cost& cost;
  double hz, voltage_share;
  double free_weight_bytes;  // of the room for weights that stay
  double cycles = 0;

  double dynamic(double energy_j) const { return energy_j * voltage_share * voltage_share; }
  Activations activations(const Kernel& kernel, const SystolicConstants& c) const {
    const Network& network = workload.network();
    const int batch = workload.batch();
    const auto inputs = network.inputs(network.layer(kernel.layer));
    const bool stay = static_cast<double>(live_bytes(plan, kernel)) <= c.resident_activation_bytes;
    const bool first =
        c.dram.network_io && std::find(inputs.begin(), inputs.end(), 0) != inputs.end();
    const bool last = c.dram.network_io && kernel.last == network.size() - 1;
    return {stay && !first ? 0 : (kernel.input_bytes + kernel.cache_bytes) * batch,
            stay && !last ? 0 : kernel.output_bytes * batch};
  }
};

double Systolic::dram_bytes(const ArrayGemm& gemm, double weights, double inputs) const {
  const auto groups = static_cast<double>(gemm.repeats);
  const double weight_room = c_.buffers[SystolicConstants::kWeights].share_bytes / 2;
  const double input_room = c_.buffers[SystolicConstants::kInputs].share_bytes / 2;
  const double w = weights / groups, i = inputs / groups;
  // Where the inputs are on the chip, weights that do not fit pass by for each fill of
  // accumulators.
  if (inputs == 0 && w > weight_room)
    return weights * static_cast<double>(c_.array.weight_passes(gemm.m));
  if (w <= weight_room || i <= input_room) return weights + inputs;
  return groups * std::min(w + i * std::ceil(w / weight_room), i + w * std::ceil(i / input_room));
}

double Systolic::sram_energy_j(const ArrayRun& words, const Layer& layer, int input_bits) const {
  using C = SystolicConstants;
  const double results = words.output_writes - words.partial_reads;
  return words.input_reads * input_bits * c_.buffers[C::kInputs].energy_per_bit_j +
         words.weight_reads * layer.weight_bits * c_.buffers[C::kWeights].energy_per_bit_j +
         results * layer.activation_bits * c_.buffers[C::kOutputs].energy_per_bit_j +
         2 * words.partial_reads * c_.array.accumulator_bits() *
             c_.buffers[C::kPartialSums].energy_per_bit_j;
}

LayerCost Systolic::on_array(const Kernel& kernel, Run& run) const {
  const Workload& workload = run.workload;
  const Network& network = workload.network();
  const Layer& layer = workload.layer(kernel);
  const int batch = workload.batch();
  const auto& precision =
      c_.precisions[static_cast<std::size_t>(c_.coverage.precision(network, layer))];
  const int input_bits = network.layer(network.inputs(layer)[0]).activation_bits;
  const double kept = c_.sparsity.compute_share(layer);
  const auto [inputs, outputs] = run.activations(kernel, c_);

  double weights = kernel.weight_bytes * c_.sparsity.storage_share(layer);
  const double stay = std::min(weights, run.free_weight_bytes);
  run.free_weight_bytes -= stay;

  ArrayRun sum;
  double dram = outputs + kernel.constant_bytes;
  for (const Gemm& gemm : Gemms(network, layer)) {
    const ArrayGemm g = array_gemm(gemm, layer, batch, kept);
    const ArrayRun one = c_.array.run(g);
    sum.cycles += one.cycles * precision.cycles_factor;
    for (const auto words : {&ArrayRun::input_reads, &ArrayRun::weight_reads,
                             &ArrayRun::output_writes, &ArrayRun::partial_reads}) {
      sum.*words += one.*words;
    }
    if (!gemm.stored_weights) continue;
    double streamed = weights - stay;
    if (c_.dram.whole_tiles && weights > 0) {
      streamed *= one.weight_tiles * c_.array.weights_per_tile() * layer.weight_bits / 8 / weights;
    }
    dram += dram_bytes(g, streamed, inputs);
  }
  if (layer.op == Op::attention) dram += inputs;

  LayerCost row;
  row.layer = kernel.layer;
  row.macs = kernel.macs * batch;
  row.traffic_bytes = std::max(dram, weights + (kernel.input_bytes + kernel.output_bytes) * batch);
  const double compute_s = sum.cycles / run.hz;
  const double memory_s = dram / c_.dram.bytes_per_s;
  row.latency_s = c_.dram.overlapped ? std::max(compute_s, memory_s) : compute_s + memory_s;
  row.bound = compute_s >= memory_s ? Bound::compute : Bound::memory;
  const double mac_j = static_cast<double>(row.macs) * kept * precision.energy_per_mac_j;
  const double sram_j = sram_energy_j(sum, layer, input_bits);
  row.energy_j = run.dynamic(mac_j + sram_j) + dram * c_.dram.energy_per_byte_j;

  run.cycles += sum.cycles;
  const std::pair<std::string_view, double> counts[] = {
      {"cycles", sum.cycles},
      {"sram_ifmap_reads_words", sum.input_reads},
      {"sram_filter_reads_words", sum.weight_reads},
      {"sram_ofmap_writes_words", sum.output_writes},
      {"sram_partial_reads_words", sum.partial_reads},
      {"dram_bytes", dram},
      {"energy_mac_j", run.dynamic(mac_j)},
      {"energy_sram_j", run.dynamic(sram_j)}};
  for (const auto& [name, value] : counts) run.cost.counts.push_back({kernel.layer, name, value});
  if (layer.op == Op::attention) {  // its softmax
    const LayerCost softmax = c_.vector.run(kernel, workload, workload.clock_share());
    row.latency_s += softmax.latency_s;
    row.energy_j += run.dynamic(softmax.energy_j);
  }
  return row;
}

LayerCost Systolic::on_vector_unit(const Kernel& kernel, Run& run) const {
  if (const ElementUnit* host = c_.coverage.fallback(run.workload.layer(kernel).op))
    return host->run(kernel, run.workload);
  LayerCost row = c_.vector.run(kernel, run.workload, run.workload.clock_share());
  const auto [inputs, outputs] = run.activations(kernel, c_);
  const double dram = inputs + outputs + kernel.constant_bytes;
  const double memory_s = dram / c_.dram.bytes_per_s;
  if (memory_s > row.latency_s) row.bound = Bound::memory;
  row.latency_s = c_.dram.overlapped ? std::max(row.latency_s, memory_s) : row.latency_s + memory_s;
  row.energy_j = run.dynamic(row.energy_j) + dram * c_.dram.energy_per_byte_j;
  run.cost.counts.push_back({kernel.layer, "dram_bytes", dram});
  return row;
}

Estimate Systolic::estimate(const Workload& workload) const {
  const Candidate& candidate = workload.candidate();
  if (auto reason = c_.coverage.refusal(candidate)) return not_covered(std::move(*reason));
  const std::vector<Kernel>& kernels = workload.kernels(c_.coverage.fusion);
  if (kernels.empty()) return not_covered("the network does no work");
  const auto& [batch, clock_share] = candidate.deployment;

  Estimate estimate;
  Cost& cost = estimate.cost;
  const MemoryPlan& plan = workload.memory(c_.memory_rules);
  Run run{workload,
          plan,
          cost,
          c_.clock.highest_hz * clock_share,
          c_.clock.voltage_share(clock_share),
          c_.resident_weight_bytes};
  cost.layers.reserve(kernels.size());
  cost.counts.reserve(kernels.size() * 8 + 1);
  double stored = 0, macs = 0;
  for (const Kernel& kernel : kernels) {
    const Layer& layer = workload.layer(kernel);
    stored += kernel.weight_bytes * c_.sparsity.storage_share(layer) + kernel.constant_bytes +
              kernel.table_bytes;
    const bool product = has_weights(kernel.op) || kernel.op == OpClass::attention;
    LayerCost row = product ? on_array(kernel, run) : on_vector_unit(kernel, run);
    const double busy_s = row.latency_s;
    row.latency_s += c_.overhead_per_kernel_s + (cost.layers.empty() ? c_.overhead_per_run_s : 0);
    if (row.latency_s > 2 * busy_s) row.bound = Bound::overhead;
    row.energy_j += c_.static_w * run.voltage_share * row.latency_s;
    row.live_bytes = live_bytes(plan, kernel);
    if (product) macs += static_cast<double>(row.macs);
    cost.layers.push_back(row);
  }
  if (run.cycles > 0)
    cost.counts.push_back({-1, "utilisation_share", macs / (run.cycles * c_.array.multipliers())});
  cost.storage_bytes = static_cast<std::int64_t>(std::ceil(stored));
  cost.peak_memory_bytes = plan.peak_bytes;
  add_up(cost, batch);
  cost.confidence = c_.confidence;
  cost.usd_per_million = c_.price.usd_per_million(cost.latency_s / batch, cost.energy_j);

  c_.coverage.require(estimate, c_.dram.name, stored + static_cast<double>(plan.peak_bytes),
                      c_.dram.bytes);
  c_.coverage.note_fallback(workload, cost);
  c_.coverage.note_limits(workload, c_.clock, cost, c_.batch_highest);
  return estimate;
}

}  // namespace hwnas
