#include "hw_models/families/cpu.h"

namespace hwnas {
namespace {

constexpr std::array<const char*, kOpClasses> kEfficiencyKeys{
    "conv_share", "pointwise_share",   "depthwise_share", "linear_share",
    "pool_share", "elementwise_share", "attention_share"};

int whole(const TomlTable& table, const char* key, int high) {
  return static_cast<int>(table.integer(key, 1, high));
}

// `cores` and, where there are weaker ones beside them, `little_cores`.
void read_cores(const TomlTable& file, CpuConstants& c) {
  const TomlTable table = cited_section(file, "compute");
  c.cores.push_back({whole(table, "cores", 1'000'000), 1});
  const auto little = static_cast<int>(table.integer("little_cores", 0, 1'000'000, 0));
  const double rate_share = table.number("little_rate_share", 1e-3, 1, 1);
  if (little > 0) c.cores.push_back({little, rate_share});
  c.first_cache_bytes = table.number("first_cache_bytes", 0, 1e9, 0);
  c.overlap_share = table.number("overlap_share", 0, 1, 1);
  c.stream_bytes_per_cycle = table.number("stream_bytes_per_cycle_per_core", 1e-3, 1e6, 0);
  table.done();
}

void read_winograd(const TomlTable& file, CpuConstants& c) {
  const auto table = maybe_cited_section(file, "winograd");
  if (!table) return;
  c.winograd.gain = table->number("gain", 1, 16);
  c.winograd.share = table->number("share", 1e-3, 1);
  c.winograd.channels_least = whole(*table, "channels_least", 4096);
  table->done();
}

void read_runtime(const TomlTable& file, CpuConstants& c) {
  const TomlTable runtime = cited_section(file, "runtime");
  c.overhead_s = runtime.number("overhead_per_kernel_s", 0, 1);
  c.fork_join_s = runtime.number("fork_join_s", 0, 1, 0);
  c.elementwise_threads = static_cast<int>(runtime.integer("elementwise_threads", 1, 1 << 20, 0));
  c.one_thread_values = runtime.number("one_thread_values", 0, 1e9, 0);
  c.threads_sleep = runtime.boolean("threads_sleep", false);
  c.relu_only = runtime.boolean("fuses_relu_only", false);
  c.equal_split = runtime.boolean("equal_split", false);
  c.unfold_copies = runtime.number("unfold_copies", 0, 16, 0);
  c.pack_copies = runtime.number("pack_copies", 0, 16, 0);
  c.score_passes = runtime.number("score_passes", 0, 64, 0);
  c.batch_highest = whole(runtime, "batch_highest", 1 << 20);
  c.reserved_bytes = runtime.number("reserved_bytes", 0, 1e15);
  c.memory_rules = read_memory_rules(runtime);
  runtime.done();
}

void read_precisions(const TomlTable& file, CpuConstants& c) {
  int all_cores = 0;
  for (const auto& cores : c.cores) all_cores += cores.count;
  for (const TomlTable& table : c.coverage.read_precisions(file)) {
    CpuConstants::Precision precision;
    precision.macs_per_cycle_per_core = table.number("macs_per_cycle_per_core", 1e-3, 1e6);
    precision.depthwise_macs_per_cycle =
        table.number("depthwise_macs_per_cycle", 1e-3, 1e6, precision.macs_per_cycle_per_core);
    precision.elements_per_cycle =
        table.number("elements_per_cycle", 1e-3, 1e6, precision.macs_per_cycle_per_core);
    precision.cycles_per_output = table.number("cycles_per_output", 0, 1e6, 0);
    precision.threads = static_cast<int>(table.integer("threads", 1, all_cores, all_cores));
    precision.energy_per_mac_j = table.number("energy_per_mac_j", 0, 1e-6);
    precision.lanes_out = whole(table, "lanes_out", 4096);
    precision.lanes_in = whole(table, "lanes_in", 4096);
    table.done();
    c.precisions.push_back(precision);
  }
}

void read_utilisation(const TomlTable& file, CpuConstants& c) {
  const TomlTable table = cited_section(file, "utilisation");
  c.parallel_share = table.number("parallel_share", 0, 1);
  c.rows_in_flight = whole(table, "rows_in_flight", 4096);
  table.done();
}

}  // namespace

CpuConstants read_cpu(const TomlTable& file, const std::string& device, Confidence confidence) {
  CpuConstants c;
  c.confidence = confidence;
  c.coverage = Coverage::read(file, device);
  c.clock = Clock::read(file);
  c.sparsity = Sparsity::read(file);
  c.price = Price::read(file);
  read_utilisation(file, c);
  read_cores(file, c);
  read_precisions(file, c);
  c.memory = MemoryLevels::read(file);

  const TomlTable efficiency = cited_section(file, "efficiency");
  for (std::size_t i = 0; i < kOpClasses; ++i)
    c.efficiency[i] = efficiency.number(kEfficiencyKeys[i], 1e-6, 1);
  efficiency.done();
  read_runtime(file, c);
  read_winograd(file, c);
  const TomlTable power = cited_section(file, "power");
  c.static_w = power.number("static_w", 0, 1e6);
  c.core_w = power.number("core_w", 0, 1e6, 0);
  power.done();
  return c;
}

}  // namespace hwnas
