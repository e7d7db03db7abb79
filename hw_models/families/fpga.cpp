#include "hw_models/families/fpga.h"

#include <algorithm>
#include <cmath>

#include "hw_models/families/fpga_pipeline.h"

namespace hwnas {
namespace {

constexpr double kBram18Bits = 18432;

double bits_of(const Layer& layer) {
  return static_cast<double>(layer.out.elements()) * layer.activation_bits;
}

// Lines and window that an engine keeps of its input; what one position is without a window.
double window_bytes(const Network& network, const Layer& layer) {
  const double line = layer.in.width + layer.pad.left + layer.pad.right;
  const double positions = (layer.kernel_h - 1) * line + layer.kernel_w;
  const int bits = network.layer(network.inputs(layer)[0]).activation_bits;
  return std::ceil(positions * layer.in.channels * bits / 8);
}

}  // namespace

// One candidate's design at one clock. Engines are in the order of the kernels.
struct Fpga::Design {
  double hz = 0;
  double feed = 0;  // cycles to take one image in
  std::vector<FpgaEngine> engines;
  std::vector<char> on_host;        // of each engine
  std::vector<double> branch_bits;  // kept for an input of it that comes early
  std::vector<double> done;         // cycle in which an image has passed it
  FpgaPlacement placement;
  FpgaResources used;  // with what branches need
  std::size_t slowest = 0;
  double interval = 0, latency = 0;  // cycles; latency of one image
  std::size_t by_hand = 0;
};

Fpga::Design Fpga::design(const Workload& workload, const std::vector<Kernel>& kernels) const {
  const Network& network = workload.network();
  Design d;
  d.hz = c_.clock.highest_hz * workload.clock_share();
  d.feed = bits_of(network.layer(0)) / c_.bits_per_cycle;
  double floor = d.feed;
  if (c_.throughput_per_s > 0) floor = std::max(floor, std::floor(d.hz / c_.throughput_per_s) - 1);
  std::vector<char> fixed(kernels.size(), 0);
  d.on_host.assign(kernels.size(), 0);
  d.engines.reserve(kernels.size());
  for (std::size_t i = 0; i < kernels.size(); ++i) {
    const Layer& layer = workload.layer(kernels[i]);
    const auto row = static_cast<std::size_t>(c_.coverage.precision(network, layer));
    FpgaEngine& engine =
        d.engines.emplace_back(network, kernels[i], c_.macs_per_dsp[row], c_.style);
    if (const ElementUnit* host = c_.coverage.fallback(layer.op)) {
      const double elements = std::max(1.0, static_cast<double>(kernels[i].element_ops));
      engine.cycles = static_cast<std::int64_t>(
          std::ceil((elements / host->elements_per_s + host->overhead_s) * d.hz));
      floor = std::max(floor, static_cast<double>(engine.cycles));
      d.on_host[i] = fixed[i] = 1;
    } else if (!c_.folding.empty()) {
      const auto found = c_.folding.find(layer.name);
      if (found == c_.folding.end()) continue;
      engine.fold(found->second, layer);
      fixed[i] = 1;
      ++d.by_hand;
    }
  }
  fold_to_fit(d.engines, fixed, c_.resources, c_.usable_share, c_.weight_stream_bits, floor);
  d.placement = place_weights(d.engines, c_.resources);
  d.used = d.placement.used;
  return d;
}

// One image through all engines, and what branches have to keep meanwhile.
void Fpga::stream(const Workload& workload, const std::vector<Kernel>& kernels, Design& d) const {
  const Network& network = workload.network();
  FpgaPipeline pipeline(network);
  const Shape& image = network.input();
  pipeline.feed(c_.start_s * d.hz, d.feed / (static_cast<double>(image.height) * image.width));
  d.branch_bits.assign(kernels.size(), 0);
  std::vector<std::size_t> owner(static_cast<std::size_t>(network.size()), 0);  // kernel of a layer
  std::size_t next = 0;
  for (int i = 1; i < network.size(); ++i) {
    const auto from = network.inputs(network.layer(i));
    std::size_t& kernel = owner[static_cast<std::size_t>(i)];
    if (next == kernels.size() || kernels[next].layer != i) {
      pipeline.join(i);
      for (const int input : from)
        kernel = std::max(kernel, owner[static_cast<std::size_t>(input)]);
    } else {
      kernel = next++;
      if (d.on_host[kernel]) {
        pipeline.wait(i, static_cast<double>(d.engines[kernel].cycles));
      } else {
        pipeline.run(d.engines[kernel], c_.style.pipeline_cycles);
      }
    }
    if (from.size() < 2) continue;
    for (const int input : from)
      d.branch_bits[kernel] += pipeline.waiting_share(input, i) * bits_of(network.layer(input));
  }
  d.interval = d.feed;
  d.done.resize(kernels.size());
  for (std::size_t i = 0; i < kernels.size(); ++i) {
    d.done[i] = pipeline.last(kernels[i].last);
    const auto cycles = static_cast<double>(d.engines[i].cycles);
    if (cycles > d.interval) d.slowest = i;
    d.interval = std::max(d.interval, cycles);
    d.used.bram18s += std::floor(d.branch_bits[i] / kBram18Bits);
  }
  const double out = bits_of(network.layers().back()) / c_.bits_per_cycle;
  d.latency = std::max(d.done.back() + out, d.interval);
}

// Of the blocks that a memory is deep, a cycle reads one.
double Fpga::cycle_energy_j(const FpgaEngine& engine, const FpgaResources& weights) const {
  const auto width = static_cast<double>(engine.weight_width());
  const double bram18s = engine.logic.bram18s + std::min(weights.bram18s, width / 18);
  return (engine.logic.luts + weights.luts) * c_.lut_j + engine.logic.dsps * c_.dsp_j +
         bram18s * c_.bram18_j + std::min(weights.urams, width / 72) * c_.uram_j;
}

void Fpga::add_rows(const Workload& workload, const std::vector<Kernel>& kernels, const Design& d,
                    Cost& cost) const {
  const Network& network = workload.network();
  const int batch = workload.batch();
  const double waited = (batch - 1) * d.interval;
  const double voltage = c_.clock.voltage_share(workload.clock_share());
  double passed = 0;
  double memory = 0;
  cost.layers.reserve(kernels.size());
  for (std::size_t i = 0; i < kernels.size(); ++i) {
    const Kernel& kernel = kernels[i];
    const FpgaEngine& engine = d.engines[i];
    const double before = passed;
    passed = std::max(passed + 1, i + 1 == kernels.size() ? d.latency : d.done[i]);
    LayerCost row;
    row.layer = kernel.layer;
    row.latency_s = (passed - before + (i == d.slowest ? waited : 0)) / d.hz;
    row.macs = kernel.macs * batch;
    const double moved = (kernel.input_bytes + kernel.output_bytes) * batch;
    row.traffic_bytes = moved + (kernel.weight_bytes + kernel.constant_bytes) * batch;

    const double busy = static_cast<double>(engine.cycles) * batch;
    const double idle = std::max(0.0, d.latency + waited - busy);
    row.energy_j = c_.static_w * voltage * row.latency_s +
                   (busy + idle * c_.idle_share) * cycle_energy_j(engine, d.placement.weights[i]) *
                       voltage * voltage;
    if (const ElementUnit* host = c_.coverage.fallback(network.layer(kernel.layer).op))
      row.energy_j += static_cast<double>(kernel.element_ops) * batch * host->energy_per_element_j;
    const double outside =
        (i == 0 ? kernel.input_bytes : 0) + (i + 1 == kernels.size() ? kernel.output_bytes : 0);
    row.energy_j += outside * batch * c_.energy_per_byte_j;

    row.bound = engine.outputs * engine.per_output >= engine.inputs * engine.per_input
                    ? Bound::compute
                    : Bound::memory;
    const double bytes =
        window_bytes(network, network.layer(kernel.layer)) + std::ceil(d.branch_bits[i] / 8);
    row.live_bytes = static_cast<std::int64_t>(bytes);
    memory += bytes;
    cost.layers.push_back(row);
  }
  cost.peak_memory_bytes = static_cast<std::int64_t>(memory);
}

void Fpga::add_counts(const Design& d, int batch, Cost& cost) const {
  cost.counts.reserve(d.engines.size() * 8 + 2);
  for (std::size_t i = 0; i < d.engines.size(); ++i) {
    const FpgaEngine& e = d.engines[i];
    FpgaResources r = e.logic;
    r += d.placement.weights[i];
    const auto add = [&](std::string_view name, double value) {
      if (value > 0) cost.counts.push_back({e.layer, name, value});
    };
    add("cycles", static_cast<double>(e.cycles) * batch);
    add("lut", r.luts);
    add("dsp", r.dsps);
    add("bram18", r.bram18s + std::floor(d.branch_bits[i] / kBram18Bits));
    add("uram", r.urams);
    if (d.on_host[i]) continue;
    add("pe", e.pe);
    if (!e.has_weights()) continue;
    add("simd", e.simd);
    add("multipliers", double(e.pe) * e.simd);
  }
  cost.counts.push_back({-1, "interval_cycles", d.interval});
  cost.counts.push_back({-1, "latency_cycles", d.latency + (batch - 1) * d.interval});
}

void Fpga::check(const Workload& workload, const Design& d, Estimate& estimate) const {
  const auto lacks = [&](double need, const char* resource, double has) {
    if (need <= has) return;
    if (!estimate.reason.empty()) estimate.reason += "; ";
    estimate.fits = false;
    estimate.reason += "needs " + std::to_string(std::llround(std::ceil(need))) + " " + resource +
                       ", " + c_.coverage.device() + " has " + std::to_string(std::llround(has));
  };
  lacks(d.used.luts, "LUT", c_.resources.luts);
  lacks(d.used.dsps, "DSP", c_.resources.dsps);
  lacks(d.used.bram18s, "BRAM18", c_.resources.bram18s);
  lacks(d.used.urams, "URAM", c_.resources.urams);
  Cost& cost = estimate.cost;
  c_.coverage.note_fallback(workload, cost);
  c_.coverage.note_limits(workload, c_.clock, cost);
  if (d.by_hand == c_.folding.size()) return;
  for (const auto& [name, folding] : c_.folding) {
    const auto layers = workload.network().layers();
    if (std::none_of(layers.begin(), layers.end(), [&](const Layer& l) { return l.name == name; }))
      cost.extrapolated.push_back("folding of '" + name + "': the network has no such layer");
  }
}

Estimate Fpga::estimate(const Workload& workload) const {
  if (auto reason = c_.coverage.refusal(workload.candidate()))
    return not_covered(std::move(*reason));
  const std::vector<Kernel>& kernels = workload.kernels(c_.coverage.fusion);
  if (kernels.empty()) return not_covered("the network does no work");
  Design d = design(workload, kernels);
  stream(workload, kernels, d);

  Estimate estimate;
  Cost& cost = estimate.cost;
  add_rows(workload, kernels, d, cost);
  add_up(cost, workload.batch());
  cost.throughput_per_s = d.hz / d.interval;
  double stored = 0;
  for (const Kernel& kernel : kernels) stored += kernel.weight_bytes + kernel.constant_bytes;
  cost.storage_bytes = static_cast<std::int64_t>(std::ceil(stored));
  cost.confidence = c_.confidence;
  cost.usd_per_million = c_.price.usd_per_million(1 / cost.throughput_per_s, cost.energy_j);
  add_counts(d, workload.batch(), cost);
  check(workload, d, estimate);
  return estimate;
}

}  // namespace hwnas
