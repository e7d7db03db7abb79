#include <limits>

#include "hw_models/families/spatial.h"

namespace hwnas {
namespace {

void read_precisions(const TomlTable& file, SpatialConstants& c) {
  for (const TomlTable& table : c.coverage.read_precisions(file)) {
    c.precisions.push_back({table.number("macs_per_cycle_per_pe", 1e-3, 1e6, 1),
                            table.number("energy_per_mac_j", 0, 1e-6)});
    table.done();
  }
}

void read_mapping(const TomlTable& file, SpatialConstants& c) {
  const TomlTable array = cited_section(file, "array");
  const auto rows = static_cast<int>(array.integer("rows", 1, 1 << 16));
  const auto columns = static_cast<int>(array.integer("columns", 1, 1 << 16));
  if (const auto section = maybe_cited_section(file, "row_stationary")) {
    c.mapping = RowStationary::read(*section, rows, columns);
    section->done();
  } else {
    c.mapping = TileMapping::read(file, array, rows, columns);
  }
  array.done();
}

void read_dram(const TomlTable& file, SpatialConstants& c) {
  const TomlTable dram = cited_section(file, "dram");
  c.dram.name = dram.string("name");
  c.dram.bytes = dram.number("bytes", 1, 1e15);
  c.dram.energy_per_byte_j = dram.number("energy_per_byte_j", 0, 1e-6);
  c.dram.bytes_per_s = dram.number("bytes_per_s", 1, 1e15, std::numeric_limits<double>::infinity());
  c.dram.outputs_overlapped = dram.boolean("outputs_overlapped", true);
  dram.done();
}

}  // namespace

SpatialConstants read_spatial(const TomlTable& file, const std::string& device,
                              Confidence confidence) {
  SpatialConstants c;
  c.confidence = confidence;
  c.coverage = Coverage::read(file, device);
  c.clock = Clock::read(file);
  c.sparsity = Sparsity::read(file);
  c.price = Price::read(file);
  read_precisions(file, c);
  read_mapping(file, c);
  read_dram(file, c);
  if (const auto zeros = maybe_cited_section(file, "zeros")) {
    c.zero_share = zeros->number("after_relu_share", 0, 1);
    c.compressed_bits = zeros->number("compressed_bits_per_nonzero", 1, 256, 0);
    zeros->done();
  }
  const TomlTable vector = cited_section(file, "vector");
  c.vector = ElementUnit::read(vector);
  vector.done();
  const TomlTable runtime = cited_section(file, "runtime");
  c.overhead_per_kernel_s = runtime.number("overhead_per_kernel_s", 0, 1);
  c.batch_highest = static_cast<int>(runtime.integer("batch_highest", 1, 1 << 20));
  c.memory_rules = read_memory_rules(runtime);
  runtime.done();
  const TomlTable power = cited_section(file, "power");
  c.static_w = power.number("static_w", 0, 1e6);
  power.done();
  return c;
}

std::shared_ptr<const CostModel> make_spatial(const TomlTable& file, const std::string& device,
                                              Confidence confidence) {
  return std::make_shared<Spatial>(read_spatial(file, device, confidence));
}

}  // namespace hwnas
