#include "trainer/norm_kernels.h"

#include <algorithm>

// One build serves old and new processors. (The thread sanitizer cannot start before the resolver
// of such functions runs.)
#if defined(__x86_64__) && defined(__linux__) && !defined(__SANITIZE_THREAD__)
#define HWNAS_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define HWNAS_CLONES
#endif

namespace hwnas {
namespace {

constexpr int kTile = 256;  // floats; long enough that a scalar remainder does not matter

// Rows of a tile, and a per-channel constant repeated to its length.
std::int64_t tile_rows(int channels) {
  return (kTile + channels - 1) / channels;
}

std::vector<float> repeat(const float* values, int channels) {
  std::vector<float> tile;
  for (std::int64_t r = 0; r < tile_rows(channels); ++r)
    tile.insert(tile.end(), values, values + channels);
  return tile;
}

// Lane sums are folded into double every so many tiles, which bounds the rounding of float.
constexpr std::int64_t kFold = 64;

struct Lanes {
  explicit Lanes(int channels)
      : count(tile_rows(channels) * channels),
        first(static_cast<std::size_t>(count)),
        second(static_cast<std::size_t>(count)),
        channels_(channels) {
    total.sum.assign(static_cast<std::size_t>(channels), 0);
    total.squares.assign(static_cast<std::size_t>(channels), 0);
  }

  void fold() {
    for (std::size_t j = 0, c = 0; j < first.size(); ++j) {
      total.sum[c] += first[j];
      total.squares[c] += second[j];
      first[j] = second[j] = 0;
      if (++c == static_cast<std::size_t>(channels_)) c = 0;
    }
  }

  std::int64_t count;
  std::vector<float> first, second;
  Moments total;

 private:
  int channels_;
};

HWNAS_CLONES void add_moments(const float* __restrict x, const float* __restrict pivot,
                              std::int64_t n, float* __restrict sum, float* __restrict squares) {
  for (std::int64_t j = 0; j < n; ++j) {
    const float d = x[j] - pivot[j];
    sum[j] += d;
    squares[j] += d * d;
  }
}

HWNAS_CLONES void add_gradient_moments(const float* __restrict x, const float* __restrict dy,
                                       const float* __restrict scale, const float* __restrict shift,
                                       const float* __restrict pivot, float low, float high,
                                       std::int64_t n, float* __restrict sum,
                                       float* __restrict products) {
  for (std::int64_t j = 0; j < n; ++j) {
    const float y = x[j] * scale[j] + shift[j];
    const float m = (y > low) & (y < high) ? dy[j] : 0.0f;
    sum[j] += m;
    products[j] += m * (x[j] - pivot[j]);
  }
}

HWNAS_CLONES void scale_clamp_tile(const float* __restrict x, const float* __restrict scale,
                                   const float* __restrict shift, float low, float high,
                                   std::int64_t n, float* __restrict y) {
  for (std::int64_t j = 0; j < n; ++j) {
    const float value = x[j] * scale[j] + shift[j];
    const float above = value < low ? low : value;  // keeps NaN
    y[j] = above > high ? high : above;
  }
}

HWNAS_CLONES void input_gradient_tile(const float* __restrict x, const float* __restrict dy,
                                      const float* __restrict scale, const float* __restrict shift,
                                      const float* __restrict slope, const float* __restrict offset,
                                      float low, float high, std::int64_t n, float* __restrict dx) {
  for (std::int64_t j = 0; j < n; ++j) {
    const float y = x[j] * scale[j] + shift[j];
    const float m = (y > low) & (y < high) ? dy[j] : 0.0f;
    dx[j] = scale[j] * m + slope[j] * x[j] + offset[j];
  }
}

// Calls work(offset, floats) for each tile of rows x channels floats; the last one may be shorter.
template <typename Work>
void for_tiles(std::int64_t rows, int channels, Work work) {
  const std::int64_t step = tile_rows(channels) * channels, all = rows * channels;
  for (std::int64_t at = 0; at < all; at += step) work(at, std::min(step, all - at));
}

// The same, with the lanes folded now and then.
template <typename Work>
Moments sum_tiles(std::int64_t rows, int channels, Work work) {
  Lanes lanes(channels);
  std::int64_t tiles = 0;
  for_tiles(rows, channels, [&](std::int64_t at, std::int64_t n) {
    work(at, n, lanes.first.data(), lanes.second.data());
    if (++tiles % kFold == 0) lanes.fold();
  });
  lanes.fold();
  return std::move(lanes.total);
}

}  // namespace

Moments moments(const float* x, const float* pivot, std::int64_t rows, int channels) {
  const std::vector<float> pivots = repeat(pivot, channels);
  return sum_tiles(rows, channels,
                   [&](std::int64_t at, std::int64_t n, float* sum, float* squares) {
                     add_moments(x + at, pivots.data(), n, sum, squares);
                   });
}

void scale_clamp(const float* x, const float* scale, const float* shift, float low, float high,
                 std::int64_t rows, int channels, float* y) {
  const std::vector<float> scales = repeat(scale, channels), shifts = repeat(shift, channels);
  for_tiles(rows, channels, [&](std::int64_t at, std::int64_t n) {
    scale_clamp_tile(x + at, scales.data(), shifts.data(), low, high, n, y + at);
  });
}

Moments gradient_moments(const float* x, const float* dy, const float* scale, const float* shift,
                         const float* pivot, float low, float high, std::int64_t rows,
                         int channels) {
  const std::vector<float> scales = repeat(scale, channels), shifts = repeat(shift, channels),
                           pivots = repeat(pivot, channels);
  return sum_tiles(rows, channels,
                   [&](std::int64_t at, std::int64_t n, float* sum, float* products) {
                     add_gradient_moments(x + at, dy + at, scales.data(), shifts.data(),
                                          pivots.data(), low, high, n, sum, products);
                   });
}

void input_gradient(const float* x, const float* dy, const float* scale, const float* shift,
                    const float* slope, const float* offset, float low, float high,
                    std::int64_t rows, int channels, float* dx) {
  const std::vector<float> scales = repeat(scale, channels), shifts = repeat(shift, channels),
                           slopes = repeat(slope, channels), offsets = repeat(offset, channels);
  for_tiles(rows, channels, [&](std::int64_t at, std::int64_t n) {
    input_gradient_tile(x + at, dy + at, scales.data(), shifts.data(), slopes.data(),
                        offsets.data(), low, high, n, dx + at);
  });
}

}  // namespace hwnas
