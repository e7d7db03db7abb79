#include "hw_models/families/photonic.h"

#include <algorithm>
#include <cmath>

#include "hw_models/memory_plan.h"

namespace hwnas {
namespace {

constexpr std::array<std::string_view, Photonic::kParts> kEnergyNames{
    "energy_laser_j",     "energy_dac_j",      "energy_modulator_j",  "energy_adc_j",
    "energy_amplifier_j", "energy_detector_j", "energy_adder_j",      "energy_cells_j",
    "energy_memory_j",    "energy_dram_j",     "energy_electronics_j"};
constexpr std::array<std::string_view, Photonic::kParts> kPowerNames{
    "power_laser_w",     "power_dac_w",      "power_modulator_w",  "power_adc_w",
    "power_amplifier_w", "power_detector_w", "power_adder_w",      "power_cells_w",
    "power_memory_w",    "power_dram_w",     "power_electronics_w"};

double blocks(double count, double size) {
  return std::ceil(count / size);
}

// Whether a tensor may hold numbers below zero, by the op that made it.
bool may_be_negative(const Network& network, int index) {
  for (;;) {
    const Layer& layer = network.layer(index);
    switch (layer.op) {
      case Op::activation:
        return layer.activation != Activation::relu && layer.activation != Activation::relu6 &&
               layer.activation != Activation::sigmoid &&
               layer.activation != Activation::hard_sigmoid;
      case Op::softmax:
        return false;
      case Op::max_pool:
      case Op::avg_pool:
      case Op::global_avg_pool:
      case Op::flatten:
      case Op::identity:
      case Op::channel_shuffle:
      case Op::select_token:
        index = network.inputs(layer)[0];
        break;
      default:
        return true;
    }
  }
}

bool is_product(const Kernel& kernel) {
  return has_weights(kernel.op) || kernel.op == OpClass::attention;
}

}  // namespace

// n1 x d by d x n2, `repeats` times.
struct Photonic::Product {
  double n1, d, n2, repeats;
  int first_bits, second_bits;
  bool stored;    // the first operand comes from DRAM
  double passes;  // over the core, for the signs
};

struct Photonic::Run {
  double cycles = 0, seconds = 0;
  bool waits = false;  // for memory
  Parts energy{};
};

double Photonic::dac_w(int bits, double hz) const {
  const auto cost = [](int b) { return std::exp2(b) / b; };
  return c_.dac.power_w * cost(bits) / cost(c_.dac.bits) * hz / c_.dac.hz;
}

double Photonic::adc_w(int bits, double hz) const {
  const double cost = c_.flash_adc ? (std::exp2(bits) - 1) / (std::exp2(c_.adc.bits) - 1)
                                   : double(bits) / c_.adc.bits;
  return c_.adc.power_w * cost * hz / c_.adc.hz;
}

double Photonic::leakage_w() const {
  const auto& m = c_.memory;
  return m.shared_static_w_per_tile * c_.tiles + m.tile_static_w * (c_.tiles + 1) +
         m.register_static_w * (2.0 * c_.tiles + double(c_.tiles) * c_.cores + c_.cores);
}

Photonic::Parts Photonic::power(int first_bits, int second_bits, double clock_share) const {
  const double hz = c_.clock.highest_hz * clock_share;
  const double cores = double(c_.tiles) * c_.cores;
  const bool crossbar = c_.kind == OpticalCore::crossbar;
  const double cell_count = double(c_.rows) * c_.wavelengths * cores;
  // Cells that hold their weights are held by slow circuits, a part of their static power.
  const double first = crossbar ? cell_count : 0;
  const double second = double(c_.columns) * c_.wavelengths * (crossbar ? c_.cores : cores);
  const double converted = double(c_.rows) * c_.columns * c_.tiles;
  const double modulator_w = c_.modulator_j * hz + c_.modulator_static_w;
  Parts p{};
  p[laser] = c_.laser_w_per_level * std::exp2(second_bits) * cores;
  p[dac] = dac_w(first_bits, hz) * first + dac_w(second_bits, hz) * second;
  p[modulator] = modulator_w * (first + second);
  p[adc] = adc_w(second_bits, hz) * converted;
  p[amplifier] = c_.amplifier_w * converted;
  p[adder] = c_.adder_w * converted;
  p[detector] = 2 * c_.detector_w * c_.rows * c_.columns * cores;
  p[cells] = crossbar ? 0 : c_.cell_static_w * cell_count;
  p[memory] = leakage_w();
  return p;
}

// Of one repeat, then times the repeats: register, network, tile buffers and shared buffer.
void Photonic::add_memory(const Product& p, double sums, double inputs, Run& run) const {
  const auto& m = c_.memory;
  const bool slip = c_.as_published && !p.stored;
  const double first = p.first_bits / 8.0, second = p.second_bits / 8.0;  // bytes
  const bool held = c_.kind != OpticalCore::crossbar;
  const double encoded = p.n1 * p.d * (held ? 1 : blocks(p.n2, c_.columns)) * first;
  const double operand = p.n1 * p.d * first;
  const double shared = inputs * second;
  // A row of blocks larger than the tile's buffer is worked on in parts; sums go out and in
  // between.
  const double rows_in_buffer = c_.rows * p.d * first / m.tile_buffer_bytes;
  const double parts = std::max(1.0, slip ? rows_in_buffer : std::ceil(rows_in_buffer));
  const double outputs = p.n1 * p.n2 * (2 * parts - 1) * second;
  const double bytes_shared = outputs + (slip ? 0 : operand + shared) + (p.stored ? operand : 0);
  run.energy[memory] +=
      p.repeats *
      (m.register_j * 2 * (encoded + shared + sums * second) + m.network_j * sums * second +
       m.tile_buffer_j * (encoded + shared + operand + shared + outputs) +
       m.shared_buffer_j * bytes_shared);
  if (p.stored) run.energy[dram] += p.repeats * m.dram_j * operand;
}

void Photonic::add(const Product& p, double hz, Run& run) const {
  const double cores = double(c_.tiles) * c_.cores;
  const bool crossbar = c_.kind == OpticalCore::crossbar;
  const double i1 = blocks(p.n1, c_.rows), i2 = blocks(p.n2, c_.columns);
  const double id = blocks(p.d, c_.wavelengths);
  const double core_cycles = i1 * i2 * id * p.repeats * p.passes;
  const double cycles = std::ceil(core_cycles / cores);
  const double reprogramming = c_.reprogram_s * std::ceil(i1 * id * p.repeats / cores);

  const auto& m = c_.memory;
  const double row_bytes = c_.rows * p.d * p.first_bits / 8;
  const auto whole_cycles = [&m](double seconds) { return std::ceil(seconds * m.clock_hz); };
  double fetching;
  if (p.stored) {
    fetching = std::ceil(p.repeats * p.n1 / (double(c_.tiles) * c_.rows)) *
               whole_cycles(row_bytes * c_.tiles / m.dram_bytes_per_s);
  } else {
    const double bytes = row_bytes * c_.tiles + p.d * p.n2 * p.second_bits / 8;
    fetching = p.repeats * blocks(p.n1, double(c_.tiles) * c_.rows) *
               whole_cycles(bytes / m.shared_bytes_per_s);
  }
  const double optics_s = cycles / hz + reprogramming;
  run.cycles += cycles;
  run.seconds += std::max(optics_s, fetching / m.clock_hz);
  run.waits |= fetching / m.clock_hz > optics_s;

  // Values encoded and sums converted, of one repeat.
  const double first = p.n1 * p.d * (crossbar ? i2 * p.passes : 1);
  const double inputs = crossbar ? i1 * p.n2 * p.d / c_.tiles : i1 * p.n2 * p.d;
  const double second = inputs * p.passes;
  const double accumulated =
      std::min<double>(c_.accumulated_cycles, blocks(p.d, double(c_.cores) * c_.wavelengths));
  const double sums = p.n1 * p.n2 * blocks(std::ceil(id / accumulated), c_.cores) * p.passes;
  const double modulator_w = c_.modulator_j * hz + c_.modulator_static_w;
  const double per_hz = p.repeats / hz;
  Parts& e = run.energy;
  e[laser] += c_.laser_w_per_level * std::exp2(p.second_bits) * core_cycles / hz;
  e[dac] += per_hz * (dac_w(p.first_bits, hz) * first + dac_w(p.second_bits, hz) * second);
  e[modulator] += per_hz * modulator_w * (first + second);
  e[adc] += per_hz * adc_w(p.second_bits, hz) * sums;
  e[amplifier] += per_hz * c_.amplifier_w * sums;
  e[adder] += per_hz * c_.adder_w * sums;
  e[detector] += per_hz * 2 * c_.detector_w * p.n1 * p.n2 * id * p.passes;
  e[cells] += c_.cell_static_w * c_.rows * c_.wavelengths * cores * optics_s;
  add_memory(p, sums, inputs, run);
}

Photonic::Run Photonic::multiply(const Kernel& kernel, const Workload& workload) const {
  const Network& network = workload.network();
  const Layer& layer = workload.layer(kernel);
  const auto inputs = network.inputs(layer);
  const double hz = c_.clock.highest_hz * workload.clock_share();
  const bool rings = c_.kind == OpticalCore::ring_bank;
  const int bits = network.layer(inputs[0]).activation_bits;
  const double batch = workload.batch();
  Run run;
  bool values = false;  // attention: scores first, then the weighted values
  for (const Gemm& g : Gemms(network, layer)) {
    const auto m = static_cast<double>(g.m), n = static_cast<double>(g.n);
    const auto k = static_cast<double>(g.k), repeats = static_cast<double>(g.repeats);
    if (g.stored_weights) {
      const double passes = rings ? (may_be_negative(network, inputs[0]) ? 4 : 2) : 1;
      add({n, k, m * batch, repeats, layer.weight_bits, bits, true, passes}, hz, run);
    } else {
      const double passes = rings ? (values ? 2 : 4) : 1;  // shares of attention are not negative
      add({m, k, n, repeats * batch, bits, network.layer(inputs[1]).activation_bits, false, passes},
          hz, run);
      values = true;
    }
  }
  if (kernel.op == OpClass::attention) add_softmax(kernel, workload, run);
  if (!c_.as_published) {
    const double more = kernel.constant_bytes + kernel.cache_bytes * batch;
    run.energy[dram] += more * c_.memory.dram_j;
    run.waits |= seconds_from_dram(kernel.cache_bytes * batch) > run.seconds;
    run.seconds = std::max(run.seconds, seconds_from_dram(kernel.cache_bytes * batch));
  }
  return run;
}

void Photonic::add_softmax(const Kernel& kernel, const Workload& workload, Run& run) const {
  if (c_.as_published) return;  // among the others
  const double bytes = static_cast<double>(kernel.element_ops) * workload.batch() *
                       workload.layer(kernel).activation_bits / 8;
  run.seconds += bytes / c_.memory.shared_bytes_per_s;
  run.energy[electronics] += bytes * c_.electronics.softmax_energy_per_byte_j;
  run.energy[memory] += 2 * bytes * c_.memory.shared_buffer_j;
}

// Ops that are no products. Each reads and writes the shared buffer once.
Photonic::Run Photonic::other(const Kernel& kernel, const Workload& workload) const {
  const Layer& layer = workload.layer(kernel);
  const double batch = workload.batch();
  const double elements = static_cast<double>(layer.out.elements()) * batch;
  const double output = kernel.output_bytes * batch;
  const double input = kernel.input_bytes * batch;
  double operations = static_cast<double>(kernel.element_ops) * batch;
  double from_dram = kernel.constant_bytes, joules = 0;
  switch (layer.op) {
    case Op::activation:
      operations = elements * c_.electronics.activation_operations;
      break;
    case Op::batch_norm:
    case Op::layer_norm:
    case Op::rms_norm:
      operations = elements * c_.electronics.norm_operations;
      break;
    case Op::softmax:
      operations = 0;
      joules = output * c_.electronics.softmax_energy_per_byte_j;
      break;
    case Op::embedding:
      operations = 0;
      from_dram += input;
      break;
    case Op::add:
      operations = elements * (layer.input_count - 1);
      break;
    default:
      break;
  }
  Run run;
  const double buffer_s = std::max(input, output) / c_.memory.shared_bytes_per_s;
  run.seconds = std::max(buffer_s, seconds_from_dram(from_dram));
  run.waits = true;
  run.energy[electronics] = operations * c_.electronics.energy_per_operation_j + joules;
  run.energy[memory] = (input + output) * c_.memory.shared_buffer_j;
  run.energy[dram] = from_dram * c_.memory.dram_j;
  return run;
}

// The published simulator counts the other work of ONE transformer layer, at 4 bits whatever the
// precision, and adds its seconds to milliseconds. With t tokens of width d and H heads:
// softmax t^2 H, sums 2 t d, norm t (d + 1), activation 4 t d.
void Photonic::replace_others(const Workload& workload, Cost& cost, Parts& energy) const {
  const Network& network = workload.network();
  const Layer* attention = nullptr;
  for (const Layer& layer : network.layers())
    if (layer.op == Op::attention && !attention) attention = &layer;
  if (!attention) return;
  const double t = attention->in.height, d = attention->in.channels, heads = attention->groups;
  const double softmax = t * t * heads, sums = 2 * t * d, norm = t * (d + 1), active = 4 * t * d;
  const double bytes = (softmax + sums + norm + active) / 2;
  const auto& e = c_.electronics;
  const double operations = e.energy_per_operation_j * (e.activation_operations * active +
                                                        e.norm_operations * norm + sums) +
                            e.softmax_energy_per_byte_j * softmax / 2;
  const double buffer = 2 * bytes * c_.memory.shared_buffer_j;
  const double seconds = bytes / c_.memory.shared_bytes_per_s / 1000;
  double rows = 0;
  for (const LayerCost& row : cost.layers) rows += row.macs == 0;
  for (LayerCost& row : cost.layers) {
    if (row.macs > 0) continue;
    row.energy_j = workload.batch() * (operations + buffer) / rows;
    row.latency_s = workload.batch() * seconds / rows;
  }
  energy[electronics] += workload.batch() * operations;
  energy[memory] += workload.batch() * buffer;
}

LayerCost Photonic::run(const Kernel& kernel, const Workload& workload, Cost& cost,
                        Parts& energy) const {
  if (const ElementUnit* host = c_.coverage.fallback(workload.layer(kernel).op))
    return host->run(kernel, workload);
  const bool product = is_product(kernel);
  Run run = product ? multiply(kernel, workload) : other(kernel, workload);
  if (!c_.as_published) run.energy[memory] += leakage_w() * run.seconds;
  LayerCost row;
  row.layer = kernel.layer;
  row.latency_s = run.seconds;
  for (std::size_t part = 0; part < kParts; ++part) {
    row.energy_j += run.energy[part];
    if (product || !c_.as_published) energy[part] += run.energy[part];
  }
  const int batch = workload.batch();
  row.macs = kernel.macs * batch;
  row.traffic_bytes = kernel.weight_bytes + kernel.constant_bytes +
                      (kernel.input_bytes + kernel.output_bytes + kernel.cache_bytes) * batch;
  row.bound = run.waits ? Bound::memory : Bound::compute;
  if (run.cycles > 0) cost.counts.push_back({kernel.layer, "cycles", run.cycles});
  return row;
}

// Energy by part, and the power of the chip at the most bits that a product of the network has.
void Photonic::add_counts(const Workload& workload, const Parts& energy, Cost& cost) const {
  const Network& network = workload.network();
  int first_bits = 1, second_bits = 1;
  for (const Kernel& kernel : workload.kernels(c_.coverage.fusion)) {
    if (!is_product(kernel)) continue;
    const Layer& layer = workload.layer(kernel);
    const int input_bits = network.layer(network.inputs(layer)[0]).activation_bits;
    first_bits = std::max<int>(first_bits, has_weights(kernel.op) ? layer.weight_bits : input_bits);
    second_bits = std::max(second_bits, input_bits);
  }
  const Parts power = this->power(first_bits, second_bits, workload.clock_share());
  double total_w = 0;
  for (std::size_t part = 0; part < kParts; ++part) {
    cost.counts.push_back({-1, kEnergyNames[part], energy[part]});
    if (power[part] > 0) cost.counts.push_back({-1, kPowerNames[part], power[part]});
    total_w += power[part];
  }
  cost.counts.push_back({-1, "power_w", total_w});
}

Estimate Photonic::estimate(const Workload& workload) const {
  const Candidate& candidate = workload.candidate();
  const std::string& device = c_.coverage.device();
  if (auto reason = c_.coverage.refusal(candidate)) return not_covered(std::move(*reason));
  const std::vector<Kernel>& kernels = workload.kernels(c_.coverage.fusion);
  if (kernels.empty()) return not_covered("the network does no work");
  const MemoryPlan& plan = workload.memory(c_.memory_rules);
  const int batch = workload.batch();

  Estimate estimate;
  Cost& cost = estimate.cost;
  cost.layers.reserve(kernels.size());
  cost.counts.reserve(kernels.size() + 2 * kParts + 1);
  Parts energy{};
  double stored = 0;
  for (const Kernel& kernel : kernels) {
    if (kernel.op == OpClass::attention && c_.kind == OpticalCore::mzi_mesh) {
      return not_covered(device + " holds weights and cannot run op 'attention' of layer '" +
                         workload.layer(kernel).name + "', whose operands are both activations");
    }
    LayerCost row = run(kernel, workload, cost, energy);
    row.live_bytes = live_bytes(plan, kernel);
    stored += kernel.weight_bytes + kernel.constant_bytes + kernel.table_bytes;
    cost.layers.push_back(row);
  }
  if (c_.as_published) replace_others(workload, cost, energy);
  add_up(cost, batch);
  add_counts(workload, energy, cost);
  cost.peak_memory_bytes = plan.peak_bytes;
  cost.storage_bytes = static_cast<std::int64_t>(std::ceil(stored));
  cost.confidence = c_.confidence;
  cost.usd_per_million = c_.price.usd_per_million(cost.latency_s / batch, cost.energy_j);
  c_.coverage.require(estimate, "DRAM", stored + static_cast<double>(plan.peak_bytes),
                      c_.memory.dram_bytes);
  c_.coverage.note_fallback(workload, cost);
  c_.coverage.note_limits(workload, c_.clock, cost);
  return estimate;
}

}  // namespace hwnas
