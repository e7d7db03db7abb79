#include "trainer/evaluation.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "trainer/autocast.h"
#include "trainer/compression.h"

namespace hwnas {
namespace {

using at::Tensor;

constexpr int kValidationBatch = 250, kCalibrationBatch = 256;
constexpr int kValidationSequences = 32;  // at a time: whose attention stays in the cache

// A map of cells to be programmed.
struct CellTime {
  const CellNoise* noise = nullptr;
  std::size_t time = 0;
  Rng* rng = nullptr;
  const std::vector<Tensor>* calibration = nullptr;
};

Score score_with(Module& module, const HeldOut& data, CellTime cells) {
  const torch::NoGradGuard no_grad;
  const Images& images = data.images;
  const Bf16Scope scope(data.bf16, data.device == Device::cuda);
  const Batcher batcher(images, data.normalisation);
  module.set_training(false);
  module.set_compressed(is_compressed(module.network()));
  module.set_cells(cells.noise, cells.rng);
  if (cells.noise != nullptr) module.program_cells(cells.time);
  const bool recalibrated = cells.noise != nullptr && cells.noise->recalibrated;
  const std::vector<Tensor> norms = recalibrated ? module.norm_statistics() : std::vector<Tensor>{};
  if (recalibrated) module.measure_norms(*cells.calibration);
  Rng rng(0);
  std::vector<int> order(static_cast<std::size_t>(images.size()));
  std::iota(order.begin(), order.end(), 0);
  Tensor right = torch::zeros({}, at::TensorOptions().dtype(at::kLong).device(
                                      data.device == Device::cuda ? at::kCUDA : at::kCPU));
  TextScorer text;
  const std::size_t most = images.is_text() ? kValidationSequences : kValidationBatch;
  for (std::size_t at = 0; at < order.size(); at += most) {
    const std::size_t count = std::min(most, order.size() - at);
    const Batch batch =
        make_batch(batcher, {order.data() + at, count}, images, {}, rng, true, data.device);
    const Tensor logits = module.logits(batch.images);
    if (images.is_text()) {
      text.add(logits, batch.labels);
    } else {
      right += logits.flatten(1).argmax(1).eq(batch.labels).sum();
    }
  }
  if (recalibrated) module.set_norm_statistics(norms);
  module.set_cells(nullptr, nullptr);
  module.set_compressed(false);
  module.set_training(true);
  if (images.is_text()) return text.score();
  return score_of_images(static_cast<double>(right.item<std::int64_t>()) / images.size(),
                         images.size());
}

}  // namespace

Batch make_batch(const Batcher& batcher, std::span<const int> indices, const Images& images,
                 const Augment& augment, Rng& rng, bool channels_last, Device device) {
  const auto count = static_cast<std::int64_t>(indices.size());
  const auto format = channels_last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
  const Shape& shape = images.shape;
  Batch batch{torch::empty({count, shape.channels, shape.height, shape.width},
                           at::TensorOptions().dtype(at::kFloat).memory_format(format)),
              torch::empty({count * images.labels_each}, at::kLong)};
  batcher.fill(indices, augment, rng, channels_last, batch.images.data_ptr<float>(),
               batch.labels.data_ptr<std::int64_t>());
  if (device == Device::cuda) {
    batch.images = batch.images.to(at::kCUDA);
    batch.labels = batch.labels.to(at::kCUDA);
  }
  return batch;
}

std::vector<Tensor> calibration_images(const Images& images, const Batcher& batcher,
                                       Device device) {
  const int each = images.is_text() ? kValidationSequences : kCalibrationBatch;
  std::vector<Tensor> batches;
  Rng rng(0);
  for (int at = 0; at < std::min(2 * each, images.size()); at += each) {
    std::vector<int> order(static_cast<std::size_t>(std::min(each, images.size() - at)));
    std::iota(order.begin(), order.end(), at);
    batches.push_back(make_batch(batcher, order, images, {}, rng, true, device).images);
  }
  return batches;
}

Score score_on(Module& module, const HeldOut& data) {
  return score_with(module, data, {});
}

// Streams of their own: noise changes nothing else that is drawn.
std::vector<NoisyAccuracy> score_on_cells(Module& module, const HeldOut& data,
                                          const TrainSettings& settings,
                                          const std::vector<Tensor>& calibration,
                                          const std::function<void()>& between) {
  constexpr std::uint64_t kStream = std::uint64_t{1} << 40;
  std::vector<NoisyAccuracy> times;
  for (std::size_t time = 0; time < settings.cells->times.size(); ++time) {
    double sum = 0, squares = 0;
    for (int draw = 0; draw < settings.noise_draws; ++draw) {
      Rng rng(settings.seed, kStream + time * 100'000 + static_cast<std::uint64_t>(draw));
      const double accuracy =
          score_with(module, data, {&*settings.cells, time, &rng, &calibration}).accuracy.value;
      sum += accuracy;
      squares += accuracy * accuracy;
      if (between) between();
    }
    const double n = settings.noise_draws, mean = sum / n;
    const double variance = n > 1 ? std::max(0.0, (squares - n * mean * mean) / (n - 1)) : 0;
    times.push_back({settings.cells->times[time].seconds, mean, std::sqrt(variance)});
  }
  return times;
}

Estimated worst(const std::vector<NoisyAccuracy>& times, int images) {
  const auto time = std::min_element(
      times.begin(), times.end(),
      [](const NoisyAccuracy& a, const NoisyAccuracy& b) { return a.mean < b.mean; });
  return {time->mean,
          std::sqrt(time->mean * (1 - time->mean) / images + time->stddev * time->stddev)};
}

}  // namespace hwnas
