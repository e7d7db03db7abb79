#include "hw_models/families/analog_array.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace hwnas {
namespace {

constexpr int kMostSlices = 32;

std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

// Bits of each slice. Pulses: the bits split evenly, the larger first.
struct Slices {
  std::array<int, kMostSlices> bits{};
  int count = 0;

  Slices(const AnalogArray& array, int activation_bits, int phases) {
    int left = std::max(1, activation_bits - array.sign_bits);
    count =
        array.pulses ? std::min(phases, left) : static_cast<int>(ceil_div(left, array.slice_bits));
    for (int i = 0; i < count; ++i) {
      const int p = array.pulses ? static_cast<int>(ceil_div(left, count - i))
                                 : std::min(left, array.slice_bits);
      bits[static_cast<std::size_t>(i)] = p;
      left -= p;
    }
  }
};

// Joins `cells` sums of `bits` bits at their place values, slice after slice into an accumulator.
struct Gates {
  double adders = 0, accumulator_bits = 0, delay_s = 0;

  Gates(const AnalogArray& a, const AnalogMvm& mvm, int cells) {
    if (cells > 1) {
      const double depth = std::log2(cells);
      adders = mvm.adc_bits * (cells - 1.0) + cells * (depth - 0.5);
      delay_s = (std::ceil(depth) - 1) * a.sum_s + a.carry_out_s + (cells - 1) * a.carry_s;
    }
    if (mvm.slices > 1) {
      accumulator_bits = mvm.activation_bits + mvm.adc_bits + mvm.weight_bits;
      delay_s += a.carry_out_s + (mvm.activation_bits - 1) * a.carry_s;
    }
  }
};

}  // namespace

AnalogMvm::AnalogMvm(const AnalogArray& a, int weights, int activations, int adc, int phases)
    : weight_bits(weights), activation_bits(activations), adc_bits(adc) {
  using Encoding = AnalogArray::Encoding;
  const Slices split(a, activations, phases);
  slices = split.count;
  first_slice_bits = split.bits[0];
  const int cells = static_cast<int>(ceil_div(weights, a.cell_bits));
  rows_per_weight = a.encoding == Encoding::differential_rows ? 2 : 1;
  columns_per_weight = cells * (a.encoding == Encoding::differential_columns ? 2 : 1);
  weights_per_row = (a.columns - (a.encoding == Encoding::offset_column)) / columns_per_weight;

  const Gates gates(a, *this, cells);
  const double share = static_cast<double>(ceil_div(a.columns, a.adcs));
  int weightier = 0;  // bits applied before: of pulses, the ADC need not resolve them again
  for (int i = 0; i < slices; ++i) {
    const int p = split.bits[static_cast<std::size_t>(i)];
    const double shots = a.pulses ? std::ldexp(1.0, p) - 1 : 1;
    const int bits = std::max(1, a.pulses ? adc_bits - weightier : adc_bits);
    const double read = a.read_s * shots + a.slice_s;
    const double convert = share * bits * (a.adc_bit_s + a.adc_bit_row_s * a.rows);
    time_s += (a.overlapped ? std::max(read, convert) : read + convert) + gates.delay_s;
    row_j += a.row_j + a.row_bit_j * p;
    cell_j += a.cell_j * shots;
    column_j += a.bitline_cell_j * a.rows;
    adc_j += a.adc_bit_j * std::max(0, bits - a.adc_free_bits) +
             a.adc_quad_j * std::ldexp(1.0, 2 * bits);
    weightier += p;
  }
  digital_j = a.conversion_j * slices;
  output_j = slices * (gates.adders * a.full_adder_j +
                       gates.accumulator_bits * (a.full_adder_j + a.register_j));

  const double adc_m2 =
      adc_bits > 1 ? a.adc_m2 * std::pow(10, a.adc_area_per_bit * adc_bits) * std::exp2(adc_bits)
                   : 0;
  area_m2 = a.cell_m2 * a.rows * a.columns + adc_m2 * a.adcs +
            weights_per_row * (gates.adders * a.full_adder_m2 +
                               gates.accumulator_bits * (a.full_adder_m2 + a.register_m2));
}

AnalogTiles::AnalogTiles(const AnalogArray& array, const AnalogMvm& mvm, const Gemm& gemm) {
  const std::int64_t depth = gemm.k * mvm.rows_per_weight;
  const std::int64_t deep = ceil_div(depth, array.rows);
  const std::int64_t wide = ceil_div(gemm.n, mvm.weights_per_row);
  // Small groups (depthwise) share an array along its diagonal; the cells between hold zeros.
  const std::int64_t packed =
      deep > 1 || wide > 1
          ? 1
          : std::min({gemm.repeats, array.rows / depth, mvm.weights_per_row / gemm.n});
  const std::int64_t fullest = std::min<std::int64_t>(depth * packed, array.rows);
  const auto repeats = static_cast<double>(gemm.repeats);
  row_tiles = static_cast<double>(deep);
  column_tiles = static_cast<double>(wide);
  arrays = static_cast<double>(ceil_div(gemm.repeats, packed) * deep * wide);
  row_groups = static_cast<double>(ceil_div(fullest, array.active_rows));
  rows = static_cast<double>(depth) * column_tiles * repeats;
  columns = static_cast<double>(gemm.n * mvm.columns_per_weight) * row_tiles * repeats;
  if (array.encoding == AnalogArray::Encoding::offset_column) columns += arrays;
  cells = static_cast<double>(depth * gemm.n * mvm.columns_per_weight) * repeats;
  const double groups_of_column =
      static_cast<double>(ceil_div(std::min<std::int64_t>(depth, array.rows), array.active_rows));
  conversions = columns * groups_of_column;
  outputs = static_cast<double>(gemm.n) * row_tiles * repeats;
}

}  // namespace hwnas
