// Checkpoint: all that a training needs to go on where it was, to the last bit.
//
// The random numbers are not in it: they follow from seed and step (a stream for each epoch).
// Values are those of weights, running statistics and momentum by name. Regular; free functions,
// thread-safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "trainer/trainer.h"

namespace hwnas {

struct Checkpoint {
  std::uint64_t identity = 0;  // of what is trained, on what and how: another's is not continued
  std::int64_t step = 0;       // batches done, of all epochs
  std::int64_t images = 0;     // trained on
  float loss_sum = 0;          // over the batches done of the epoch under way
  std::int64_t summed = 0;     // how many these are
  double seconds = 0;          // spent so far
  std::vector<EpochReport> curve;
  struct Values {
    std::string name;
    std::vector<float> numbers;
  };
  std::vector<Values> values;
};

// Atomically: PATH holds this checkpoint or what it held before. Throws std::runtime_error.
void save_checkpoint(const Checkpoint& checkpoint, const std::filesystem::path& path);

// Throws std::runtime_error, one line: cannot be read, is none, is damaged.
Checkpoint load_checkpoint(const std::filesystem::path& path);

}  // namespace hwnas
