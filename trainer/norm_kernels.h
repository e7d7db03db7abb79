// Loops of norm.h over rows x channels floats, row by row. No LibTorch. Thread-safe.
//
// To fill vector registers whatever the number of channels, the loops run over tiles of several
// rows, with the per-channel constants repeated to the length of a tile.
#pragma once

#include <cstdint>
#include <vector>

namespace hwnas {

// Per channel, double: sums of x - pivot and of its square.
struct Moments {
  std::vector<double> sum, squares;
};
Moments moments(const float* x, const float* pivot, std::int64_t rows, int channels);

// y = clamp(x * scale + shift, low, high)
void scale_clamp(const float* x, const float* scale, const float* shift, float low, float high,
                 std::int64_t rows, int channels, float* y);

// The same scale, shift and bounds decide where the clamp passed the gradient dy on: m = dy there,
// else 0. Returns per channel: sum of m, and of m * (x - pivot) in `squares`.
Moments gradient_moments(const float* x, const float* dy, const float* scale, const float* shift,
                         const float* pivot, float low, float high, std::int64_t rows,
                         int channels);

// dx = scale * m + slope * x + offset
void input_gradient(const float* x, const float* dy, const float* scale, const float* shift,
                    const float* slope, const float* offset, float low, float high,
                    std::int64_t rows, int channels, float* dx);

}  // namespace hwnas
