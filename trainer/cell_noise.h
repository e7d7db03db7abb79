// CellNoise: what analog cells make of the weights that are written to them, and converters of what
// goes in and comes out. Numbers only: whoever knows a device's physics tabulates them.
//
// A weight w of a layer becomes a conductance of |w| / m of the largest one, m the largest
// magnitude or, if that is less, 2.5 root mean squares (what is larger is clipped), in one cell, or
// in a pair that is subtracted (the partner at zero). Errors are normal, independent between cells;
// conductances do not fall below zero. The mean decay over a layer is compensated by one factor, as
// chips do (Joshi et al., doi:10.1038/s41467-020-16108-9).
//
// In training every step draws a new map of cells at one of the times (statistics-aware: Borders et
// al., doi:10.1103/PhysRevApplied.21.054028); gradients pass as if nothing had happened
// (straight-through). In evaluation a map is programmed once and read anew for each batch.
// Free functions, thread-safe for different arguments.
#pragma once

#include <vector>

namespace at {
class Tensor;
}

namespace hwnas {

class Rng;

struct CellNoise {
  // After so many seconds; each list at targets 0, 1/(n-1), ..., 1 of the largest conductance, as
  // shares of it, n >= 2.
  struct Time {
    double seconds = 0;
    std::vector<double> mean;
    std::vector<double> deviation;  // between cells
    std::vector<double> read;       // between readings of one cell
  };
  std::vector<Time> times;                         // at least one
  double clip = 0;                                 // 0: nothing is
  int devices_per_weight = 1;                      // or 2
  double stuck_off_share = 0, stuck_on_share = 0;  // of the cells, at 0 and at 1
  bool recalibrated = false;  // each chip's norms are measured anew (AdaBS: Joshi et al. 2020)
  int input_bits = 0, adc_bits = 0;  // 0: not rounded
  double adc_range_deviations =
      0;  // half the range over the root mean square of a layer's sums; 0: all
};

// {what the cells hold, compensated} and, where readings differ, {their deviation}.
using CellMap = std::vector<at::Tensor>;

// Of a layer's weights at noise.times[time].
CellMap program_cells(const CellNoise& noise, std::size_t time, const at::Tensor& weight, Rng& rng);

// The weights of one reading.
at::Tensor read_cells(const CellMap& map, Rng& rng);

// Rounded to 2^bits codes between the tensor's smallest and largest value, zero among them.
at::Tensor converted_input(const CellNoise& noise, const at::Tensor& x);
at::Tensor converted_output(const CellNoise& noise, const at::Tensor& y);

// `changed` in value, `x` to gradients.
at::Tensor straight_through(const at::Tensor& x, const at::Tensor& changed);

}  // namespace hwnas
