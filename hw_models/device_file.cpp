#include "hw_models/device_file.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <sstream>

namespace hwnas {
namespace {

constexpr double kSecondsPerYear = 365.25 * 24 * 3600;
constexpr double kJoulesPerKwh = 3.6e6;

// YYYY, YYYY-MM or YYYY-MM-DD.
bool is_date(std::string_view text) {
  constexpr std::string_view kPattern = "dddd-dd-dd";
  if (text.size() != 4 && text.size() != 7 && text.size() != 10) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool digit = std::isdigit(static_cast<unsigned char>(text[i])) != 0;
    if (kPattern[i] == 'd' ? !digit : text[i] != '-') return false;
  }
  return true;
}

}  // namespace

void read_citation(const TomlTable& table) {
  if (table.string("source").empty()) {
    throw table.error("source", "is empty; say where these constants are from");
  }
  if (!is_date(table.string("date"))) {
    throw table.error("date", "expected a date such as \"2024-06\" or \"2024-06-27\"");
  }
}

TomlTable cited_section(const TomlTable& file, std::string_view key) {
  TomlTable table = file.table(key);
  read_citation(table);
  return table;
}

std::optional<TomlTable> maybe_cited_section(const TomlTable& file, std::string_view key) {
  std::optional<TomlTable> table = file.maybe_table(key);
  if (table) read_citation(*table);
  return table;
}

std::vector<TomlTable> cited_sections(const TomlTable& file, std::string_view key) {
  std::vector<TomlTable> tables = file.tables(key);
  for (const TomlTable& table : tables) read_citation(table);
  return tables;
}

Clock Clock::read(const TomlTable& file) {
  const TomlTable table = cited_section(file, "clock");
  Clock clock;
  clock.highest_hz = table.number("highest_hz", 1e3, 1e11);
  clock.lowest_share = table.number("lowest_share", 1e-3, 1);
  clock.knee_share = table.number("knee_share", 0, 1);
  clock.knee_voltage_share = table.number("knee_voltage_share", 0.1, 1);
  if (clock.knee_share >= 1 && clock.knee_voltage_share < 1)
    throw table.error("knee_voltage_share", "is 1 where the knee is at the highest clock");
  table.done();
  return clock;
}

std::string Clock::extrapolation(double clock_share, const std::string& device) const {
  if (clock_share >= lowest_share) return "";
  std::ostringstream text;
  text << "clock_share " << clock_share << ": " << device << " is described from " << lowest_share;
  return text.str();
}

double Clock::voltage_share(double clock_share) const {
  if (clock_share <= knee_share) return knee_voltage_share;
  return knee_voltage_share +
         (1 - knee_voltage_share) * (clock_share - knee_share) / (1 - knee_share);
}

Sparsity Sparsity::read(const TomlTable& file) {
  Sparsity sparsity;
  if (const auto table = maybe_cited_section(file, "sparsity")) {
    sparsity.highest_density = table->number("highest_density", 0, 1);
    sparsity.index_bits = static_cast<int>(table->integer("index_bits", 0, 32));
    table->done();
  }
  return sparsity;
}

double Sparsity::compute_share(const Layer& layer) const {
  return rewarded(layer) ? layer.weight_density : 1;
}

double Sparsity::storage_share(const Layer& layer) const {
  if (!rewarded(layer)) return 1;
  const double kept = layer.weight_density * (layer.weight_bits + index_bits) / layer.weight_bits;
  return std::min(1.0, kept);
}

Price Price::read(const TomlTable& file) {
  Price price;
  const auto table = maybe_cited_section(file, "price");
  if (!table) return price;
  price.utilisation_share = table->number("utilisation_share", 1e-6, 1);
  if (table->has("usd_per_hour")) {
    if (table->has("usd")) {
      throw table->error("usd", "a device is rented (usd_per_hour) or owned (usd), not both");
    }
    price.usd_per_hour = table->number("usd_per_hour", 0, 1e6);
  } else {
    price.usd = table->number("usd", 0, 1e9);
    price.life_s = table->number("life_years", 0.01, 100) * kSecondsPerYear;
    price.usd_per_kwh = table->number("usd_per_kwh", 0, 100);
    price.power_usage_effectiveness = table->number("power_usage_effectiveness", 1, 10);
  }
  table->done();
  return price;
}

double Price::usd_per_million(double time_s, double energy_j) const {
  if (!std::isnan(usd_per_hour)) return usd_per_hour / 3600 * time_s / utilisation_share * 1e6;
  const double wear = usd / (life_s * utilisation_share) * time_s;
  const double power = energy_j * power_usage_effectiveness * usd_per_kwh / kJoulesPerKwh;
  return (wear + power) * 1e6;
}

double Price::usd_per_million_stddev(double time_stddev_s, double energy_stddev_j) const {
  const bool powered = std::isnan(usd_per_hour) && usd_per_kwh > 0;
  if (time_stddev_s <= 0 || (powered && energy_stddev_j <= 0)) return 0;
  // The price is linear in both.
  const double of_time = usd_per_million(time_stddev_s, 0);
  const double of_energy = powered ? usd_per_million(0, energy_stddev_j) : 0;
  return std::isnan(of_time) ? 0 : std::hypot(of_time, of_energy);
}

MemoryRules read_memory_rules(const TomlTable& runtime) {
  MemoryRules rules;
  rules.in_place_elementwise = runtime.boolean("in_place_elementwise", false);
  rules.in_place_depthwise = runtime.boolean("in_place_depthwise", false);
  rules.padding_materialised = runtime.boolean("padding_materialised", false);
  rules.in_place_depthwise_rows = runtime.boolean("in_place_depthwise_rows", false);
  rules.padded_tensors = runtime.boolean("padded_tensors", false);
  if (rules.in_place_depthwise && rules.in_place_depthwise_rows)
    throw runtime.error("in_place_depthwise_rows", "a depthwise conv is in place one way only");
  if (rules.padding_materialised && rules.padded_tensors)
    throw runtime.error("padded_tensors", "padding is around the tensor or copied, not both");
  return rules;
}

}  // namespace hwnas
