// What makes a stored state or cache that of this training and of no other. Internal to trainer/.
// Pure but for the files named; thread-safe.
#pragma once

#include <cstdint>

#include "trainer/trainer.h"

namespace hwnas {

std::uint64_t data_identity(const Images& images);

// Of network, seed, where it starts and what each step does, but for the images and for how long it
// goes on: a longer training may continue what a shorter one left.
std::uint64_t step_identity(const Network& network, const TrainSettings& settings);

// Of the whole training. `data`: data_identity of the training part.
std::uint64_t training_identity(const Network& network, const TrainSettings& settings,
                                std::uint64_t data);

// Of the teacher's network and the content of its weights. Throws std::runtime_error where the
// weights cannot be opened.
std::uint64_t teacher_identity(const Distillation& distillation, std::uint64_t data);

}  // namespace hwnas
