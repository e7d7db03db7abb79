#include "hw_models/families/gpu.h"

namespace hwnas {
namespace {

constexpr std::array<const char*, kOpClasses> kEfficiencyKeys{
    "conv_share", "pointwise_share",   "depthwise_share", "linear_share",
    "pool_share", "elementwise_share", "attention_share"};

int whole(const TomlTable& table, const char* key, int high) {
  return static_cast<int>(table.integer(key, 1, high));
}

void read_precisions(const TomlTable& file, GpuConstants& c) {
  for (const TomlTable& table : cited_sections(file, "precisions")) {
    c.coverage.add_precision(table);
    GpuConstants::Precision precision;
    precision.macs_per_cycle_per_core = table.number("macs_per_cycle_per_core", 1e-3, 1e6);
    precision.energy_per_mac_j = table.number("energy_per_mac_j", 0, 1e-6);
    table.done();
    c.precisions.push_back(precision);
  }
  if (c.precisions.empty())
    throw file.error("precisions", "is missing; expected at least one [[precisions]]");
}

void read_utilisation(const TomlTable& file, GpuConstants& c) {
  const TomlTable table = cited_section(file, "utilisation");
  c.splits_highest = whole(table, "splits_highest", 4096);
  for (const TomlTable& tile : table.tables("tiles")) {
    c.tiles.push_back({whole(tile, "rows", 65536), whole(tile, "columns", 65536),
                       whole(tile, "depth", 65536), tile.number("efficiency_share", 1e-4, 1)});
    tile.done();
  }
  if (c.tiles.empty())
    throw table.error("tiles", "is missing; expected at least one [[utilisation.tiles]]");
  table.done();
}

}  // namespace

GpuConstants read_gpu(const TomlTable& file, const std::string& device, Confidence confidence) {
  GpuConstants c;
  c.confidence = confidence;
  c.coverage = Coverage::read(file, device);
  c.clock = Clock::read(file);
  c.sparsity = Sparsity::read(file);
  c.price = Price::read(file);
  read_utilisation(file, c);
  read_precisions(file, c);
  c.memory = MemoryLevels::read(file);

  const TomlTable compute = cited_section(file, "compute");
  c.cores = whole(compute, "cores", 1'000'000);
  compute.done();
  const TomlTable efficiency = cited_section(file, "efficiency");
  for (std::size_t i = 0; i < kOpClasses; ++i)
    c.efficiency[i] = efficiency.number(kEfficiencyKeys[i], 1e-6, 1);
  efficiency.done();
  const TomlTable runtime = cited_section(file, "runtime");
  c.overhead_s = runtime.number("overhead_per_kernel_s", 0, 1);
  c.batch_highest = whole(runtime, "batch_highest", 1 << 20);
  c.reserved_bytes = runtime.number("reserved_bytes", 0, 1e15);
  c.memory_rules = read_memory_rules(runtime);
  runtime.done();
  const TomlTable power = cited_section(file, "power");
  c.static_w = power.number("static_w", 0, 1e6);
  power.done();
  return c;
}

}  // namespace hwnas
