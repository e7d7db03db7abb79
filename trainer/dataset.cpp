#include "trainer/dataset.h"

#include <array>
#include <string>

#include "space/input_error.h"
#include "trainer/byte_file.h"

namespace hwnas {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::uint8_t>;

constexpr std::array<std::string_view, 5> kNames{"fashion_mnist", "mnist", "cifar10", "cifar100",
                                                 "text"};
constexpr std::uint32_t kIdxImages = 0x803,
                        kIdxLabels = 0x801;  // unsigned bytes, 3 and 1 dimensions

[[noreturn]] void fail(const fs::path& file, const std::string& problem) {
  throw InputError(file.string(), 0, "", "", problem);
}

std::uint32_t big_endian(const Bytes& bytes, std::size_t at) {
  return std::uint32_t{bytes[at]} << 24 | std::uint32_t{bytes[at + 1]} << 16 |
         std::uint32_t{bytes[at + 2]} << 8 | bytes[at + 3];
}

void check_label(int label, int classes, std::size_t index, const fs::path& file) {
  if (label < classes) return;
  fail(file, "label " + std::to_string(label) + " of image " + std::to_string(index) +
                 " is out of range; expected 0 to " + std::to_string(classes - 1));
}

// Checks the magic number and the length of an IDX file and gives its first dimension.
std::size_t idx_count(const Bytes& bytes, std::uint32_t magic, std::size_t item,
                      const fs::path& file) {
  const std::size_t header = magic == kIdxImages ? 16 : 8;
  if (bytes.size() < header) fail(file, "is cut short: no IDX header");
  if (big_endian(bytes, 0) != magic) {
    fail(file, "has magic number " + std::to_string(big_endian(bytes, 0)) + ", expected " +
                   std::to_string(magic) + "; is it the right IDX file?");
  }
  const std::size_t count = big_endian(bytes, 4);
  if (bytes.size() != header + count * item) {
    fail(file, "holds " + std::to_string(bytes.size()) + " bytes, expected " +
                   std::to_string(header + count * item) + " for " + std::to_string(count) +
                   " items");
  }
  return count;
}

Images load_idx(Part part, const fs::path& directory) {
  const std::string prefix = part == Part::training ? "train" : "t10k";
  constexpr std::size_t kLimit = std::size_t{256} << 20;
  Images images{{1, 28, 28}, 10, {}, {}};
  fs::path pixel_file, label_file;
  images.pixels =
      read_first(directory, {prefix + "-images-idx3-ubyte", prefix + "-images.idx3-ubyte"}, kLimit,
                 pixel_file);
  const std::size_t count = idx_count(images.pixels, kIdxImages, 28 * 28, pixel_file);
  if (big_endian(images.pixels, 8) != 28 || big_endian(images.pixels, 12) != 28) {
    fail(pixel_file, "holds images of " + std::to_string(big_endian(images.pixels, 8)) + "x" +
                         std::to_string(big_endian(images.pixels, 12)) + ", expected 28x28");
  }
  images.pixels.erase(images.pixels.begin(), images.pixels.begin() + 16);
  images.labels =
      read_first(directory, {prefix + "-labels-idx1-ubyte", prefix + "-labels.idx1-ubyte"}, kLimit,
                 label_file);
  const std::size_t labels = idx_count(images.labels, kIdxLabels, 1, label_file);
  if (labels != count) {
    fail(label_file,
         "holds " + std::to_string(labels) + " labels for " + std::to_string(count) + " images");
  }
  images.labels.erase(images.labels.begin(), images.labels.begin() + 8);
  for (std::size_t i = 0; i < count; ++i) check_label(images.labels[i], 10, i, label_file);
  return images;
}

// CIFAR-10 records: label, 3072 pixels; CIFAR-100: coarse label, fine label, 3072 pixels.
Images load_cifar(DataSet set, Part part, fs::path directory) {
  const bool ten = set == DataSet::cifar10;
  const fs::path inner = directory / (ten ? "cifar-10-batches-bin" : "cifar-100-binary");
  if (fs::is_directory(inner)) directory = inner;
  std::vector<std::string> names;
  if (!ten) {
    names = {part == Part::training ? "train.bin" : "test.bin"};
  } else if (part == Part::test) {
    names = {"test_batch.bin"};
  } else {
    for (int i = 1; i <= 5; ++i) names.push_back("data_batch_" + std::to_string(i) + ".bin");
  }
  constexpr std::size_t kPixels = 3 * 32 * 32;
  const std::size_t record = kPixels + (ten ? 1 : 2);
  Images images{{3, 32, 32}, ten ? 10 : 100, {}, {}};
  for (const std::string& name : names) {
    fs::path file;
    const Bytes bytes = read_first(directory, {name}, record * 60000, file);
    if (bytes.empty() || bytes.size() % record != 0) {
      fail(file, "holds " + std::to_string(bytes.size()) +
                     " bytes, not a whole number of records of " + std::to_string(record));
    }
    for (std::size_t at = 0; at < bytes.size(); at += record) {
      const std::uint8_t label = bytes[at + record - kPixels - 1];
      check_label(label, images.classes, at / record, file);
      images.labels.push_back(label);
      const auto pixels = bytes.begin() + static_cast<std::ptrdiff_t>(at + record - kPixels);
      images.pixels.insert(images.pixels.end(), pixels, pixels + kPixels);
    }
  }
  return images;
}

}  // namespace

std::string_view to_string(DataSet set) {
  return kNames[static_cast<std::size_t>(set)];
}

std::optional<DataSet> parse_data_set(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<DataSet>(i);
  }
  return std::nullopt;
}

Images load_images(DataSet set, Part part, const fs::path& directory) {
  if (!fs::is_directory(directory)) {
    fail(directory,
         set == DataSet::fashion_mnist
             ? "no such directory; apt-get install dataset-fashion-mnist or set data.directory"
             : "no such directory; set data.directory to where " + std::string(to_string(set)) +
                   " was unpacked");
  }
  const bool idx = set == DataSet::fashion_mnist || set == DataSet::mnist;
  return idx ? load_idx(part, directory) : load_cifar(set, part, directory);
}

}  // namespace hwnas
