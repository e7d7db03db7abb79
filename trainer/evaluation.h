// Evaluation: how good a module is on data that it has not seen, as it is deployed: at its bits, on
// its cells. Internal to trainer/.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <span>
#include <vector>

#include "space/rng.h"
#include "trainer/batcher.h"
#include "trainer/module.h"
#include "trainer/trainer.h"

namespace hwnas {

struct Batch {
  at::Tensor images, labels;  // labels: a long for each image, or for each byte of each sequence
};

// Normalised, augmented images of one batch, on the device.
Batch make_batch(const Batcher& batcher, std::span<const int> indices, const Images& images,
                 const Augment& augment, Rng& rng, bool channels_last, Device device);

// The first images of a training part, unaugmented, for Module::calibrate().
std::vector<at::Tensor> calibration_images(const Images& images, const Batcher& batcher,
                                           Device device);

// What a module is tried on; refers to its parts.
struct HeldOut {
  const Images& images;
  const Normalisation& normalisation;
  Device device = Device::cpu;
  bool bf16 = false;
};

// Rounded and pruned as deployed, but not on cells. Leaves the module in training mode.
Score score_on(Module& module, const HeldOut& data);

// On `settings.noise_draws` chips for each time of settings.cells. `calibration`: images for chips
// that are recalibrated. `between`: called after each. Leaves the module as it was.
std::vector<NoisyAccuracy> score_on_cells(Module& module, const HeldOut& data,
                                          const TrainSettings& settings,
                                          const std::vector<at::Tensor>& calibration,
                                          const std::function<void()>& between = {});

// The accuracy of the worst time, its error that of the chips and of the finite data together.
Estimated worst(const std::vector<NoisyAccuracy>& times, int images);

}  // namespace hwnas
