// AnalogNoise: how in-memory arrays distort what is stored and summed, for cost models and for a
// trainer that injects it. Conductances in siemens; ghat = g / g_max.
//   programming  sigma(g) = sum_i c_i ghat^i
//   drift        g(t) = g_programmed ((t + t0) / t0)^-nu, nu = |N(mean(ghat), deviation(ghat))|
//   read         sigma(t) = g(t) min(factor / ghat^exponent, highest) sqrt(ln((t + t0 + tr) / 2tr))
// t counts from the end of programming. Sources: AIHWKit's PCM model (Nandakumar et al., ICECS
// 2019, doi:10.1109/ICECS46596.2019.8964852), its ReRAM model (Wan et al.,
// doi:10.1038/s41586-022-04992-8). A regular value; free functions; thread-safe.
//
//   const auto noise = analog_noise(Device::load("pcm_64_core.toml"), 8, 8);
//   double sigma_s = programming_sigma_s(*noise, 10e-6);
#pragma once

#include <array>
#include <optional>
#include <vector>

namespace hwnas {

class Device;

struct AnalogNoise {
  // Spread of conductances about their target, so long after programming.
  struct Spread {
    double time_s = 0;
    std::array<double, 5> coefficients_s{};  // of ghat^i
  };
  // clamp(slope ln(ghat) + offset, low, high)
  struct LogLaw {
    double slope = 0, offset = 0, low = 0, high = 0;
    double at(double ghat) const;
  };

  double g_max_s = 0;               // 0: the cells are digital and hold what is written
  std::vector<Spread> programming;  // by time; between two, interpolated in ln t (not published so)
  double drift_start_s = 0;         // t0; 0: no drift
  LogLaw drift_mean, drift_deviation;
  double read_factor = 0, read_exponent = 0, read_highest = 0;
  double read_time_s = 0;                          // tr
  double read_share = 0;                           // of g_max, added anew at each read
  double stuck_off_share = 0, stuck_on_share = 0;  // of the devices, at 0 and at g_max
  int devices_per_weight = 1;                      // 2: a pair that is subtracted

  // Converters, at one precision.
  int weight_bits = 8, cell_bits = 8;  // of a weight, of one cell
  int input_bits = 8, slice_bits = 8;  // of an input, of what is applied at once
  int adc_bits = 8;
  bool halved_range = false;        // weights stored so that column sums stay in the lower half
  double active_rows = 1;           // summed in one conversion, at most
  double adc_range_deviations = 0;  // range over the deviation of the sums; 0: all of it

  // Assumed where no tensors are at hand: root mean squares over the largest values.
  double weight_rms_share = 1.0 / 3, input_rms_share = 0.577;
};

double programming_sigma_s(const AnalogNoise& noise, double g_s, double time_s = 0);
double drift_nu_mean(const AnalogNoise& noise, double g_s);
double drift_nu_deviation(const AnalogNoise& noise, double g_s);
// With the mean of nu.
double drifted_s(const AnalogNoise& noise, double g_programmed_s, double time_s);
double read_sigma_s(const AnalogNoise& noise, double g_programmed_s, double time_s);

// All three, after a global compensation of the mean drift (each tile's output rescaled).
double conductance_sigma_s(const AnalogNoise& noise, double g_s, double time_s = 0);

// Bits with which no sum of `rows` products is rounded: log2(rows) + slice + cell, one less where
// either has one bit, one less again with a halved range (ISAAC, doi:10.1109/ISCA.2016.12).
double lossless_adc_bits(double rows, int slice_bits, int cell_bits, bool halved_range);

// Mean square error of a product of `rows` weights and inputs over its mean square, errors
// independent. Of the stored weights: of a typical one, w = w_rms, its partner at 0:
//   (sigma(g+)^2 + sigma(g-)^2) / g_rms^2 + (read_share / w_rms)^2 + stuck devices
double weight_noise_to_signal(const AnalogNoise& noise, double time_s = 0);
// Of the converters: rounding of inputs, rounding and clipping of sums. A sliced sum adds the
// errors of its slices, each by its place value.
double converter_noise_to_signal(const AnalogNoise& noise, double rows);
double mvm_noise_to_signal(const AnalogNoise& noise, double rows, double time_s = 0);
double snr_db(double noise_to_signal);

// Of a device of the family "analog", at one of its precisions; else nothing.
std::optional<AnalogNoise> analog_noise(const Device& device, int weight_bits, int activation_bits);

}  // namespace hwnas
