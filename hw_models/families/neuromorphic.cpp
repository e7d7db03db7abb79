#include "hw_models/families/neuromorphic.h"

#include <algorithm>
#include <cmath>

namespace hwnas {
namespace {

// The network's input, or a view of it.
bool is_input(const Network& network, int index) {
  while (network.layer(index).op == Op::flatten) index = network.inputs(network.layer(index))[0];
  return network.layer(index).op == Op::input;
}

}  // namespace

// One layer of neurons. All but `cores` in one time step.
struct Neuromorphic::Population {
  const Kernel* kernel;
  const NeuromorphicConstants::Synapse* synapse;
  double neurons, cores, stored_bytes, weight_bits;
  double synops, spikes_in, spikes_out, messages;
  double busy_s;  // of a core, at the highest clock
};

// One inference on the whole chip.
struct Neuromorphic::Chip {
  double cores;
  double hops;  // of a mean message
  double energy_share, static_w;
  double busy_s;  // of all layers, a step
  double events_s, system_s;
  Bound bound;
};

double Neuromorphic::barrier_s(double tiles) const {
  const auto& known = c_.barrier_tiles;
  const auto after = std::lower_bound(known.begin(), known.end(), tiles);
  if (after == known.begin()) return c_.barrier_s.front();
  if (after == known.end()) return c_.barrier_s.back();
  const auto i = static_cast<std::size_t>(after - known.begin());
  const double share = (tiles - known[i - 1]) / (known[i] - known[i - 1]);
  return c_.barrier_s[i - 1] + share * (c_.barrier_s[i] - c_.barrier_s[i - 1]);
}

Neuromorphic::Population Neuromorphic::place(const Kernel& kernel, const Network& network) const {
  const Layer& layer = network.layer(kernel.layer);
  const auto& precision =
      c_.precisions[static_cast<std::size_t>(c_.coverage.precision(network, layer))];
  const bool weighted = has_weights(kernel.op);
  const bool linear = kernel.op == OpClass::linear;
  double inputs = 0, spikes = 0;
  for (const int from : network.inputs(layer)) {
    const auto elements = static_cast<double>(network.layer(from).out.elements());
    inputs += elements;
    spikes += elements * (is_input(network, from) ? c_.input_rate : c_.spike_rate);
  }

  Population p{};
  p.kernel = &kernel;
  p.synapse = linear ? &precision.dense : &precision.conv;
  if (weighted && c_.sparsity.rewarded(layer)) p.synapse = &precision.sparse;
  p.weight_bits = weighted ? layer.weight_bits : 8;
  p.neurons = static_cast<double>(network.layer(kernel.last).out.elements());
  const double connections = static_cast<double>(kernel.macs) * c_.sparsity.compute_share(layer) +
                             static_cast<double>(kernel.element_ops);
  if (weighted) {
    const auto stored =
        static_cast<double>(linear || c_.shares_kernels ? kernel.weights : kernel.macs);
    p.stored_bytes = stored * (layer.weight_bits + c_.synapse_overhead_bits) / 8 *
                     c_.sparsity.storage_share(layer);
  }
  p.cores = std::max({1.0, std::ceil(p.neurons / static_cast<double>(c_.neurons_per_core)),
                      std::ceil(p.stored_bytes / c_.synapse_bytes_per_core)});
  p.spikes_in = spikes;
  p.spikes_out = p.neurons * c_.spike_rate;
  p.synops = connections * spikes / inputs;
  p.messages = spikes * reached_cores(kernel, layer, p);
  if (weighted) p.messages += static_cast<double>(kernel.element_ops) * c_.spike_rate;  // of a sum
  p.busy_s = (p.neurons * c_.update_s + p.synops * p.synapse->time_s + p.messages * c_.message_s +
              p.spikes_out * c_.spike_s) /
             p.cores;
  return p;
}

// Cores that a spike goes to: all that hold neurons it reaches, once each. Cores hold whole
// channels of the layer's output, or parts of one where its map exceeds a core; or, where all
// weights fit every core, patches of all channels: whatever needs fewer messages.
double Neuromorphic::reached_cores(const Kernel& kernel, const Layer& layer,
                                   const Population& p) const {
  const auto core = static_cast<double>(c_.neurons_per_core);
  const double channels = layer.out.channels;
  const double parts = std::ceil(static_cast<double>(layer.out.height) * layer.out.width / core);
  const double groups = kernel.op == OpClass::linear ? 1
                        : layer.op == Op::conv       ? layer.groups
                                                     : channels;
  const double by_channel = std::max(1.0, p.cores / (parts * groups));
  if (layer.op != Op::conv || p.stored_bytes > c_.synapse_bytes_per_core) return by_channel;
  const double side = std::sqrt(std::max(1.0, core / channels));
  const auto beyond = [&](int window, int stride) {
    return 1 + std::max(0.0, static_cast<double>(window) / stride - 1) / side;
  };
  return std::min(by_channel, std::max(1.0, channels / core) *
                                  beyond(layer.kernel_h, layer.stride_h) *
                                  beyond(layer.kernel_w, layer.stride_w));
}

Neuromorphic::Chip Neuromorphic::start(const std::vector<Population>& populations,
                                       double clock_share) const {
  Chip chip{};
  double longest_s = 0;
  for (const Population& p : populations) {
    chip.cores += p.cores;
    chip.busy_s += p.busy_s;
    longest_s = std::max(longest_s, p.busy_s);
  }
  const double tiles = std::ceil(chip.cores / c_.cores_per_tile);
  const double voltage = c_.clock.voltage_share(clock_share);
  chip.hops = tiles > 1 ? 2.0 / 3 * std::sqrt(tiles) : 0;
  chip.energy_share = voltage * voltage;
  chip.static_w = c_.static_w * voltage;
  const double waiting_s = barrier_s(tiles) + chip.hops * c_.hop_s;
  chip.events_s = c_.time_steps * std::max(c_.tick_s, (longest_s + waiting_s) / clock_share);
  chip.system_s = c_.time_steps * c_.system_step_s + c_.system_inference_s;
  chip.bound = longest_s * c_.time_steps / clock_share < (chip.events_s + chip.system_s) / 2
                   ? Bound::overhead
                   : Bound::compute;
  return chip;
}

LayerCost Neuromorphic::run(const Population& p, const Chip& chip,
                            std::vector<Count>& counts) const {
  const double steps = c_.time_steps;
  const double hops = p.messages * chip.hops;
  const double each = steps * chip.energy_share;
  const double synapses_j = each * p.synops * p.synapse->energy_j;
  const double neurons_j =
      each * (p.neurons * c_.access_j + p.spikes_out * (c_.update_j + c_.spike_j));
  const double messages_j = each * (p.messages * c_.message_j + hops * c_.hop_j);

  LayerCost row;
  row.layer = p.kernel->layer;
  row.latency_s = (chip.events_s + chip.system_s) * p.busy_s / chip.busy_s;
  row.energy_j =
      synapses_j + neurons_j + messages_j + (chip.static_w + c_.system_w) * row.latency_s;
  row.macs = p.kernel->macs;
  row.traffic_bytes = steps * (p.synops * p.weight_bits / 8 + p.messages);
  row.bound = chip.bound;
  row.live_bytes = static_cast<std::int64_t>(std::ceil(p.neurons * c_.state_bytes_per_neuron));
  const int l = row.layer;
  counts.insert(counts.end(), {{l, "neurons", p.neurons},
                               {l, "cores", p.cores},
                               {l, "spikes", steps * p.spikes_out},
                               {l, "synops", steps * p.synops},
                               {l, "neuron_updates", steps * p.neurons},
                               {l, "messages", steps * p.messages},
                               {l, "hops", steps * hops},
                               {l, "energy_synapses_j", synapses_j},
                               {l, "energy_neurons_j", neurons_j},
                               {l, "energy_messages_j", messages_j},
                               {l, "energy_events_j", synapses_j + neurons_j + messages_j}});
  return row;
}

// What conversion to spikes does not cover; empty where it covers all.
std::string Neuromorphic::refusal(const Workload& workload) const {
  const std::string& device = c_.coverage.device();
  if (workload.batch() != 1) {
    return device + " runs one input at a time; the batch is " + std::to_string(workload.batch());
  }
  for (const Layer& layer : workload.network().layers()) {
    const Activation kind = layer.activation;
    if (layer.op != Op::activation || c_.coverage.fallback(layer.op)) continue;
    if (kind == Activation::none || kind == Activation::relu || kind == Activation::relu6) continue;
    return device + " has neurons that stand for relu or relu6; layer '" + layer.name + "' is " +
           std::string(to_string(kind));
  }
  return "";
}

// What does not fit, and what the figures assume.
void Neuromorphic::say(const Workload& workload, const Chip& chip, Estimate& estimate) const {
  if (chip.cores > c_.cores) {
    estimate.fits = false;
    estimate.reason = "needs " + std::to_string(static_cast<std::int64_t>(chip.cores)) +
                      " cores, " + c_.coverage.device() + " has " + std::to_string(c_.cores);
  }
  estimate.cost.extrapolated.push_back("every neuron is taken to spike " +
                                       format_quantity(c_.spike_rate * c_.time_steps, Unit::none) +
                                       " times an inference");
  const auto layers = workload.network().layers();
  if (std::any_of(layers.begin(), layers.end(),
                  [](const Layer& layer) { return layer.op == Op::max_pool; }))
    estimate.cost.extrapolated.push_back("maximum pooling is taken as average pooling");
  c_.coverage.note_fallback(workload, estimate.cost);
  c_.coverage.note_limits(workload, c_.clock, estimate.cost);
}

Estimate Neuromorphic::estimate(const Workload& workload) const {
  const Candidate& candidate = workload.candidate();
  if (auto reason = c_.coverage.refusal(candidate)) return not_covered(std::move(*reason));
  if (auto reason = refusal(workload); !reason.empty()) return not_covered(std::move(reason));
  const std::vector<Kernel>& kernels = workload.kernels(c_.coverage.fusion);
  const Network& network = candidate.network;
  const double clock_share = candidate.deployment.clock_share;

  std::vector<Population> populations;
  populations.reserve(kernels.size());
  double stored = 0;
  for (const Kernel& kernel : kernels) {
    const Op op = network.layer(kernel.layer).op;
    stored += kernel.constant_bytes + kernel.table_bytes;
    if (c_.coverage.fallback(op)) continue;
    stored += populations.emplace_back(place(kernel, network)).stored_bytes;
  }
  if (populations.empty()) return not_covered("the network does no work");
  const Chip chip = start(populations, clock_share);

  Estimate estimate;
  Cost& cost = estimate.cost;
  cost.layers.reserve(kernels.size());
  cost.counts.reserve(11 * populations.size() + 5);
  auto population = populations.begin();
  double host_s = 0, host_j = 0;
  for (const Kernel& kernel : kernels) {
    LayerCost row;
    if (const ElementUnit* host = c_.coverage.fallback(network.layer(kernel.layer).op)) {
      row = host->run(kernel, workload);
      row.live_bytes = std::max<std::int64_t>(1, static_cast<std::int64_t>(kernel.output_bytes));
      host_s += row.latency_s;
      host_j += row.energy_j;
    } else {
      row = run(*population++, chip, cost.counts);
    }
    cost.peak_memory_bytes += row.live_bytes;
    cost.layers.push_back(row);
  }
  add_up(cost, 1);
  cost.storage_bytes = static_cast<std::int64_t>(std::ceil(stored));
  cost.confidence = c_.confidence;
  cost.usd_per_million = c_.price.usd_per_million(cost.latency_s, cost.energy_j);
  const double on_chip_s = chip.events_s + chip.system_s;
  cost.counts.insert(cost.counts.end(), {{-1, "time_steps", static_cast<double>(c_.time_steps)},
                                         {-1, "latency_events_s", chip.events_s},
                                         {-1, "latency_system_s", chip.system_s + host_s},
                                         {-1, "energy_system_j", c_.system_w * on_chip_s + host_j},
                                         {-1, "energy_static_j", chip.static_w * on_chip_s}});
  say(workload, chip, estimate);
  return estimate;
}

std::shared_ptr<const CostModel> make_neuromorphic(const TomlTable& file, const std::string& device,
                                                   Confidence confidence) {
  return std::make_shared<Neuromorphic>(read_neuromorphic(file, device, confidence));
}

}  // namespace hwnas
