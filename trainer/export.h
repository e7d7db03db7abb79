// A trained network as files that other programs read.
//
// In `folder`, which exists: model.safetensors (its values, LAYER.weight, .bias, .mean, .var) and
// model.pt (TorchScript, trainer/torch_script.h). Values are as trained, float32, but for weights
// that the layer's density prunes: these are zero. With `samples`, samples.safetensors: the first
// of the test images as the network reads them ("images", normalised), "labels" and the "logits"
// that this trainer gets, to check other runtimes against.
//
// With `int8`, also model.int8.safetensors and network.int8.toml (trainer/integer_network.h),
// calibrated on `calibration` training images; the samples then have "int8_logits".
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "trainer/module.h"
#include "trainer/trainer.h"

namespace hwnas {

struct ExportSettings {
  std::filesystem::path weights;  // as train() saved them
  std::filesystem::path folder;
  int samples = 0;
  bool on_test = false;  // accuracies are of the test part, not of the validation part
  bool int8 = false;
  int calibration = 512;  // images, the first of the training part
};

struct ExportOutcome {
  Normalisation normalisation;  // of the images, as the network was trained
  Shape image;                  // of the data set; a network of another size reads them resized
  // Of the float32 model, and of the integer one.
  double accuracy = 0;
  std::optional<double> int8_accuracy;
  std::string failure;  // empty: done; else the reason, one line
};

// `test` is read where samples or accuracies of it are asked for. Never throws. Not thread-safe for
// one folder.
ExportOutcome export_model(const Trainer& trainer, const Network& network,
                           const ExportSettings& settings, const Images& test);

}  // namespace hwnas
