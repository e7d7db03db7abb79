#include "trainer/teacher.h"

#include <torch/torch.h>

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <stdexcept>

#include "trainer/checked_file.h"
#include "trainer/identity.h"
#include "trainer/module.h"

namespace hwnas {
namespace {

using at::Tensor;

const std::string kKind = "hwnasTL1";
constexpr std::size_t kBatch = 250;

Tensor as_tensor(std::vector<float> logits, int classes) {
  const auto rows = static_cast<std::int64_t>(logits.size()) / classes;
  return torch::from_blob(logits.data(), {rows, classes}, at::kFloat).clone();
}

// The kept logits; nothing where the file is not there or damaged.
std::vector<float> read_cache(const std::filesystem::path& file, std::size_t count,
                              const std::function<void(const std::string&)>& note) {
  if (!std::filesystem::exists(file)) return {};
  try {
    std::vector<float> logits = values_of<float>(read_checked(file, kKind), "logits");
    if (logits.size() == count) return logits;
    note(file.string() + ": has another size; made anew");
  } catch (const std::runtime_error& error) {
    note(std::string(error.what()) + "; made anew");
  }
  return {};
}

std::vector<float> ask(Module& teacher, const Images& images, const Normalisation& normalisation,
                       Device device) {
  const torch::NoGradGuard no_grad;
  const auto [channels, height, width] = images.shape;
  const Batcher batcher(images, normalisation);
  teacher.set_training(false);
  std::vector<int> order(static_cast<std::size_t>(images.size()));
  std::iota(order.begin(), order.end(), 0);
  std::vector<float> logits;
  Rng rng(0);
  for (std::size_t at = 0; at < order.size(); at += kBatch) {
    const std::span<const int> some(order.data() + at, std::min(kBatch, order.size() - at));
    Tensor batch = torch::empty(
        {static_cast<std::int64_t>(some.size()), channels, height, width},
        at::TensorOptions().dtype(at::kFloat).memory_format(at::MemoryFormat::ChannelsLast));
    std::vector<std::int64_t> labels(some.size());
    batcher.fill(some, {}, rng, true, batch.data_ptr<float>(), labels.data());
    if (device == Device::cuda) batch = batch.to(at::kCUDA);
    const Tensor out = teacher.logits(batch).flatten(1).to(at::kFloat).to(at::kCPU).contiguous();
    if (out.size(1) != images.classes) {
      throw std::runtime_error("the teacher has " + std::to_string(out.size(1)) +
                               " outputs, the data " + std::to_string(images.classes) + " classes");
    }
    logits.insert(logits.end(), out.data_ptr<float>(), out.data_ptr<float>() + out.numel());
  }
  return logits;
}

}  // namespace

Tensor teacher_logits(const Distillation& distillation, const Images& images, std::uint64_t data,
                      const Normalisation& normalisation, Device device,
                      const std::function<void(const std::string&)>& note) {
  std::filesystem::path file = distillation.logits;
  if (!file.empty()) {
    char hash[24];
    std::snprintf(hash, sizeof hash, ".%016llx",
                  static_cast<unsigned long long>(teacher_identity(distillation, data)));
    file += hash;
  }
  const std::size_t count =
      static_cast<std::size_t>(images.size()) * static_cast<std::size_t>(images.classes);
  std::vector<float> logits;
  if (!file.empty()) logits = read_cache(file, count, note);
  if (logits.empty()) {
    Module teacher(distillation.teacher, {});
    load_weights(teacher, distillation.weights);
    if (device == Device::cuda) teacher.move_to_cuda();
    logits = ask(teacher, images, normalisation, device);
    if (!file.empty()) write_checked(file, kKind, {{"logits", bytes_of(logits)}});
  }
  return as_tensor(std::move(logits), images.classes);
}

Tensor distillation_loss(const Tensor& student, const Tensor& teacher, double temperature) {
  const Tensor target = torch::softmax(teacher / temperature, 1);
  const Tensor gap =
      torch::log_softmax(teacher / temperature, 1) - torch::log_softmax(student / temperature, 1);
  return (target * gap).sum(1).mean() * (temperature * temperature);
}

}  // namespace hwnas
