#include "hw_models/analog_noise.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace hwnas {
namespace {

// Below it the laws in ln(ghat) and ghat^exponent are not meant.
constexpr double kLowestGhat = 1e-6;
constexpr double kLowestPower = 1e-3;

double square(double x) {
  return x * x;
}

double polynomial(const AnalogNoise::Spread& spread, double ghat) {
  double sum = 0;
  for (std::size_t i = spread.coefficients_s.size(); i-- > 0;)
    sum = sum * ghat + spread.coefficients_s[i];
  return std::max(0.0, sum);
}

// Sum of the squared place values of `bits` in slices of `slice` bits.
double squared_places(int bits, int slice) {
  double sum = 0;
  for (int at = 0; at < bits; at += slice) sum += std::ldexp(1.0, 2 * at);
  return sum;
}

// Mean square of what a normal variable of deviation 1 loses beyond +-c.
double clipped(double c) {
  const double density = std::exp(-c * c / 2) * std::numbers::inv_sqrtpi / std::numbers::sqrt2;
  const double tail = std::erfc(c / std::numbers::sqrt2) / 2;
  return std::max(0.0, 2 * ((1 + c * c) * tail - c * density));
}

}  // namespace

double AnalogNoise::LogLaw::at(double ghat) const {
  return std::clamp(slope * std::log(std::max(ghat, kLowestGhat)) + offset, low, high);
}

double programming_sigma_s(const AnalogNoise& noise, double g_s, double time_s) {
  const auto& known = noise.programming;
  if (known.empty()) return 0;
  const double ghat = g_s / noise.g_max_s;
  const auto after = std::find_if(known.begin(), known.end(),
                                  [&](const auto& spread) { return spread.time_s >= time_s; });
  if (after == known.begin()) return polynomial(*after, ghat);
  if (after == known.end()) return polynomial(known.back(), ghat);
  const auto before = after - 1;
  if (before->time_s <= 0) return polynomial(*before, ghat);
  const double share = std::log(time_s / before->time_s) / std::log(after->time_s / before->time_s);
  return (1 - share) * polynomial(*before, ghat) + share * polynomial(*after, ghat);
}

double drift_nu_mean(const AnalogNoise& noise, double g_s) {
  return noise.drift_start_s > 0 ? noise.drift_mean.at(g_s / noise.g_max_s) : 0;
}

double drift_nu_deviation(const AnalogNoise& noise, double g_s) {
  return noise.drift_start_s > 0 ? noise.drift_deviation.at(g_s / noise.g_max_s) : 0;
}

double drifted_s(const AnalogNoise& noise, double g_programmed_s, double time_s) {
  if (noise.drift_start_s <= 0) return g_programmed_s;
  return g_programmed_s * std::pow((time_s + noise.drift_start_s) / noise.drift_start_s,
                                   -drift_nu_mean(noise, g_programmed_s));
}

double read_sigma_s(const AnalogNoise& noise, double g_programmed_s, double time_s) {
  if (noise.read_factor <= 0) return 0;
  const double power =
      std::max(kLowestPower, std::pow(g_programmed_s / noise.g_max_s, noise.read_exponent));
  const double flicker =
      std::log((time_s + noise.drift_start_s + noise.read_time_s) / (2 * noise.read_time_s));
  return drifted_s(noise, g_programmed_s, time_s) *
         std::min(noise.read_factor / power, noise.read_highest) *
         std::sqrt(std::max(0.0, flicker));
}

double conductance_sigma_s(const AnalogNoise& noise, double g_s, double time_s) {
  double variance = square(programming_sigma_s(noise, g_s, time_s));
  if (noise.drift_start_s > 0) {
    const double decay = std::log((time_s + noise.drift_start_s) / noise.drift_start_s);
    variance += square(g_s * decay * drift_nu_deviation(noise, g_s));
  }
  if (g_s > 0) {
    const double kept = drifted_s(noise, g_s, time_s) / g_s;
    variance += square(read_sigma_s(noise, g_s, time_s) / kept);
  }
  return std::sqrt(variance);
}

double lossless_adc_bits(double rows, int slice_bits, int cell_bits, bool halved_range) {
  return std::log2(rows) + slice_bits + cell_bits - (slice_bits == 1 || cell_bits == 1) -
         halved_range;
}

double weight_noise_to_signal(const AnalogNoise& noise, double time_s) {
  if (noise.g_max_s <= 0) return 0;
  const double weight = noise.weight_rms_share;
  const double g = weight * noise.g_max_s;
  double variance = square(conductance_sigma_s(noise, g, time_s));
  if (noise.devices_per_weight == 2) variance += square(conductance_sigma_s(noise, 0, time_s));
  return variance / (g * g) + square(noise.read_share / weight) + noise.stuck_off_share +
         noise.devices_per_weight * noise.stuck_on_share / square(weight);
}

double converter_noise_to_signal(const AnalogNoise& noise, double rows) {
  const double inputs = square(noise.input_rms_share);
  const double rounded_inputs = std::ldexp(1.0, -2 * noise.input_bits) / 12 / inputs;
  if (noise.adc_range_deviations > 0) {
    const double c = noise.adc_range_deviations;
    return rounded_inputs + 4 * c * c * std::ldexp(1.0, -2 * noise.adc_bits) / 12 + clipped(c);
  }
  const double together = std::min(rows, noise.active_rows);
  const double lost =
      lossless_adc_bits(together, noise.slice_bits, noise.cell_bits, noise.halved_range) -
      noise.adc_bits;
  if (lost <= 0) return rounded_inputs;
  // Integers: a step of 2^lost in every slice of every cell, weights up to 2^(bits - 1).
  const double step = std::exp2(2 * lost) / 12;
  const double errors = step * squared_places(noise.weight_bits, noise.cell_bits) *
                        squared_places(noise.input_bits, noise.slice_bits) *
                        std::ceil(rows / noise.active_rows);
  const double signal = rows * square(noise.weight_rms_share) * inputs *
                        std::ldexp(1.0, 2 * (noise.weight_bits - 1 + noise.input_bits));
  return rounded_inputs + errors / signal;
}

double mvm_noise_to_signal(const AnalogNoise& noise, double rows, double time_s) {
  return weight_noise_to_signal(noise, time_s) + converter_noise_to_signal(noise, rows);
}

double snr_db(double noise_to_signal) {
  return -10 * std::log10(noise_to_signal);
}

}  // namespace hwnas
