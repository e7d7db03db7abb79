// The command line of hwnas-trainer.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "trainer/trainer.h"

namespace hwnas {

struct TrainerOptions {
  bool help = false, version = false;
  bool noise = false;  // no data set: random images, for scores alone
  DataSet data_set = DataSet::fashion_mnist;
  std::filesystem::path data;
  int context = 128;  // of a text: bytes of a sequence
  double validation_share = 0.1;
  std::optional<int> train_images;
  std::uint64_t split_seed = 1;
  int threads = 1;
  Device device = Device::cpu;
  double memory_limit_bytes = 0;  // 0: none
  double pulse_s = 0;             // 0: none
};

std::string trainer_help();

// Throws InputError: an unknown or missing option, a value out of range.
TrainerOptions parse_trainer_options(int argc, const char* const* argv);

}  // namespace hwnas
