// Neuromorphic: networks converted to spiking ones, on cores that hold neurons and synapses.
// Every conv, linear, pool, sum or lone activation is a layer of neurons; a neuron that stands for
// a ReLU fires at a rate that stands for its value, for T time steps (rate coding). Of each layer:
//   cores    = max(ceil(neurons / neurons of a core), ceil(synapse bytes / bytes of a core))
//   synops   = T * rate of its inputs * MACs * density (pools, sums: elements read)
//   messages = T * spikes into it * cores that they reach;  hops = messages * 2/3
//   sqrt(tiles) E_events = synops * E_syn + T * neurons * (E_access + rate * (E_update + E_spike))
//              + messages * E_message + hops * E_hop
//   busy     = (neurons * t_update + synops * t_syn + messages * t_in + spikes * t_spike) / cores
//   step     = max(tick, largest busy + mean hops * t_hop + barrier(tiles)), all layers at once
// Apart from the events stands the system that feeds the chip: power and time of its own. Energy
// and latency are those of the whole, counts say which part the events are (energy_events_j, ...).
// Latency and system energy are shared out to the layers by how busy they keep their cores.
// Sources: Davies et al., Loihi, doi:10.1109/MM.2018.112130359; SANA-FE,
// doi:10.1109/TCAD.2025.3537971.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "hw_models/cost_model.h"
#include "hw_models/device_file.h"

namespace hwnas {

struct NeuromorphicConstants {
  struct Synapse {
    double energy_j = 0, time_s = 0;
  };
  struct Precision {
    Synapse dense, sparse, conv;  // sparse: pruned layers that gain from it
  };

  Confidence confidence = Confidence::D;
  Coverage coverage;
  Clock clock;
  Sparsity sparsity;  // of synapses
  Price price;
  std::vector<Precision> precisions;
  int cores = 1, cores_per_tile = 1;
  std::int64_t neurons_per_core = 1;
  double synapse_bytes_per_core = 1, state_bytes_per_neuron = 1;
  int synapse_overhead_bits = 0;  // stored beside a weight: sign, delay, tag
  bool shares_kernels = false;    // a conv's weights are stored once for all positions
  int time_steps = 1;
  double spike_rate = 1, input_rate = 1;  // spikes of a neuron, of an input, in a step
  double tick_s = 0;                      // shortest step
  double access_j = 0, update_j = 0, spike_j = 0, update_s = 0, spike_s = 0;
  double message_j = 0, message_s = 0, hop_j = 0, hop_s = 0;
  std::vector<double> barrier_tiles, barrier_s;  // between them on a line
  double system_w = 0, system_step_s = 0, system_inference_s = 0;
  double static_w = 0;
};

// Throws InputError.
NeuromorphicConstants read_neuromorphic(const TomlTable& file, const std::string& device,
                                        Confidence confidence);
std::shared_ptr<const CostModel> make_neuromorphic(const TomlTable& file, const std::string& device,
                                                   Confidence confidence);

class Neuromorphic final : public CostModel {
 public:
  explicit Neuromorphic(NeuromorphicConstants constants) : c_(std::move(constants)) {}
  using CostModel::estimate;
  Estimate estimate(const Workload& workload) const override;

 private:
  struct Population;
  struct Chip;
  Population place(const Kernel& kernel, const Network& network) const;
  double reached_cores(const Kernel& kernel, const Layer& layer, const Population& p) const;
  Chip start(const std::vector<Population>& populations, double clock_share) const;
  LayerCost run(const Population& layer, const Chip& chip, std::vector<Count>& counts) const;
  void say(const Workload& workload, const Chip& chip, Estimate& estimate) const;
  std::string refusal(const Workload& workload) const;
  double barrier_s(double tiles) const;

  NeuromorphicConstants c_;
};

}  // namespace hwnas
