// Reads the device files of microcontroller.h; keys: microcontroller.md.
#include "hw_models/families/microcontroller.h"

namespace hwnas {
namespace {

constexpr std::int64_t kLargest = std::int64_t{1} << 32;

void read_precisions(const TomlTable& file, MicrocontrollerConstants& c) {
  for (const TomlTable& table : c.coverage.read_precisions(file)) {
    c.precision_factors.push_back(table.number("cycles_factor", 1e-3, 1e3));
    table.done();
  }
}

void read_cycles(const TomlTable& cycles, MicrocontrollerConstants& c) {
  c.conv_per_mac = cycles.number("conv_per_mac", 1e-3, 1e4);
  c.narrow_conv_per_mac = cycles.number("narrow_conv_per_mac", 1e-3, 1e4);
  c.depthwise_per_mac = cycles.number("depthwise_per_mac", 1e-3, 1e4);
  c.linear_per_mac = cycles.number("linear_per_mac", 1e-3, 1e4);
  c.per_output = cycles.number("per_output", 0, 1e6);
  c.per_element = cycles.number("per_element", 1e-6, 1e6);
  c.per_layer = cycles.number("per_layer", 0, 1e6);
  c.flash_wait_per_byte = cycles.number("flash_wait_per_byte", 0, 1e4, 0);
  cycles.done();
}

void read_runtime(const TomlTable& runtime, MicrocontrollerConstants& c) {
  c.memory_rules = read_memory_rules(runtime);
  c.im2col_columns = static_cast<int>(runtime.integer("im2col_columns", 0, 1024));
  c.im2col_bytes_per_value = static_cast<int>(runtime.integer("im2col_bytes_per_value", 0, 8));
  c.depthwise_columns = static_cast<int>(runtime.integer("depthwise_columns", 0, 1024, 0));
  c.depthwise_plane_unfolded = runtime.boolean("depthwise_plane_unfolded", false);
  c.buffers_shared = runtime.boolean("buffers_shared", false);
  c.patches_per_side = static_cast<int>(runtime.integer("patches_per_side", 1, 16, 1));
  c.fixed_sram_bytes = runtime.integer("fixed_sram_bytes", 0, kLargest);
  c.sram_bytes_per_layer = runtime.integer("sram_bytes_per_layer", 0, kLargest, 0);
  c.sram_bytes_per_channel = runtime.integer("sram_bytes_per_channel", 0, 4096, 0);
  c.code_bytes = runtime.integer("code_bytes", 0, kLargest);
  c.flash_bytes_per_layer = runtime.integer("flash_bytes_per_layer", 0, kLargest, 0);
  c.scale_bytes_per_channel = static_cast<int>(runtime.integer("scale_bytes_per_channel", 0, 64));
  runtime.done();
}

}  // namespace

MicrocontrollerConstants read_microcontroller(const TomlTable& file, const std::string& device,
                                              Confidence confidence) {
  MicrocontrollerConstants c;
  c.confidence = confidence;
  c.coverage = Coverage::read(file, device);
  c.clock = Clock::read(file);
  c.sparsity = Sparsity::read(file);
  c.price = Price::read(file);
  read_precisions(file, c);
  read_cycles(cited_section(file, "cycles"), c);

  const TomlTable memory = cited_section(file, "memory");
  c.sram_bytes = memory.integer("sram_bytes", 1, kLargest);
  c.flash_bytes = memory.integer("flash_bytes", 1, kLargest);
  memory.done();
  read_runtime(cited_section(file, "runtime"), c);
  const TomlTable power = cited_section(file, "power");
  c.active_w = power.number("active_w", 1e-9, 1e3);
  c.static_w = power.number("static_w", 0, 1e3);
  if (c.static_w > c.active_w)
    throw power.error("static_w", "is a part of active_w and cannot exceed it");
  power.done();
  return c;
}

}  // namespace hwnas
