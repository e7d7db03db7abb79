// What hwnas-trainer writes of a trained network (trainer/export.h), asked for by hwnas.
#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "experiments/run_config.h"
#include "space/network.h"

namespace hwnas {

struct TrainedFiles {
  Shape image;                       // of the data set
  std::vector<double> mean, stddev;  // of the training part, per channel, of bytes / 255
  double accuracy = 0;               // of the float32 model on the validation part
  std::optional<double> int8_accuracy;
  std::int64_t validation_images = 0;
  std::string torch;  // LibTorch's version
};

// Starts a trainer as the config says. `samples`: test images with what the network says of them;
// 0: none. `int8`: the integer network too, calibrated on so many training images. Nothing where
// stopped. Throws InputError: the trainer does not start, or refuses.
std::optional<TrainedFiles> write_trained_files(const RunConfig& config, const Network& network,
                                                const std::filesystem::path& weights,
                                                const std::filesystem::path& folder, int samples,
                                                std::optional<int> int8, std::stop_token stop);

}  // namespace hwnas
