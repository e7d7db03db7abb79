// AnalogArray: one crossbar or SRAM macro that multiplies a vector by the matrix it stores, with
// its converters. Regular values and free functions; thread-safe. Times are at the highest clock.
//
// A weight takes ceil(weight_bits / cell_bits) cells of a row (differential: twice as many), an
// input is applied slice by slice, and each slice ends in one conversion for each used column:
//   t_slice = read_s * (pulses: 2^p - 1, else 1) + slice_s + ceil(columns / adcs) * t_adc +
//   t_digital t_adc   = bits * (seconds_per_bit + seconds_per_bit_row * rows) E_slice = rows *
//   (E_row + p * E_row_bit) + cells * E_cell * pulses
//             + columns * (rows of the array * E_bitline_cell + E_adc(bits) + E_conversion)
//   E_adc   = E_bit * bits + E_quad * 4^bits;  rows, cells, columns: the used ones
// Behind the converters, a tree of full adders joins the cells of a weight by place value, and an
// accumulator the slices; their delay is that of rippling carries.
// Sources: ZigZag's law of 28 nm AIMC macros (Sun et al., arXiv:2405.14978), ISAAC
// (doi:10.1109/ISCA.2016.12), NeuRRAM (doi:10.1038/s41586-022-04992-8).
#pragma once

#include <cstdint>

#include "hw_models/gemm.h"

namespace hwnas {

struct AnalogArray {
  enum class Encoding { plain, offset_column, differential_columns, differential_rows };

  int rows = 1, columns = 1;
  int arrays = 1;
  int cell_bits = 1;
  int active_rows = 1;  // at once
  int adcs = 1;         // of one array
  Encoding encoding = Encoding::plain;

  bool pulses = false;  // a slice of p bits is up to 2^p - 1 pulses; else one level of a DAC
  int slice_bits = 1;   // of levels
  int sign_bits = 0;    // of the input, applied by polarity
  double read_s = 0, slice_s = 0;
  double row_j = 0, row_bit_j = 0;  // of a used row and slice; and bit of it

  double cell_j = 0;          // of a used cell and pulse
  double bitline_cell_j = 0;  // of every cell of a used column, each slice

  bool overlapped = false;  // converts one slice while it reads the next
  bool halved_range = false;
  int adc_free_bits = 0;  // signs: a comparison, no step
  double adc_bit_s = 0, adc_bit_row_s = 0, adc_bit_j = 0, adc_quad_j = 0;

  double conversion_j = 0;                         // shift, add and registers, of each conversion
  double full_adder_j = 0, register_j = 0;         // gates, where they are counted
  double sum_s = 0, carry_out_s = 0, carry_s = 0;  // of a full adder

  double partial_sum_bytes = 4;  // of what leaves an array, where arrays add up

  double cell_m2 = 0, full_adder_m2 = 0, register_m2 = 0;
  double adc_m2 = 0, adc_area_per_bit = 0;  // adc_m2 * 10^(adc_area_per_bit * bits) * 2^bits
};

// One precision: what an array does with one input vector. Energies and counts of one vector.
struct AnalogMvm {
  AnalogMvm() = default;
  // `phases`: slices of a pulsed input; of levels they follow from the bits.
  AnalogMvm(const AnalogArray& array, int weight_bits, int activation_bits, int adc_bits,
            int phases);

  int weight_bits = 0, activation_bits = 0, adc_bits = 0;
  int slices = 0, first_slice_bits = 0;
  int rows_per_weight = 1, columns_per_weight = 1;
  int weights_per_row = 0;  // of an array; 0: it cannot hold one
  double time_s = 0;        // of one row group, all slices
  double row_j = 0;         // of a used row
  double cell_j = 0;        // of a used cell
  double column_j = 0;      // of a used column: its bit line
  double adc_j = 0;         // of a used column: its conversions
  double digital_j = 0;     // of a used column
  double output_j = 0;      // of an output: adder tree and accumulator
  double area_m2 = 0;       // of an array
};

// A matrix on arrays. Of one copy.
struct AnalogTiles {
  AnalogTiles(const AnalogArray& array, const AnalogMvm& mvm, const Gemm& gemm);

  double arrays = 0;
  double row_groups = 1;   // of the fullest array, one after the other
  double rows = 0;         // used, of all arrays
  double cells = 0;        // used
  double columns = 0;      // used
  double conversions = 0;  // columns times the row groups that hold something of theirs
  double outputs = 0;      // partial sums that leave the arrays
  double row_tiles = 1, column_tiles = 1;
};

}  // namespace hwnas
