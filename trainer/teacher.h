// Teacher: what a trained network says of the training images, for students to learn from.
//
// Hinton, Vinyals and Dean 2015, arXiv:1503.02531: the student's loss is
// (1 - weight) * cross entropy with the labels
//   + weight * T^2 * KL(softmax(teacher / T) || softmax(student / T)).
// The teacher sees each training image once, as it is, and its logits are kept in a file: 40 bytes
// an image, where a pass of the teacher for each batch costs as much as a larger student. Crops
// and flips of the student's image thus have the target of the whole one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "trainer/batcher.h"
#include "trainer/trainer.h"

namespace at {
class Tensor;
}

namespace hwnas {

// images x classes, float32 on the CPU: from the file that keeps them (its name holds a hash of the
// teacher and of the images, `data`), else computed and written there. `note` hears of a
// file that had to be made anew. Throws std::runtime_error: weights that do not fit, a network that
// does not fit the images.
at::Tensor teacher_logits(const Distillation& distillation, const Images& images,
                          std::uint64_t data, const Normalisation& normalisation, Device device,
                          const std::function<void(const std::string&)>& note);

// A scalar: the second term above without its weight; mean over the batch.
at::Tensor distillation_loss(const at::Tensor& student, const at::Tensor& teacher,
                             double temperature);

}  // namespace hwnas
