#include "hw_models/families/fpga.h"

namespace hwnas {
namespace {

constexpr int kMostParallel = 1 << 20;

int folded(const TomlTable& table, const char* key) {
  return static_cast<int>(table.integer(key, 1, kMostParallel, 1));
}

FpgaFolding read_layer_folding(const TomlTable& table) {
  FpgaFolding f;
  if (table.has("lanes")) {
    f.lanes = folded(table, "lanes");
  } else if (table.has("pe") || table.has("simd")) {
    f.pe = folded(table, "pe");
    f.simd = folded(table, "simd");
  } else {
    f.coarse_in = folded(table, "coarse_in");
    f.coarse_out = folded(table, "coarse_out");
    f.coarse_group = folded(table, "coarse_group");
    f.fine = folded(table, "fine");
  }
  table.done();
  return f;
}

void read_folding(const TomlTable& file, FpgaConstants& c) {
  const TomlTable table = cited_section(file, "folding");
  c.usable_share = table.number("usable_share", 0.01, 1);
  c.weight_stream_bits = static_cast<int>(table.integer("weight_stream_bits", 1, 1 << 16));
  c.throughput_per_s = table.number("throughput_per_s", 0, 1e9, 0);
  if (const auto layers = table.maybe_table("layers")) {
    for (const std::string& name : layers->keys())
      c.folding.emplace(name, read_layer_folding(layers->table(name)));
  }
  table.done();
}

void read_precisions(const TomlTable& file, FpgaConstants& c) {
  for (const TomlTable& table : c.coverage.read_precisions(file)) {
    c.macs_per_dsp.push_back(table.number("macs_per_dsp", 0, 64));
    table.done();
  }
}

}  // namespace

FpgaConstants read_fpga(const TomlTable& file, const std::string& device, Confidence confidence) {
  FpgaConstants c;
  c.confidence = confidence;
  c.coverage = Coverage::read(file, device);
  c.clock = Clock::read(file);
  c.price = Price::read(file);
  read_precisions(file, c);
  read_folding(file, c);

  const TomlTable resources = cited_section(file, "resources");
  c.resources.luts = resources.number("luts", 1, 1e8);
  c.resources.dsps = resources.number("dsps", 0, 1e6);
  c.resources.bram18s = resources.number("bram18s", 0, 1e6);
  c.resources.urams = resources.number("urams", 0, 1e6);
  resources.done();
  const TomlTable engine = cited_section(file, "engine");
  c.style.luts_per_engine = engine.number("luts_per_engine", 0, 1e6);
  c.style.luts_factor = engine.number("luts_factor", 0.01, 100);
  c.style.luts_per_lane_bit = engine.number("luts_per_lane_bit", 0, 1e3);
  c.style.dsps_per_scale = engine.number("dsps_per_scale", 0, 64);
  c.style.pipeline_cycles = engine.number("pipeline_cycles", 1, 1e6);
  c.style.thresholds_in_lutram = engine.boolean("thresholds_in_lutram", false);
  engine.done();
  const TomlTable interface = cited_section(file, "interface");
  c.bits_per_cycle = interface.number("bits_per_cycle", 1, 1e6);
  c.start_s = interface.number("start_s", 0, 10);
  c.energy_per_byte_j = interface.number("energy_per_byte_j", 0, 1e-6);
  interface.done();
  const TomlTable power = cited_section(file, "power");
  c.static_w = power.number("static_w", 0, 1e4);
  c.lut_j = power.number("energy_per_lut_cycle_j", 0, 1e-6);
  c.dsp_j = power.number("energy_per_dsp_cycle_j", 0, 1e-6);
  c.bram18_j = power.number("energy_per_bram18_cycle_j", 0, 1e-6);
  c.uram_j = power.number("energy_per_uram_cycle_j", 0, 1e-6);
  c.idle_share = power.number("idle_share", 0, 1);
  power.done();
  return c;
}

std::shared_ptr<const CostModel> make_fpga(const TomlTable& file, const std::string& device,
                                           Confidence confidence) {
  return std::make_shared<Fpga>(read_fpga(file, device, confidence));
}

}  // namespace hwnas
