#include <algorithm>

#include "hw_models/families/neuromorphic.h"

namespace hwnas {
namespace {

double joules(const TomlTable& table, const char* key) {
  return table.number(key, 0, 1e-3);
}

double seconds(const TomlTable& table, const char* key) {
  return table.number(key, 0, 10);
}

void read_precisions(const TomlTable& file, NeuromorphicConstants& c) {
  for (const TomlTable& table : c.coverage.read_precisions(file)) {
    NeuromorphicConstants::Precision precision;
    precision.dense = {joules(table, "dense_j"), seconds(table, "dense_s")};
    precision.sparse = {joules(table, "sparse_j"), seconds(table, "sparse_s")};
    precision.conv = {joules(table, "conv_j"), seconds(table, "conv_s")};
    table.done();
    c.precisions.push_back(precision);
  }
}

void read_cores(const TomlTable& file, NeuromorphicConstants& c) {
  const TomlTable cores = cited_section(file, "cores");
  c.cores = static_cast<int>(cores.integer("cores", 1, 1 << 24));
  c.cores_per_tile = static_cast<int>(cores.integer("cores_per_tile", 1, c.cores));
  c.neurons_per_core = cores.integer("neurons_per_core", 1, 1 << 24);
  c.synapse_bytes_per_core = cores.number("synapse_bytes_per_core", 1, 1e12);
  c.state_bytes_per_neuron = cores.number("state_bytes_per_neuron", 0.125, 1e6);
  c.synapse_overhead_bits = static_cast<int>(cores.integer("synapse_overhead_bits", 0, 64, 0));
  c.shares_kernels = cores.boolean("shares_kernels", false);
  cores.done();
  const TomlTable coding = cited_section(file, "coding");
  c.time_steps = static_cast<int>(coding.integer("time_steps", 1, 1 << 20));
  c.spike_rate = coding.number("spike_rate", 1e-6, 1);
  c.input_rate = coding.number("input_rate", 1e-6, 1);
  c.tick_s = coding.number("tick_s", 0, 10, 0);
  coding.done();
}

void read_events(const TomlTable& file, NeuromorphicConstants& c) {
  const TomlTable neuron = cited_section(file, "neuron");
  c.access_j = joules(neuron, "access_j");
  c.update_j = joules(neuron, "update_j");
  c.spike_j = joules(neuron, "spike_j");
  c.update_s = seconds(neuron, "update_s");
  c.spike_s = seconds(neuron, "spike_s");
  if (!(c.update_s > 0)) throw neuron.error("update_s", "is to be above 0");
  neuron.done();
  const TomlTable message = cited_section(file, "message");
  c.message_j = joules(message, "energy_j");
  c.message_s = seconds(message, "time_s");
  c.hop_j = joules(message, "hop_j");
  c.hop_s = seconds(message, "hop_s");
  message.done();
  const TomlTable barrier = cited_section(file, "barrier");
  c.barrier_tiles = barrier.numbers("tiles");
  c.barrier_s = barrier.numbers("seconds");
  if (c.barrier_tiles.empty() || !std::is_sorted(c.barrier_tiles.begin(), c.barrier_tiles.end()))
    throw barrier.error("tiles", "expected numbers of tiles, rising");
  if (c.barrier_s.size() != c.barrier_tiles.size())
    throw barrier.error("seconds", "expected one for each number of tiles");
  barrier.done();
}

}  // namespace

NeuromorphicConstants read_neuromorphic(const TomlTable& file, const std::string& device,
                                        Confidence confidence) {
  NeuromorphicConstants c;
  c.confidence = confidence;
  for (const std::string& op : file.table("coverage").strings("ops")) {
    if (parse_op(op) == Op::attention)
      throw file.table("coverage").error("ops", "spikes meet stored weights, attention has none");
  }
  c.coverage = Coverage::read(file, device);
  c.clock = Clock::read(file);
  c.sparsity = Sparsity::read(file);
  c.price = Price::read(file);
  read_precisions(file, c);
  read_cores(file, c);
  read_events(file, c);
  const TomlTable system = cited_section(file, "system");
  c.system_w = system.number("power_w", 0, 1e6);
  c.system_step_s = seconds(system, "seconds_per_step");
  c.system_inference_s = seconds(system, "seconds_per_inference");
  system.done();
  const TomlTable power = cited_section(file, "power");
  c.static_w = power.number("static_w", 0, 1e6);
  power.done();
  return c;
}

}  // namespace hwnas
