// Photonic: optical matrix products. A product of N1 x D (the first operand: stored weights, or
// queries) by D x N2 is cut into blocks of `rows` x `wavelengths` x `columns`, one a cycle in each
// of tiles * cores cores:
//   cycles = ceil(ceil(N1/rows) * ceil(N2/columns) * ceil(D/wavelengths) * repeats / (tiles *
//   cores)) t      = max(cycles / f, weights from DRAM, operands from the shared buffer) [+
//   reprogramming] laser  = 10^((sensitivity + loss + fan-out in dB) / 10) / wall-plug efficiency *
//   2^bits, of one
//            core; DAC ~ 2^b/b * f; SAR ADC ~ b * f (flash: 2^b - 1); modulator: energy per symbol
//   E      = laser, detectors and weight cells by core cycles; a DAC and a modulator for each
//   operand
//            value encoded; ADC, amplifier and adder for each partial sum; a memory hierarchy
// Kinds: a crossbar encodes both operands anew each cycle and shares the second among its tiles; a
// ring bank and an MZI mesh hold the first (columns = 1). Rings take non-negative numbers: two
// passes for each operand that may be negative. A mesh cannot hold activations: no attention. Ops
// that are no products run on electronics next to the shared buffer. The clock changes f; light has
// no voltage to lower. Not modelled: thermal tuning, laser coupling, calibration, crosstalk.
// Source: Zhu et al., Lightening-Transformer, HPCA 2024, arXiv:2305.19533. Immutable.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "hw_models/cost_model.h"
#include "hw_models/device_file.h"
#include "hw_models/gemm.h"

namespace hwnas {

enum class OpticalCore : std::uint8_t { crossbar, ring_bank, mzi_mesh };

struct PhotonicConstants {
  struct Converter {  // at its reference point
    double power_w = 0, hz = 1;
    int bits = 8;
  };
  struct Memory {
    double register_j = 0, tile_buffer_j = 0, shared_buffer_j = 0, network_j = 0, dram_j = 0;  // /B
    double tile_buffer_bytes = 0, shared_bytes_per_s = 0;
    double dram_bytes = 0, dram_bytes_per_s = 0, clock_hz = 0;
    double shared_static_w_per_tile = 0, tile_static_w = 0, register_static_w = 0;  // leakage
  };
  struct Electronics {
    double energy_per_operation_j = 0, softmax_energy_per_byte_j = 0;
    double activation_operations = 1, norm_operations = 1;
  };

  Confidence confidence = Confidence::D;
  Coverage coverage;
  Clock clock;
  Price price;
  OpticalCore kind = OpticalCore::crossbar;
  int rows = 1, columns = 1, wavelengths = 1, tiles = 1, cores = 1;  // cores of a tile
  int accumulated_cycles = 1;                                        // before an ADC converts
  double reprogram_s = 0;                                            // of all cells of a core
  double laser_w_per_level = 0;                                      // of one core; times 2^bits
  Converter dac, adc;
  bool flash_adc = false;
  double modulator_j = 0, modulator_static_w = 0;
  double detector_w = 0, amplifier_w = 0, adder_w = 0, cell_static_w = 0;  // each
  Memory memory;
  Electronics electronics;
  MemoryRules memory_rules;
  bool as_published = false;  // with the slips of the published simulator, to compare with it
};

class Photonic final : public CostModel {
 public:
  explicit Photonic(PhotonicConstants constants) : c_(std::move(constants)) {}
  using CostModel::estimate;
  Estimate estimate(const Workload& workload) const override;

  // Where power and energy go.
  enum Part {
    laser,
    dac,
    modulator,
    adc,
    amplifier,
    detector,
    adder,
    cells,
    memory,
    dram,
    electronics,
    kParts
  };
  using Parts = std::array<double, kParts>;

  // Power in W with everything running.
  Parts power(int first_bits, int second_bits, double clock_share) const;

 private:
  struct Product;  // one matrix product of a layer
  struct Run;      // what a layer does: cycles, seconds, energy by part
  void add(const Product& product, double hz, Run& run) const;
  void add_memory(const Product& product, double sums, double inputs, Run& run) const;
  Run multiply(const Kernel& kernel, const Workload& workload) const;
  void add_softmax(const Kernel& kernel, const Workload& workload, Run& run) const;
  Run other(const Kernel& kernel, const Workload& workload) const;
  LayerCost run(const Kernel& kernel, const Workload& workload, Cost& cost, Parts& energy) const;
  void add_counts(const Workload& workload, const Parts& energy, Cost& cost) const;
  void replace_others(const Workload& workload, Cost& cost, Parts& energy) const;
  double dac_w(int bits, double hz) const;
  double adc_w(int bits, double hz) const;
  double leakage_w() const;
  double seconds_from_dram(double bytes) const { return bytes / c_.memory.dram_bytes_per_s; }

  PhotonicConstants c_;
};

// Throws InputError.
PhotonicConstants read_photonic(const TomlTable& file, const std::string& device,
                                Confidence confidence);
std::shared_ptr<const CostModel> make_photonic(const TomlTable& file, const std::string& device,
                                               Confidence confidence);

}  // namespace hwnas
