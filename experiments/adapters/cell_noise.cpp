#include "experiments/adapters/cell_noise.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "hw_models/analog_noise.h"
#include "space/input_error.h"

namespace hwnas {
namespace {

using nlohmann::json;

constexpr int kSteps = 32;  // of the tables over conductance
// Root mean squares. A network that is trained with it loses little by clipping, and its weights
// stand further above the noise (Joshi et al. 2020, doi:10.1038/s41467-020-16108-9).
constexpr double kClip = 2.5;

// Conductances as shares of the largest, so long after programming.
json time_json(const AnalogNoise& noise, double seconds) {
  json mean = json::array(), deviation = json::array(), read = json::array();
  for (int i = 0; i <= kSteps; ++i) {
    const double target = noise.g_max_s * i / kSteps;
    const double kept = i > 0 ? drifted_s(noise, target, seconds) / target : 1;
    const double programmed = programming_sigma_s(noise, target, seconds);
    const double decay = noise.drift_start_s > 0
                             ? std::log((seconds + noise.drift_start_s) / noise.drift_start_s)
                             : 0;
    const double drifted = target * decay * drift_nu_deviation(noise, target);
    mean.push_back(kept * target / noise.g_max_s);
    deviation.push_back(kept * std::hypot(programmed, drifted) / noise.g_max_s);
    read.push_back(
        std::hypot(read_sigma_s(noise, target, seconds) / noise.g_max_s, noise.read_share));
  }
  return {{"seconds", seconds}, {"mean", mean}, {"deviation", deviation}, {"read", read}};
}

AnalogNoise noise_of(const Device& device, const Network& network) {
  const auto layers = network.layers();
  const auto weighted = std::find_if(layers.begin(), layers.end(), [](const Layer& layer) {
    return layer.op == Op::conv || layer.op == Op::linear;
  });
  if (weighted == layers.end())
    throw InputError("no layer of the network has weights to be held by cells");
  const auto noise = analog_noise(device, weighted->weight_bits, weighted->activation_bits);
  if (!noise) {
    throw InputError("device '" + device.name + "' has no analog cells for " +
                     std::to_string(weighted->weight_bits) + "-bit weights and " +
                     std::to_string(weighted->activation_bits) + "-bit activations");
  }
  if (noise->g_max_s <= 0)
    throw InputError("device '" + device.name + "' has no [noise]: its cells hold what is written");
  return *noise;
}

}  // namespace

json cells_json(const NoiseConfig& config, const Device& device, const Network& network) {
  const AnalogNoise noise = noise_of(device, network);
  json times = json::array();
  for (const double seconds : config.times_s) times.push_back(time_json(noise, seconds));
  return {{"times", times},
          {"devices_per_weight", noise.devices_per_weight},
          {"stuck_off_share", noise.stuck_off_share},
          {"stuck_on_share", noise.stuck_on_share},
          {"clip", config.aware ? kClip : 0},
          {"input_bits", noise.input_bits},
          {"adc_bits", noise.adc_bits},
          {"adc_range_deviations", noise.adc_range_deviations},
          {"recalibrated", config.recalibrated},
          {"aware", config.aware},
          {"draws", config.draws}};
}

}  // namespace hwnas
