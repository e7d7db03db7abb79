#include "trainer/cell_noise_json.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "space/input_error.h"

namespace hwnas {
namespace {

using Json = nlohmann::ordered_json;

[[noreturn]] void fail(const std::string& key, const std::string& problem) {
  throw InputError("", 0, "cells." + key, "", problem);
}

double number(const Json& object, const std::string& key, double low, double high) {
  const auto found = object.find(key);
  const double value = found != object.end() && found->is_number() ? found->get<double>() : NAN;
  if (!(value >= low && value <= high))
    fail(key, "expected a number from " + Json(low).dump() + " to " + Json(high).dump());
  return value;
}

std::vector<double> numbers(const Json& object, const std::string& key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_array() || found->size() < 2)
    fail(key, "expected a list of at least two numbers");
  std::vector<double> values;
  for (const Json& entry : *found) {
    const double value = entry.is_number() ? entry.get<double>() : NAN;
    if (!(value >= 0 && value <= 1e6)) fail(key, "expected numbers from 0 to 1e6");
    values.push_back(value);
  }
  return values;
}

CellNoise::Time read_time(const Json& time) {
  if (!time.is_object()) fail("times", "expected objects");
  return {number(time, "seconds", 0, 1e12), numbers(time, "mean"), numbers(time, "deviation"),
          numbers(time, "read")};
}

}  // namespace

CellNoise read_cell_noise(const Json& cells) {
  if (!cells.is_object()) throw InputError("", 0, "cells", "", "expected an object");
  constexpr std::array<std::string_view, 11> kKnown{
      "times",       "devices_per_weight", "stuck_off_share",      "stuck_on_share", "clip",
      "input_bits",  "adc_bits",           "adc_range_deviations", "aware",          "draws",
      "recalibrated"};
  for (const auto& [key, value] : cells.items()) {
    if (std::find(kKnown.begin(), kKnown.end(), key) == kKnown.end()) fail(key, "unknown key");
  }
  CellNoise noise;
  const auto times = cells.find("times");
  if (times == cells.end() || !times->is_array() || times->empty())
    fail("times", "expected a list of at least one");
  for (const Json& time : *times) noise.times.push_back(read_time(time));
  noise.devices_per_weight = static_cast<int>(number(cells, "devices_per_weight", 1, 2));
  noise.stuck_off_share = number(cells, "stuck_off_share", 0, 1);
  noise.stuck_on_share = number(cells, "stuck_on_share", 0, 1 - noise.stuck_off_share);
  noise.clip = number(cells, "clip", 0, 1000);
  noise.input_bits = static_cast<int>(number(cells, "input_bits", 0, 16));
  noise.adc_bits = static_cast<int>(number(cells, "adc_bits", 0, 24));
  noise.adc_range_deviations = number(cells, "adc_range_deviations", 0, 1000);
  if (const auto again = cells.find("recalibrated"); again != cells.end()) {
    if (!again->is_boolean()) fail("recalibrated", "expected true or false");
    noise.recalibrated = again->get<bool>();
  }
  return noise;
}

}  // namespace hwnas
