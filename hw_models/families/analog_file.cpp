#include "hw_models/families/analog.h"

namespace hwnas {
namespace {

using Encoding = AnalogArray::Encoding;

constexpr std::array<std::pair<const char*, Encoding>, 4> kEncodings{
    {{"plain", Encoding::plain},
     {"offset_column", Encoding::offset_column},
     {"differential_columns", Encoding::differential_columns},
     {"differential_rows", Encoding::differential_rows}}};

int whole(const TomlTable& table, const char* key, std::int64_t low, std::int64_t high) {
  return static_cast<int>(table.integer(key, low, high));
}

double joules(const TomlTable& table, const char* key) {
  return table.number(key, 0, 1e-3, 0);
}

double seconds(const TomlTable& table, const char* key) {
  return table.number(key, 0, 1, 0);
}

Encoding read_encoding(const TomlTable& table) {
  const std::string name = table.string("encoding");
  std::vector<std::string> known;
  for (const auto& [text, encoding] : kEncodings) {
    if (name == text) return encoding;
    known.emplace_back(text);
  }
  throw table.error("encoding",
                    "expected plain, offset_column, differential_columns or differential_rows" +
                        suggestion(name, known));
}

void read_array(const TomlTable& file, AnalogConstants& c) {
  AnalogArray& a = c.array;
  const TomlTable table = cited_section(file, "array");
  a.rows = whole(table, "rows", 1, 1 << 20);
  a.columns = whole(table, "columns", 1, 1 << 20);
  a.arrays = whole(table, "arrays", 1, 1 << 24);
  a.cell_bits = whole(table, "cell_bits", 1, 16);
  a.active_rows = whole(table, "active_rows", 1, a.rows);
  a.encoding = read_encoding(table);
  c.copies = table.boolean("copies", false);
  c.pipelined = table.boolean("pipelined", false);
  table.done();
}

void read_input(const TomlTable& file, AnalogArray& a) {
  const TomlTable table = cited_section(file, "input");
  const std::string law = table.string("law");
  if (law != "levels" && law != "pulses") throw table.error("law", "expected levels or pulses");
  a.pulses = law == "pulses";
  if (!a.pulses) a.slice_bits = whole(table, "slice_bits", 1, 16);
  a.sign_bits = static_cast<int>(table.integer("sign_bits", 0, 1, 0));
  a.read_s = table.number("read_s", 0, 1);
  a.slice_s = seconds(table, "overhead_per_slice_s");
  a.row_j = joules(table, "energy_per_row_j");
  a.row_bit_j = joules(table, "energy_per_row_bit_j");
  table.done();
}

void read_cell(const TomlTable& file, AnalogConstants& c) {
  const TomlTable table = cited_section(file, "cell");
  c.array.cell_j = joules(table, "energy_per_read_j");
  c.array.bitline_cell_j = joules(table, "energy_per_bitline_cell_j");
  table.done();
  if (const auto reload = maybe_cited_section(file, "reload")) {
    c.reload.possible = true;
    c.reload.row_s = reload->number("seconds_per_row", 0, 10);
    c.reload.cell_j = reload->number("energy_per_cell_j", 0, 1e-3);
    reload->done();
  }
}

void read_adc(const TomlTable& file, AnalogArray& a, double& range_deviations) {
  const TomlTable table = cited_section(file, "adc");
  a.adcs = whole(table, "per_array", 1, a.columns);
  a.overlapped = table.boolean("overlapped", false);
  a.halved_range = table.boolean("halved_range", false);
  a.adc_free_bits = static_cast<int>(table.integer("free_bits", 0, 8, 0));
  a.adc_bit_s = seconds(table, "seconds_per_bit");
  a.adc_bit_row_s = seconds(table, "seconds_per_bit_row");
  a.adc_bit_j = joules(table, "energy_per_bit_j");
  a.adc_quad_j = joules(table, "energy_per_squared_level_j");
  range_deviations = table.number("range_deviations", 0, 100, 0);
  table.done();
}

void read_digital(const TomlTable& file, AnalogConstants& c) {
  AnalogArray& a = c.array;
  const TomlTable table = cited_section(file, "digital");
  a.conversion_j = joules(table, "energy_per_conversion_j");
  a.full_adder_j = joules(table, "energy_per_full_adder_j");
  a.register_j = joules(table, "energy_per_register_j");
  a.partial_sum_bytes = table.number("partial_sum_bytes", 0.125, 8, 4);
  a.sum_s = seconds(table, "sum_s");
  a.carry_out_s = seconds(table, "carry_out_s");
  a.carry_s = seconds(table, "carry_s");
  c.network_j_per_byte = joules(table, "network_energy_per_byte_j");
  table.done();
  if (const auto area = maybe_cited_section(file, "area")) {
    a.cell_m2 = area->number("cell_m2", 0, 1e-6);
    a.full_adder_m2 = area->number("full_adder_m2", 0, 1e-6);
    a.register_m2 = area->number("register_m2", 0, 1e-6);
    a.adc_m2 = area->number("adc_m2", 0, 1e-6);
    a.adc_area_per_bit = area->number("adc_exponent_per_bit", -10, 10);
    area->done();
  }
}

AnalogNoise::LogLaw read_law(const TomlTable& table, const char* key) {
  const std::vector<double> v = table.numbers(key);
  if (v.size() != 4 || v[2] > v[3])
    throw table.error(key, "expected [slope, offset, lowest, highest]");
  return {v[0], v[1], v[2], v[3]};
}

AnalogNoise read_noise(const TomlTable& file) {
  AnalogNoise noise;
  const auto table = maybe_cited_section(file, "noise");
  if (!table) return noise;
  noise.g_max_s = table->number("g_max_s", 1e-9, 1);
  noise.devices_per_weight = whole(*table, "devices_per_weight", 1, 2);
  for (const TomlTable& row : table->tables("programming")) {
    AnalogNoise::Spread spread;
    spread.time_s = row.number("time_s", 0, 1e10);
    const std::vector<double> values = row.numbers("coefficients_s");
    if (values.empty() || values.size() > spread.coefficients_s.size())
      throw row.error("coefficients_s", "expected 1 to 5 numbers, of rising powers of g / g_max");
    if (!noise.programming.empty() && noise.programming.back().time_s >= spread.time_s)
      throw row.error("time_s", "is not after the row before");
    std::copy(values.begin(), values.end(), spread.coefficients_s.begin());
    row.done();
    noise.programming.push_back(spread);
  }
  if (table->has("drift_start_s")) {
    noise.drift_start_s = table->number("drift_start_s", 1e-9, 1e10);
    noise.drift_mean = read_law(*table, "drift_mean");
    noise.drift_deviation = read_law(*table, "drift_deviation");
  }
  if (table->has("read_factor")) {
    noise.read_factor = table->number("read_factor", 0, 10);
    noise.read_exponent = table->number("read_exponent", 0, 10);
    noise.read_highest = table->number("read_highest", 0, 10);
    noise.read_time_s = table->number("read_time_s", 1e-12, 1);
  }
  noise.read_share = table->number("read_share", 0, 1, 0);
  noise.stuck_off_share = table->number("stuck_off_share", 0, 1, 0);
  noise.stuck_on_share = table->number("stuck_on_share", 0, 1, 0);
  noise.weight_rms_share = table->number("weight_rms_share", 1e-3, 1, noise.weight_rms_share);
  noise.input_rms_share = table->number("input_rms_share", 1e-3, 1, noise.input_rms_share);
  table->done();
  return noise;
}

void read_precisions(const TomlTable& file, AnalogConstants& c, AnalogNoise noise) {
  noise.cell_bits = c.array.cell_bits;
  noise.halved_range = c.array.halved_range;
  noise.active_rows = c.array.active_rows;
  if (c.array.encoding == Encoding::differential_rows) noise.active_rows /= 2;
  for (const TomlTable& table : c.coverage.read_precisions(file)) {
    const int weight_bits = whole(table, "weight_bits", 1, 32);
    const int activation_bits = whole(table, "activation_bits", 1, 32);
    const int adc_bits = whole(table, "adc_bits", 1, 24);
    const int phases = c.array.pulses ? whole(table, "phases", 1, 8) : 0;
    const AnalogMvm mvm(c.array, weight_bits, activation_bits, adc_bits, phases);
    if (mvm.weights_per_row < 1) {
      throw table.error("weight_bits", "an array of " + std::to_string(c.array.columns) +
                                           " columns cannot hold a weight of " +
                                           std::to_string(mvm.columns_per_weight));
    }
    if (!(mvm.time_s > 0)) throw file.error("input", "arrays take no time");
    table.done();
    c.precisions.push_back(mvm);
    noise.weight_bits = weight_bits;
    noise.input_bits = activation_bits;
    noise.slice_bits = mvm.first_slice_bits;
    noise.adc_bits = adc_bits;
    c.noise.push_back(noise);
  }
}

}  // namespace

AnalogConstants read_analog(const TomlTable& file, const std::string& device,
                            Confidence confidence) {
  AnalogConstants c;
  c.confidence = confidence;
  for (const std::string& op : file.table("coverage").strings("ops")) {
    if (parse_op(op) == Op::attention)
      throw file.table("coverage").error("ops", "arrays hold weights, attention has none");
  }
  c.coverage = Coverage::read(file, device);
  c.clock = Clock::read(file);
  c.sparsity = Sparsity::read(file);
  c.price = Price::read(file);
  read_array(file, c);
  read_input(file, c.array);
  read_cell(file, c);
  AnalogNoise noise = read_noise(file);
  read_adc(file, c.array, noise.adc_range_deviations);
  read_digital(file, c);
  read_precisions(file, c, noise);
  c.memory = MemoryLevels::read(file);
  const TomlTable vector = cited_section(file, "vector");
  c.vector = ElementUnit::read(vector);
  vector.done();
  const TomlTable power = cited_section(file, "power");
  c.static_w = power.number("static_w", 0, 1e4);
  power.done();
  if (const auto runtime = maybe_cited_section(file, "runtime")) {
    c.memory_rules = read_memory_rules(*runtime);
    runtime->done();
  }
  return c;
}

}  // namespace hwnas
