// Batcher: turns images in memory into normalised float batches, augmented on the way.
//
// One pass per image over its bytes (crop, flip and normalisation by table at once): about 0.1 ms
// for 128 images of 28x28, so no loader threads are needed. Crop shifts by up to `crop_pad` pixels
// in each direction over a black border; flip mirrors left and right with probability 1/2. Refers
// to `images`, which must outlive it. const access is thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "space/rng.h"
#include "trainer/dataset.h"

namespace hwnas {

struct Augment {
  bool flip = false;
  int crop_pad = 0;  // pixels

  friend bool operator==(const Augment&, const Augment&) = default;
};

// (byte/255 - mean) / stddev, per channel, of a training part. Of a text: what leaves its bytes as
// they are.
struct Normalisation {
  std::vector<double> mean, stddev;
};
Normalisation measure(const Images& images);

class Batcher {
 public:
  Batcher(const Images& images, const Normalisation& normalisation);

  // Writes image `indices[i]` at out + i * elements, as height x width x channels when
  // `channels_last`, else as channels x height x width; and its labels
  // behind each other to `labels`.
  // `rng` is drawn from three times per image, whatever the flags.
  void fill(std::span<const int> indices, const Augment& augment, Rng& rng, bool channels_last,
            float* out, std::int64_t* labels) const;

  // Draws from `rng` what fill() draws for so many images.
  static void skip(std::int64_t images, const Augment& augment, Rng& rng);

 private:
  void write(const std::uint8_t* from, int dy, int dx, bool flip, bool channels_last,
             float* out) const;

  const Images& images_;
  std::vector<std::array<float, 256>> table_;  // per channel: byte -> normalised value
};

}  // namespace hwnas
