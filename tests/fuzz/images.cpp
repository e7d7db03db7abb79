// Data sets, plain or gzip: "A" and the pixels and labels of an IDX pair, or "B" and a CIFAR batch,
// or "C" and a text. The first byte says which, the next two where the second file begins.
#include "trainer/dataset.h"

#include <algorithm>

#include "tests/fuzz/fuzz.h"

namespace {

void try_to_load(hwnas::DataSet set, const std::filesystem::path& folder) {
  try {
    (void)hwnas::load_images(set, hwnas::Part::training, folder);
  } catch (const hwnas::InputError&) {
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size < 3) return 0;
  const auto folder = hwnas::fuzz::folder();
  std::filesystem::create_directories(folder / "z");
  const std::size_t cut = std::min<std::size_t>(size - 3, bytes[1] * 256u + bytes[2]);
  const std::uint8_t* const data = bytes + 3;
  switch (bytes[0]) {
    case 'A':
      hwnas::fuzz::write(folder / "train-images-idx3-ubyte", data, cut);
      hwnas::fuzz::write(folder / "train-labels-idx1-ubyte", data + cut, size - 3 - cut);
      try_to_load(hwnas::DataSet::mnist, folder);
      break;
    case 'a':
      hwnas::fuzz::write(folder / "z" / "train-images-idx3-ubyte.gz", data, cut);
      hwnas::fuzz::write(folder / "z" / "train-labels-idx1-ubyte.gz", data + cut, size - 3 - cut);
      try_to_load(hwnas::DataSet::mnist, folder / "z");
      break;
    case 'B':
      hwnas::fuzz::write(folder / "train.bin", data, size - 3);
      try_to_load(hwnas::DataSet::cifar100, folder);
      break;
    case 'C':
    case 'c': {
      const auto file = folder / (bytes[0] == 'C' ? "text.txt" : "text.txt.gz");
      hwnas::fuzz::write(file, data, size - 3);
      try {
        (void)hwnas::load_text(file, hwnas::Part::training, 4);
      } catch (const hwnas::InputError&) {
      }
      break;
    }
  }
  return 0;
}
