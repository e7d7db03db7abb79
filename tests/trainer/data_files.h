// Small data sets in the published formats, written to a folder that goes with the test.
#pragma once

#include <unistd.h>
#include <zlib.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "space/rng.h"
#include "tests/scratch_folder.h"

namespace hwnas::testing {

using Bytes = std::vector<std::uint8_t>;

using TempDir = ScratchFolder;

inline void write_file(const std::filesystem::path& path, const Bytes& bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
}

inline Bytes read_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return Bytes{std::istreambuf_iterator<char>(file), {}};
}

inline void write_gzip(const std::filesystem::path& path, const Bytes& bytes) {
  gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(file);
}

inline void put_big_endian(Bytes& bytes, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8)
    bytes.push_back(static_cast<std::uint8_t>(value >> shift));
}

// `count` images of 28x28 with labels 0, 1, ... 9, 0, ...: a bright bar whose row tells the class,
// in noise. A small network learns them within an epoch or two.
struct Bars {
  Bytes images, labels;  // as IDX files
};

inline Bars make_bars(int count, std::uint64_t seed = 1) {
  Bars bars;
  put_big_endian(bars.images, 0x803);
  put_big_endian(bars.labels, 0x801);
  put_big_endian(bars.images, static_cast<std::uint32_t>(count));
  put_big_endian(bars.labels, static_cast<std::uint32_t>(count));
  put_big_endian(bars.images, 28);
  put_big_endian(bars.images, 28);
  Rng rng(seed);
  for (int i = 0; i < count; ++i) {
    const int label = i % 10;
    bars.labels.push_back(static_cast<std::uint8_t>(label));
    for (int p = 0; p < 28 * 28; ++p) {
      const int row = p / 28;
      const bool bar = row / 2 == label + 2;
      bars.images.push_back(static_cast<std::uint8_t>((bar ? 150 : 0) + rng.below(100)));
    }
  }
  return bars;
}

inline void write_bars(const std::filesystem::path& directory, int count,
                       const std::string& part = "train") {
  const Bars bars = make_bars(count);
  write_file(directory / (part + "-images-idx3-ubyte"), bars.images);
  write_file(directory / (part + "-labels-idx1-ubyte"), bars.labels);
}

}  // namespace hwnas::testing
