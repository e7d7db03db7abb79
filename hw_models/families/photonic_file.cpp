#include <cmath>

#include "hw_models/families/photonic.h"

namespace hwnas {
namespace {

int whole(const TomlTable& table, const char* key, int high) {
  return static_cast<int>(table.integer(key, 1, high));
}

void read_core(const TomlTable& file, PhotonicConstants& c) {
  const TomlTable table = cited_section(file, "core");
  const std::vector<std::string> kinds{"crossbar", "ring_bank", "mzi_mesh"};
  const std::string kind = table.string("kind");
  std::size_t index = 0;
  while (index < kinds.size() && kinds[index] != kind) ++index;
  if (index == kinds.size())
    throw table.error("kind", "no such optical core" + suggestion(kind, kinds));
  c.kind = static_cast<OpticalCore>(index);
  c.rows = whole(table, "rows", 4096);
  c.columns = whole(table, "columns", 4096);
  if (c.kind != OpticalCore::crossbar) {
    if (c.columns != 1) throw table.error("columns", "is 1 in a core that holds its weights");
    c.reprogram_s = table.number("reprogram_s", 0, 1);
    c.cell_static_w = table.number("cell_static_w", 0, 1);
  }
  c.wavelengths = whole(table, "wavelengths", 4096);
  c.tiles = whole(table, "tiles", 4096);
  c.cores = whole(table, "cores_per_tile", 4096);
  c.accumulated_cycles = whole(table, "accumulated_cycles", 1024);
  table.done();
}

// Loss along the brightest path of one core, and the power that makes up for it.
void read_laser(const TomlTable& file, PhotonicConstants& c) {
  const TomlTable table = cited_section(file, "laser");
  const double sensitivity_dbm = table.number("detector_sensitivity_dbm", -80, 20);
  const double efficiency = table.number("wall_plug_share", 1e-4, 1);
  const double splitter_db = table.number("splitter_loss_db", 0, 20);
  double loss_db =
      table.number("modulator_loss_db", 0, 20) + 2 * table.number("ring_loss_db", 0, 20) +
      table.number("phase_shifter_loss_db", 0, 20) + table.number("coupler_loss_db", 0, 20);
  // A mesh that multiplies by any matrix: the light passes as many MZIs as there are ports, and
  // one.
  if (c.kind == OpticalCore::mzi_mesh)
    loss_db += (c.rows + c.wavelengths + 1) * table.number("mzi_loss_db", 0, 20);
  loss_db += splitter_db * (std::ceil(std::log2(std::max(c.rows, c.columns))) + 1);
  const double fan_out_db = 10 * std::log10(double(c.rows) * c.columns);
  c.laser_w_per_level =
      std::pow(10, (sensitivity_dbm + loss_db + fan_out_db) / 10) / efficiency * 1e-3;
  table.done();
}

PhotonicConstants::Converter converter(const TomlTable& table, const char* power, const char* hz,
                                       const char* bits) {
  return {table.number(power, 0, 100), table.number(hz, 1e3, 1e12), whole(table, bits, 16)};
}

void read_circuits(const TomlTable& file, PhotonicConstants& c) {
  const TomlTable table = cited_section(file, "circuits");
  c.dac = converter(table, "dac_w", "dac_hz", "dac_bits");
  c.adc = converter(table, "adc_w", "adc_hz", "adc_bits");
  const std::string kind = table.string("adc_kind");
  if (kind != "sar" && kind != "flash")
    throw table.error("adc_kind", "expected \"sar\" or \"flash\"");
  c.flash_adc = kind == "flash";
  c.modulator_j = table.number("modulator_energy_per_symbol_j", 0, 1e-6);
  c.modulator_static_w = table.number("modulator_static_w", 0, 1);
  c.detector_w = table.number("photodetector_w", 0, 1);
  c.amplifier_w = table.number("amplifier_w", 0, 1);
  c.adder_w = table.number("adder_w", 0, 1);
  table.done();
}

void read_memory(const TomlTable& file, PhotonicConstants& c) {
  const TomlTable table = cited_section(file, "memory");
  PhotonicConstants::Memory& m = c.memory;
  m.register_j = table.number("register_energy_per_byte_j", 0, 1e-6);
  m.tile_buffer_j = table.number("tile_buffer_energy_per_byte_j", 0, 1e-6);
  m.shared_buffer_j = table.number("shared_buffer_energy_per_byte_j", 0, 1e-6);
  m.network_j = table.number("network_energy_per_byte_j", 0, 1e-6);
  m.dram_j = table.number("dram_energy_per_byte_j", 0, 1e-6);
  m.tile_buffer_bytes = table.number("tile_buffer_bytes", 1, 1e12);
  m.shared_bytes_per_s = table.number("shared_buffer_bytes_per_s", 1, 1e18);
  m.dram_bytes = table.number("dram_bytes", 1, 1e15);
  m.dram_bytes_per_s = table.number("dram_bytes_per_s", 1, 1e18);
  m.clock_hz = table.number("clock_hz", 1, 1e12);
  m.shared_static_w_per_tile = table.number("shared_buffer_static_w_per_tile", 0, 1e3);
  m.tile_static_w = table.number("tile_buffer_static_w", 0, 1e3);
  m.register_static_w = table.number("register_static_w", 0, 1e3);
  c.memory_rules = read_memory_rules(table);
  table.done();
}

}  // namespace

PhotonicConstants read_photonic(const TomlTable& file, const std::string& device,
                                Confidence confidence) {
  PhotonicConstants c;
  c.confidence = confidence;
  if (confidence != Confidence::D)
    throw file.error("confidence",
                     "expected \"D\": no photonic device has been measured as a whole");
  c.coverage = Coverage::read(file, device);
  c.clock = Clock::read(file);
  c.price = Price::read(file);
  for (const TomlTable& table : cited_sections(file, "precisions")) {
    c.coverage.add_precision(table);
    table.done();
  }
  read_core(file, c);
  read_laser(file, c);
  read_circuits(file, c);
  read_memory(file, c);
  const TomlTable table = cited_section(file, "electronics");
  c.electronics = {table.number("energy_per_operation_j", 0, 1e-6),
                   table.number("softmax_energy_per_byte_j", 0, 1e-6),
                   table.number("activation_operations", 0, 1e3),
                   table.number("norm_operations", 0, 1e3)};
  table.done();
  if (const auto published = maybe_cited_section(file, "published_simulator")) {
    c.as_published = published->boolean("slips", false);
    published->done();
  }
  return c;
}

std::shared_ptr<const CostModel> make_photonic(const TomlTable& file, const std::string& device,
                                               Confidence confidence) {
  return std::make_shared<Photonic>(read_photonic(file, device, confidence));
}

}  // namespace hwnas
