#include "trainer/batcher.h"

#include <algorithm>
#include <cmath>

namespace hwnas {

Normalisation measure(const Images& images) {
  if (images.is_text()) return {{0}, {1.0 / 255}};
  Normalisation result;
  const int plane = images.shape.height * images.shape.width;
  for (int c = 0; c < images.shape.channels; ++c) {
    std::int64_t sum = 0, squares = 0;
    for (int i = 0; i < images.size(); ++i) {
      const std::uint8_t* from = images.image(i) + static_cast<std::ptrdiff_t>(c) * plane;
      for (int p = 0; p < plane; ++p) {
        sum += from[p];
        squares += from[p] * from[p];
      }
    }
    const double n = static_cast<double>(plane) * std::max(images.size(), 1);
    const double mean = static_cast<double>(sum) / n;
    const double variance = static_cast<double>(squares) / n - mean * mean;
    result.mean.push_back(mean / 255);
    // A constant channel carries nothing; one grey level keeps the division defined.
    result.stddev.push_back(std::max(std::sqrt(std::max(variance, 0.0)), 1.0) / 255);
  }
  return result;
}

namespace {

struct Draw {
  int dy, dx;
  bool flip;
};

Draw draw(const Augment& augment, Rng& rng) {
  const auto reach = static_cast<std::uint32_t>(2 * augment.crop_pad + 1);
  const int dy = static_cast<int>(rng.below(reach)) - augment.crop_pad;
  const int dx = static_cast<int>(rng.below(reach)) - augment.crop_pad;
  return {dy, dx, (rng.next() >> 63 != 0) && augment.flip};
}

}  // namespace

Batcher::Batcher(const Images& images, const Normalisation& normalisation)
    : images_(images), table_(static_cast<std::size_t>(images.shape.channels)) {
  for (std::size_t c = 0; c < table_.size(); ++c) {
    for (int byte = 0; byte < 256; ++byte) {
      table_[c][static_cast<std::size_t>(byte)] =
          static_cast<float>((byte / 255.0 - normalisation.mean[c]) / normalisation.stddev[c]);
    }
  }
}

void Batcher::fill(std::span<const int> indices, const Augment& augment, Rng& rng,
                   bool channels_last, float* out, std::int64_t* labels) const {
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const auto [dy, dx, flip] = draw(augment, rng);
    write(images_.image(indices[i]), dy, dx, flip, channels_last, out);
    out += images_.shape.elements();
    labels = std::copy_n(images_.labels_of(indices[i]), images_.labels_each, labels);
  }
}

void Batcher::skip(std::int64_t images, const Augment& augment, Rng& rng) {
  for (std::int64_t i = 0; i < images; ++i) draw(augment, rng);
}

void Batcher::write(const std::uint8_t* from, int dy, int dx, bool flip, bool channels_last,
                    float* out) const {
  const auto [channels, height, width] = images_.shape;
  const std::ptrdiff_t step = channels_last ? channels : 1;
  for (int c = 0; c < channels; ++c) {
    const float* table = table_[static_cast<std::size_t>(c)].data();
    for (int y = 0; y < height; ++y) {
      float* row = channels_last ? out + static_cast<std::ptrdiff_t>(y) * width * channels + c
                                 : out + (static_cast<std::ptrdiff_t>(c) * height + y) * width;
      const int from_y = y + dy;
      const bool inside = from_y >= 0 && from_y < height;
      // Source column of output column x: x + dx, or mirrored width - 1 - x + dx.
      int from_x = flip ? width - 1 + dx : dx;
      const int direction = flip ? -1 : 1;
      const std::uint8_t* line =
          from + (static_cast<std::ptrdiff_t>(c) * height + (inside ? from_y : 0)) * width;
      for (int x = 0; x < width; ++x, from_x += direction) {
        const bool here = inside && from_x >= 0 && from_x < width;
        row[x * step] = table[here ? line[from_x] : 0];
      }
    }
  }
}

}  // namespace hwnas
