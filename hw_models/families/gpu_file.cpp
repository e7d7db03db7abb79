#include "hw_models/families/gpu.h"

namespace hwnas {
namespace {

int whole(const TomlTable& table, const char* key, int high) {
  return static_cast<int>(table.integer(key, 1, high));
}

void read_precisions(const TomlTable& file, GpuConstants& c) {
  for (const TomlTable& table : c.coverage.read_precisions(file)) {
    GpuConstants::Precision precision;
    precision.macs_per_cycle_per_core = table.number("macs_per_cycle_per_core", 1e-3, 1e6);
    precision.energy_per_mac_j = table.number("energy_per_mac_j", 0, 1e-6);
    table.done();
    c.precisions.push_back(precision);
  }
}

void read_compute(const TomlTable& file, GpuConstants& c) {
  const TomlTable compute = cited_section(file, "compute");
  c.cores = whole(compute, "cores", 1'000'000);
  c.lanes_per_core = compute.number("lanes_per_core", 1, 1e6);
  c.energy_per_lane_op_j = compute.number("energy_per_lane_op_j", 0, 1e-6);
  c.matrix_share = compute.number("matrix_share", 1e-3, 1);
  c.lane_share = compute.number("lane_share", 1e-3, 1);
  compute.done();
  if (file.has("utilisation")) c.tiles = TileLaw::read(file, c.cores);
}

void read_sparsity(const TomlTable& file, GpuConstants& c) {
  const auto table = maybe_cited_section(file, "sparsity");
  if (!table) return;
  c.pattern.of = whole(*table, "of", 64);
  c.pattern.kept = whole(*table, "kept", 64);
  if (c.pattern.kept >= c.pattern.of) throw table->error("kept", "is fewer than `of`");
  c.pattern.index_bits = static_cast<double>(table->integer("index_bits", 0, 32));
  table->done();
}

int level(const TomlTable& table, const char* key, const MemoryLevels& memory) {
  if (!table.has(key)) return -1;
  const std::string name = table.string(key);
  std::vector<std::string> names;
  for (const MemoryLevel& one : memory.all()) {
    if (one.name == name) return static_cast<int>(names.size());
    names.push_back(one.name);
  }
  throw table.error(key, "no such [[memory]]" + suggestion(name, names));
}

void read_runtime(const TomlTable& file, GpuConstants& c) {
  const TomlTable runtime = cited_section(file, "runtime");
  c.launch_s = runtime.number("launch_s", 0, 1);
  c.fill_cycles = runtime.number("fill_cycles", 0, 1e9);
  c.host_s = runtime.number("host_s", 0, 1);
  c.start_s = runtime.number("start_s", 0, 10);
  c.score_passes = runtime.number("score_passes", 0, 100, 0.0);
  c.batch_highest = whole(runtime, "batch_highest", 1 << 20);
  c.reserved_bytes = runtime.number("reserved_bytes", 0, 1e15);
  c.memory_rules = read_memory_rules(runtime);
  runtime.done();
}

}  // namespace

GpuConstants read_gpu(const TomlTable& file, const std::string& device, Confidence confidence) {
  GpuConstants c;
  c.confidence = confidence;
  c.coverage = Coverage::read(file, device);
  c.clock = Clock::read(file);
  c.price = Price::read(file);
  read_compute(file, c);
  read_precisions(file, c);
  read_sparsity(file, c);
  c.memory = MemoryLevels::read(file);
  if (const auto placement = maybe_cited_section(file, "placement")) {
    c.weights_in = level(*placement, "weights", c.memory);
    c.activations_in = level(*placement, "activations", c.memory);
    placement->done();
  }
  read_runtime(file, c);
  const TomlTable power = cited_section(file, "power");
  c.static_w = power.number("static_w", 0, 1e6);
  c.limit_w = power.number("limit_w", 1e-3, 1e6, c.limit_w);
  power.done();
  if (c.static_w >= c.limit_w) throw power.error("limit_w", "is above static_w");
  return c;
}

}  // namespace hwnas
