#include <torch/torch.h>

#include <algorithm>
#include <numeric>

#include "space/rng.h"
#include "trainer/failure.h"
#include "trainer/trainer.h"

namespace hwnas {
namespace {

constexpr std::uint64_t kBatchStream = 2;  // of a seed; 0 and 1: weights, Rademacher vectors

struct Batch {
  at::Tensor images, labels;
};

Batch empty_batch(int count, const Shape& shape) {
  return {torch::empty({count, shape.channels, shape.height, shape.width}),
          torch::empty({count}, at::kLong)};
}

Batch drawn(const Images& images, const Normalisation& normalisation, Rng& rng) {
  std::vector<int> order(static_cast<std::size_t>(images.size()));
  std::iota(order.begin(), order.end(), 0);
  rng.shuffle(order);
  order.resize(std::min<std::size_t>(order.size(), kZeroCostBatch));
  Batch batch = empty_batch(static_cast<int>(order.size()), images.shape);
  Batcher(images, normalisation)
      .fill(order, {}, rng, /*channels_last=*/false, batch.images.data_ptr<float>(),
            batch.labels.data_ptr<std::int64_t>());
  return batch;
}

Batch noise(const Network& network, Rng& rng) {
  Batch batch = empty_batch(kZeroCostBatch, network.input());
  float* at = batch.images.data_ptr<float>();
  for (std::int64_t i = 0; i < batch.images.numel(); ++i) at[i] = static_cast<float>(rng.normal());
  const auto classes = static_cast<std::uint32_t>(network.output().elements());
  for (int i = 0; i < kZeroCostBatch; ++i)
    batch.labels.data_ptr<std::int64_t>()[i] = static_cast<std::int64_t>(rng.below(classes));
  return batch;
}

}  // namespace

ScoreOutcome Trainer::score(const Network& network, std::uint64_t seed,
                            std::span<const std::string> names) const {
  ScoreOutcome outcome;
  try {
    if (network.empty()) throw TrainFailure("the network has no layers");
    Rng rng(seed, kBatchStream);
    const bool without_data = data_.train.size() == 0;
    if (!without_data) check_ends(network, data_.train);
    const Batch batch =
        without_data ? noise(network, rng) : drawn(data_.train, normalisation_, rng);
    outcome.scores = zero_cost_scores(network, batch.images, batch.labels, seed, names);
  } catch (const std::exception& error) {
    outcome.failure = failure_reason(error);
  }
  return outcome;
}

}  // namespace hwnas
