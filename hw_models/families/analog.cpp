#include "hw_models/families/analog.h"

#include <algorithm>
#include <cmath>

#include "hw_models/device.h"
#include "hw_models/gemm.h"

namespace hwnas {
namespace {

// Energy of one layer by component, of a whole batch.
struct Spent {
  double input = 0, cells = 0, adc = 0, digital = 0, memory = 0, reload = 0;

  double arrays() const { return input + cells + adc + digital; }
};

}  // namespace

// Where one layer lies.
struct Analog::Layout {
  std::size_t precision;
  AnalogTiles tiles;
  Gemm gemm;
};

// How the positions of a layer are run.
struct Analog::Schedule {
  double positions = 1;  // of the batch
  double copies = 1;     // that share them
  double passes = 1;     // over the arrays, where one copy takes more than there are
  // Partial sums of all positions wait for the next pass; where they exceed the buffer, positions
  // are taken in rounds. Weights are written in each; 0: they stay.
  double rounds = 0;
};

struct Analog::Traffic {
  double fed = 0, between = 0,
         spilled = 0;  // bytes of the buffer, between arrays, beyond the buffer
  double time_s = 0, energy_j = 0;
};

// Operating point of one estimate.
struct Analog::Point {
  double clock_share, voltage_share;
  double energy_share;         // V^2
  double copies_per_position;  // of resident layers
  bool resident;
};

Analog::Analog(AnalogConstants constants) : c_(std::move(constants)) {
  for (const AnalogNoise& noise : c_.noise) weight_noise_.push_back(weight_noise_to_signal(noise));
}

Capacity Analog::capacity() const {
  return {static_cast<std::int64_t>(c_.memory.main().bytes), 0};
}

LayerCost Analog::run_elements(const Kernel& kernel, const Workload& workload,
                               const Point& point) const {
  if (const ElementUnit* host = c_.coverage.fallback(workload.layer(kernel).op))
    return host->run(kernel, workload);
  LayerCost row = c_.vector.run(kernel, workload, point.clock_share);
  const MemoryLevel& level = c_.memory.holding(row.traffic_bytes);
  row.latency_s = std::max(row.latency_s, row.traffic_bytes / level.bytes_per_s);
  row.energy_j = row.energy_j * point.energy_share + row.traffic_bytes * level.energy_per_byte_j +
                 c_.static_w * point.voltage_share * row.latency_s;
  return row;
}

Analog::Schedule Analog::schedule(const Layout& layout, const Point& point, int batch) const {
  const auto& [precision, tiles, gemm] = layout;
  Schedule s;
  s.positions = static_cast<double>(gemm.m) * batch;
  if (point.resident) {
    s.copies = 1 + std::floor(static_cast<double>(gemm.m) * point.copies_per_position);
    s.copies = std::min(s.copies, static_cast<double>(gemm.m));
    return s;
  }
  s.passes = std::ceil(tiles.arrays / c_.array.arrays);
  if (c_.copies) s.copies = std::max(1.0, std::floor(c_.array.arrays / tiles.arrays));
  s.copies = std::min(s.copies, s.positions);
  s.rounds = 1;
  if (s.passes > 1 && tiles.row_tiles > 1) {
    const double across =
        std::min(static_cast<double>(gemm.n), 1.0 * c_.precisions[precision].weights_per_row);
    const double sums = s.positions * across * c_.array.partial_sum_bytes;
    s.rounds = std::clamp(std::ceil(sums / c_.memory.all().front().bytes), 1.0, s.positions);
  }
  return s;
}

Analog::Traffic Analog::traffic(const Kernel& kernel, const Layout& layout, const Schedule& s,
                                int batch) const {
  const auto& [precision, tiles, gemm] = layout;
  const auto groups = static_cast<double>(gemm.repeats);
  const double inputs = s.positions * static_cast<double>(gemm.k) * groups *
                        c_.precisions[precision].activation_bits / 8;
  const double sums = s.positions * (tiles.outputs - static_cast<double>(gemm.n) * groups) *
                      c_.array.partial_sum_bytes;
  Traffic t;
  t.fed = inputs + kernel.output_bytes * batch + kernel.constant_bytes;
  // Arrays side by side share an input and add what they sum; array after array, both go through
  // memory.
  if (s.passes > 1) {
    t.fed += inputs * (tiles.column_tiles - 1) + 2 * sums;
  } else {
    t.between = inputs * tiles.column_tiles + sums;
  }
  const double moved = (kernel.input_bytes + kernel.output_bytes) * batch;
  const MemoryLevel& buffer = c_.memory.all().front();
  const MemoryLevel& level = c_.memory.holding(moved);
  if (&level != &buffer) t.spilled = moved;
  t.time_s = std::max(t.fed / buffer.bytes_per_s, t.spilled / level.bytes_per_s);
  t.energy_j = t.fed * buffer.energy_per_byte_j + t.spilled * level.energy_per_byte_j +
               t.between * c_.network_j_per_byte;
  return t;
}

LayerCost Analog::run(const Kernel& kernel, const Workload& workload, const Layout& layout,
                      const Point& point, std::vector<Count>& counts) const {
  const Layer& layer = workload.layer(kernel);
  const auto& [precision, tiles, gemm] = layout;
  const AnalogMvm& mvm = c_.precisions[precision];
  const int batch = workload.batch();
  const Schedule s = schedule(layout, point, batch);
  const Traffic moved = traffic(kernel, layout, s, batch);
  const double mvm_s = tiles.row_groups * mvm.time_s / point.clock_share;
  const double elements = static_cast<double>(kernel.element_ops) * batch;  // of a fused sum
  const double compute_s = std::ceil(s.positions / s.copies) * s.passes * mvm_s +
                           elements / (c_.vector.elements_per_s * point.clock_share);
  const MemoryLevel& store = c_.memory.main();
  const double reload_s = s.rounds * std::max(kernel.weight_bytes / store.bytes_per_s,
                                              s.passes * c_.array.rows * c_.reload.row_s);

  Spent spent;
  const double each = s.positions * point.energy_share;
  spent.input = each * tiles.rows * mvm.row_j;
  spent.cells = each * (tiles.cells * mvm.cell_j * c_.sparsity.compute_share(layer) +
                        tiles.columns * mvm.column_j);
  spent.adc = each * tiles.conversions * mvm.adc_j;
  spent.digital = each * (tiles.conversions * mvm.digital_j + tiles.outputs * mvm.output_j) +
                  elements * point.energy_share * c_.vector.energy_per_element_j;
  spent.memory = moved.energy_j;
  spent.reload = s.rounds * (kernel.weight_bytes * store.energy_per_byte_j +
                             tiles.cells * s.copies * c_.reload.cell_j);

  LayerCost row;
  row.layer = kernel.layer;
  row.latency_s = std::max(compute_s, moved.time_s) + reload_s;
  row.energy_j = spent.arrays() + spent.memory + spent.reload +
                 c_.static_w * point.voltage_share * row.latency_s;
  row.macs = kernel.macs * batch;
  row.traffic_bytes = moved.fed + moved.spilled + s.rounds * kernel.weight_bytes;
  row.bound = compute_s >= std::max(moved.time_s, reload_s) ? Bound::compute : Bound::memory;

  const auto [lost_bits, snr] = precision_lost(layout);
  const int l = kernel.layer;
  counts.insert(counts.end(), {{l, "arrays", tiles.arrays * s.copies},
                               {l, "mvm_s", mvm_s},
                               {l, "adc_conversions", s.positions * tiles.conversions * mvm.slices},
                               {l, "adc_bits_lost", lost_bits},
                               {l, "mvm_snr_db", snr},
                               {l, "energy_input_j", spent.input},
                               {l, "energy_cells_j", spent.cells},
                               {l, "energy_adc_j", spent.adc},
                               {l, "energy_digital_j", spent.digital},
                               {l, "energy_arrays_j", spent.arrays()},
                               {l, "energy_memory_j", spent.memory},
                               {l, "energy_reload_j", spent.reload}});
  return row;
}

// Bits that the ADC does not resolve, and the signal over the noise in dB.
std::pair<double, double> Analog::precision_lost(const Layout& layout) const {
  const AnalogNoise& noise = c_.noise[layout.precision];
  const auto depth = static_cast<double>(layout.gemm.k);
  const double lossless = lossless_adc_bits(std::min(depth, noise.active_rows), noise.slice_bits,
                                            noise.cell_bits, noise.halved_range);
  return {std::max(0.0, lossless - noise.adc_bits),
          snr_db(weight_noise_[layout.precision] + converter_noise_to_signal(noise, depth))};
}

void Analog::check_fit(Estimate& estimate, double arrays, bool resident) const {
  const std::string& device = c_.coverage.device();
  const Cost& cost = estimate.cost;
  const auto lacks = [&](const std::string& need, const std::string& has) {
    estimate.fits = false;
    if (!estimate.reason.empty()) estimate.reason += "; ";
    estimate.reason += "needs " + need + ", " + device + " has " + has;
  };
  if (arrays > c_.array.arrays && !c_.reload.possible) {
    lacks(std::to_string(static_cast<std::int64_t>(arrays)) + " arrays",
          std::to_string(c_.array.arrays));
  }
  const MemoryLevel& memory = c_.memory.main();
  const double bytes = static_cast<double>(cost.peak_memory_bytes) +
                       (resident ? 0 : static_cast<double>(cost.storage_bytes));
  if (bytes > memory.bytes) {
    lacks(format_quantity(bytes, Unit::byte) + " of " + memory.name,
          format_quantity(memory.bytes, Unit::byte));
  }
}

Estimate Analog::estimate(const Workload& workload) const {
  const Candidate& candidate = workload.candidate();
  if (auto reason = c_.coverage.refusal(candidate)) return not_covered(std::move(*reason));
  const auto& [batch, clock_share] = candidate.deployment;
  const std::vector<Kernel>& kernels = workload.kernels(c_.coverage.fusion);
  if (kernels.empty()) return not_covered("the network does no work");
  const MemoryPlan& plan = workload.memory(c_.memory_rules);

  std::vector<Layout> layouts;
  layouts.reserve(kernels.size());
  double arrays = 0, work = 0, stored = 0;
  for (const Kernel& kernel : kernels) {
    stored += kernel.weight_bytes + kernel.constant_bytes + kernel.table_bytes;
    if (!has_weights(kernel.op)) continue;
    const Layer& layer = workload.layer(kernel);
    const auto precision =
        static_cast<std::size_t>(c_.coverage.precision(candidate.network, layer));
    const Gemm gemm = Gemms(candidate.network, layer)[0];
    layouts.push_back({precision, {c_.array, c_.precisions[precision], gemm}, gemm});
    arrays += layouts.back().tiles.arrays;
    work += layouts.back().tiles.arrays * static_cast<double>(gemm.m);
  }
  Point point;
  point.clock_share = clock_share;
  point.voltage_share = c_.clock.voltage_share(clock_share);
  point.energy_share = point.voltage_share * point.voltage_share;
  point.resident = arrays <= c_.array.arrays || !c_.reload.possible;
  point.copies_per_position =
      c_.copies && work > 0 ? std::max(0.0, (c_.array.arrays - arrays) / work) : 0;

  Estimate estimate;
  Cost& cost = estimate.cost;
  cost.layers.reserve(kernels.size());
  cost.counts.reserve(12 * layouts.size() + 1);
  auto layout = layouts.begin();
  double slowest_s = 0;
  for (const Kernel& kernel : kernels) {
    LayerCost row = has_weights(kernel.op) ? run(kernel, workload, *layout++, point, cost.counts)
                                           : run_elements(kernel, workload, point);
    row.live_bytes = live_bytes(plan, kernel);
    slowest_s = std::max(slowest_s, row.latency_s);
    cost.layers.push_back(row);
  }
  add_up(cost, batch);
  if (c_.pipelined && point.resident) cost.throughput_per_s = batch / slowest_s;
  cost.peak_memory_bytes = plan.peak_bytes;
  cost.storage_bytes = static_cast<std::int64_t>(std::ceil(stored));
  cost.confidence = c_.confidence;
  cost.usd_per_million = c_.price.usd_per_million(1 / cost.throughput_per_s, cost.energy_j);
  if (c_.precisions[0].area_m2 > 0)
    cost.counts.push_back({-1, "area_m2", c_.precisions[0].area_m2 * c_.array.arrays});
  check_fit(estimate, arrays, point.resident);
  c_.coverage.note_fallback(workload, cost);
  c_.coverage.note_limits(workload, c_.clock, cost);
  return estimate;
}

std::shared_ptr<const CostModel> make_analog(const TomlTable& file, const std::string& device,
                                             Confidence confidence) {
  return std::make_shared<Analog>(read_analog(file, device, confidence));
}

std::optional<AnalogNoise> analog_noise(const Device& device, int weight_bits,
                                        int activation_bits) {
  const auto* model = dynamic_cast<const Analog*>(device.model.get());
  if (model == nullptr) return std::nullopt;
  for (const AnalogNoise& noise : model->constants().noise) {
    if (noise.weight_bits == weight_bits && noise.input_bits == activation_bits) return noise;
  }
  return std::nullopt;
}

}  // namespace hwnas
