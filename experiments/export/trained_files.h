// What hwnas-trainer writes of a trained network (trainer/export.h), asked for by hwnas.
#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "experiments/run_config.h"
#include "search/store/final_training.h"
#include "space/network.h"

namespace hwnas {

struct TrainedFiles {
  Shape image;                       // of the data set
  std::vector<double> mean, stddev;  // of the training part, per channel, of bytes / 255
  // Of the float32 model and of the integer one, on the test part where a full training is
  // exported, else on the validation part.
  double accuracy = 0;
  std::optional<double> int8_accuracy;
  std::int64_t images = 0;  // of that part
  std::string torch;        // LibTorch's version
};

struct TrainedRequest {
  Network network;
  std::filesystem::path weights;       // of the search, or
  std::optional<FinalTraining> final;  // of this training in full
  std::filesystem::path folder;
  int samples = 0;          // test images with what the network says of them
  std::optional<int> int8;  // the integer network too, calibrated on so many training images
};

// Starts a trainer as the config says. Nothing where stopped. Throws InputError: the trainer does
// not start, or refuses.
std::optional<TrainedFiles> write_trained_files(const RunConfig& config,
                                                const TrainedRequest& wanted, std::stop_token stop);

}  // namespace hwnas
