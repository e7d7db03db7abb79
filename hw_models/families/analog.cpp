#include "hw_models/families/analog.h"

#include <algorithm>
#include <cmath>

#include "hw_models/device.h"
#include "hw_models/gemm.h"

namespace hwnas {
namespace {

constexpr double kPartialSumBytes = 4;

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

LayerCost Analog::run(const Kernel& kernel, const Workload& workload, const Layout& layout,
                      const Point& point, std::vector<Count>& counts) const {
  const Layer& layer = workload.layer(kernel);
  const auto& [precision, tiles, gemm] = layout;
  const AnalogMvm& mvm = c_.precisions[precision];
  const AnalogArray& array = c_.array;
  const int batch = workload.batch();
  const double positions = static_cast<double>(gemm.m) * batch;

  double copies = 1, passes = 1;
  if (point.resident) {
    copies += std::floor(static_cast<double>(gemm.m) * point.copies_per_position);
    copies = std::min(copies, static_cast<double>(gemm.m));
  } else {
    passes = std::ceil(tiles.arrays / array.arrays);
    if (c_.copies) copies = std::max(1.0, std::floor(array.arrays / tiles.arrays));
    copies = std::min(copies, positions);
  }
  const double mvm_s = tiles.row_groups * mvm.time_s / point.clock_share;
  const double extra_s = static_cast<double>(kernel.element_ops) * batch /
                         (c_.vector.elements_per_s * point.clock_share);  // of a fused sum
  const double compute_s = std::ceil(positions / copies) * passes * mvm_s + extra_s;

  const auto groups = static_cast<double>(gemm.repeats);
  const double inputs = positions * static_cast<double>(gemm.k) * groups * mvm.activation_bits / 8;
  const double partial_sums =
      positions * (tiles.outputs - static_cast<double>(gemm.n) * groups) * kPartialSumBytes;
  // Arrays side by side share an input and add what they sum; array after array goes through
  // memory.
  double fed = inputs + kernel.output_bytes * batch + kernel.constant_bytes;
  double between = inputs * tiles.column_tiles + partial_sums;
  if (passes > 1) {
    fed += inputs * (tiles.column_tiles - 1) + 2 * partial_sums;
    between = 0;
  }
  const double moved = (kernel.input_bytes + kernel.output_bytes) * batch;
  const MemoryLevel& buffer = c_.memory.all().front();
  const MemoryLevel& level = c_.memory.holding(moved);
  const double spilled = &level == &buffer ? 0 : moved;
  const double memory_s = std::max(fed / buffer.bytes_per_s, spilled / level.bytes_per_s);

  Spent spent;
  const double each = positions * point.energy_share;
  spent.input = each * tiles.rows * mvm.row_j;
  spent.cells = each * (tiles.cells * mvm.cell_j * c_.sparsity.compute_share(layer) +
                        tiles.columns * mvm.column_j);
  spent.adc = each * tiles.conversions * mvm.adc_j;
  spent.digital = each * (tiles.conversions * mvm.digital_j + tiles.outputs * mvm.output_j) +
                  static_cast<double>(kernel.element_ops) * batch * point.energy_share *
                      c_.vector.energy_per_element_j;
  spent.memory = fed * buffer.energy_per_byte_j + spilled * level.energy_per_byte_j +
                 between * c_.network_j_per_byte;
  double reload_s = 0;
  if (!point.resident) {
    const MemoryLevel& store = c_.memory.main();
    reload_s =
        std::max(kernel.weight_bytes / store.bytes_per_s, passes * array.rows * c_.reload.row_s);
    spent.reload =
        kernel.weight_bytes * store.energy_per_byte_j + tiles.cells * copies * c_.reload.cell_j;
  }

  LayerCost row;
  row.layer = kernel.layer;
  row.latency_s = std::max(compute_s, memory_s) + reload_s;
  row.energy_j = spent.arrays() + spent.memory + spent.reload +
                 c_.static_w * point.voltage_share * row.latency_s;
  row.macs = kernel.macs * batch;
  row.traffic_bytes = fed + spilled + (point.resident ? 0 : kernel.weight_bytes);
  row.bound = compute_s >= std::max(memory_s, reload_s) ? Bound::compute : Bound::memory;

  const AnalogNoise& noise = c_.noise[precision];
  const auto depth = static_cast<double>(gemm.k);
  const double lost = lossless_adc_bits(std::min(depth, noise.active_rows), mvm.first_slice_bits,
                                        noise.cell_bits, noise.halved_range) -
                      mvm.adc_bits;
  const double snr = snr_db(weight_noise_[precision] + converter_noise_to_signal(noise, depth));
  const int l = kernel.layer;
  counts.insert(counts.end(), {{l, "arrays", tiles.arrays * copies},
                               {l, "mvm_s", mvm_s},
                               {l, "adc_conversions", positions * tiles.conversions * mvm.slices},
                               {l, "adc_bits_lost", std::max(0.0, lost)},
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
    row.live_bytes = std::max(plan.live_bytes[static_cast<std::size_t>(kernel.layer)],
                              plan.live_bytes[static_cast<std::size_t>(kernel.last)]);
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
  if (auto line = c_.clock.extrapolation(clock_share, c_.coverage.device()); !line.empty())
    cost.extrapolated.push_back(std::move(line));
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
