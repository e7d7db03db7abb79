#include "trainer/trainer.h"

#include <torch/torch.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <numeric>
#include <optional>

#include "space/input_error.h"
#include "space/rng.h"
#include "trainer/adamw.h"
#include "trainer/autocast.h"
#include "trainer/compression.h"
#include "trainer/failure.h"
#include "trainer/module.h"
#include "trainer/schedule.h"
#include "trainer/sgd.h"

namespace hwnas {
namespace {

using at::Tensor;
using Clock = std::chrono::steady_clock;

constexpr int kValidationBatch = 250;
constexpr double kAwareFrom = 0.5;  // of the steps: before, a network learns faster undisturbed
constexpr int kValidationSequences = 32;  // at a time: whose attention stays in the cache
constexpr int kCheckEvery = 32;  // batches between looks at the loss, each of which waits for a GPU

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Batch {
  Tensor images, labels;
};

// Normalised, augmented images of one batch, on the device.
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

// A map of cells to be programmed.
struct CellTime {
  const CellNoise* noise = nullptr;
  std::size_t time = 0;
  Rng* rng = nullptr;
};

Score score_on(Module& module, const Images& images, const Normalisation& normalisation,
               Device device, bool bf16, CellTime cells = {}) {
  const torch::NoGradGuard no_grad;
  const Bf16Scope scope(bf16, device == Device::cuda);
  const Batcher batcher(images, normalisation);
  module.set_training(false);
  module.set_compressed(is_compressed(module.network()));
  module.set_cells(cells.noise, cells.rng);
  if (cells.noise != nullptr) module.program_cells(cells.time);
  Rng rng(0);
  std::vector<int> order(static_cast<std::size_t>(images.size()));
  std::iota(order.begin(), order.end(), 0);
  Tensor right = torch::zeros({}, at::TensorOptions().dtype(at::kLong).device(
                                      device == Device::cuda ? at::kCUDA : at::kCPU));
  TextScorer text;
  const std::size_t most = images.is_text() ? kValidationSequences : kValidationBatch;
  for (std::size_t at = 0; at < order.size(); at += most) {
    const std::size_t count = std::min(most, order.size() - at);
    const Batch batch =
        make_batch(batcher, {order.data() + at, count}, images, {}, rng, true, device);
    const Tensor logits = module.logits(batch.images);
    if (images.is_text()) {
      text.add(logits, batch.labels);
    } else {
      right += logits.flatten(1).argmax(1).eq(batch.labels).sum();
    }
  }
  module.set_cells(nullptr, nullptr);
  module.set_compressed(false);
  module.set_training(true);
  if (images.is_text()) return text.score();
  return score_of_images(static_cast<double>(right.item<std::int64_t>()) / images.size(),
                         images.size());
}

constexpr double kBeta2 = 0.99;  // of AdamW; 0.999 remembers longer than a short training lasts

std::unique_ptr<Optimiser> make_optimiser(const Module& module, const TrainSettings& settings) {
  if (settings.optimiser == OptimiserKind::adamw)
    return std::make_unique<AdamW>(module, settings.momentum, kBeta2, settings.weight_decay);
  return std::make_unique<Sgd>(module, settings.momentum, settings.weight_decay);
}

// One training from start to end; throws TrainFailure, or whatever LibTorch throws.
class Run {
 public:
  Run(const Network& network, const Split& data, const Normalisation& normalisation, Device device,
      const TrainSettings& settings)
      : data_(data),
        normalisation_(normalisation),
        device_(device),
        settings_(settings),
        batcher_(data.train, normalisation),
        module_(network, settings.seed) {
    if (settings.channels_last) module_.use_channels_last();
    if (device == Device::cuda) module_.move_to_cuda();
    optimiser_ = make_optimiser(module_, settings);
    batch_ = std::min(settings.batch, data.train.size());
    batches_ =
        data.train.size() / batch_;  // the images that are left over wait for the next shuffle
    order_.resize(static_cast<std::size_t>(data.train.size()));
    std::iota(order_.begin(), order_.end(), 0);
    result_.parameters = parameters(network);
  }

  TrainResult go(const std::function<void(const EpochReport&)>& on_epoch) {
    for (int epoch = 1; epoch <= settings_.epochs; ++epoch) {
      const EpochReport report = train_epoch(epoch);
      result_.curve.push_back(report);
      if (on_epoch) on_epoch(report);
    }
    const EpochReport& last = result_.curve.back();
    result_.accuracy = last.accuracy;
    result_.loss = last.loss;
    result_.stddev = score_.accuracy.stddev;
    result_.perplexity = last.perplexity;
    if (settings_.cells) evaluate_on_cells();
    if (!settings_.weights.empty()) save_weights(module_, settings_.weights);
    result_.seconds = seconds_since(start_);
    return std::move(result_);
  }

 private:
  EpochReport train_epoch(int epoch) {
    const auto start = Clock::now();
    // A stream per epoch: what an epoch sees does not depend on how the one before drew.
    Rng rng(settings_.seed, static_cast<std::uint64_t>(epoch));
    rng.shuffle(order_);
    cell_rng_ = Rng(settings_.seed, (std::uint64_t{1} << 41) + static_cast<std::uint64_t>(epoch));
    Tensor sum;
    for (int i = 0; i < batches_; ++i) {
      const Tensor loss = train_batch(i, epoch, rng);
      sum = sum.defined() ? sum.add_(loss) : loss.clone();
      check_time(epoch);
      if (i % kCheckEvery == kCheckEvery - 1) check_finite(sum, epoch);
    }
    check_finite(sum, epoch);
    const double training_s = seconds_since(start);
    const std::int64_t images = std::int64_t{batch_} * batches_;
    result_.images += images;
    score_ = score_on(module_, data_.validation, normalisation_, device_, bf16());
    check_time(epoch);
    return {epoch,
            settings_.epochs,
            sum.item<double>() / batches_,
            score_.accuracy.value,
            static_cast<double>(images) / training_s,
            seconds_since(start),
            score_.perplexity};
  }

  // Streams of their own: noise changes nothing else that is drawn.
  void evaluate_on_cells() {
    constexpr std::uint64_t kStream = std::uint64_t{1} << 40;
    result_.without_noise = result_.accuracy;
    result_.accuracy = 1;
    for (std::size_t time = 0; time < settings_.cells->times.size(); ++time) {
      double sum = 0, squares = 0;
      for (int draw = 0; draw < settings_.noise_draws; ++draw) {
        Rng rng(settings_.seed, kStream + time * 100'000 + static_cast<std::uint64_t>(draw));
        const double accuracy = score_on(module_, data_.validation, normalisation_, device_, bf16(),
                                         CellTime{&*settings_.cells, time, &rng})
                                    .accuracy.value;
        sum += accuracy;
        squares += accuracy * accuracy;
        check_time(settings_.epochs);
      }
      const double n = settings_.noise_draws, mean = sum / n;
      const double variance = n > 1 ? std::max(0.0, (squares - n * mean * mean) / (n - 1)) : 0;
      result_.on_cells.push_back({settings_.cells->times[time].seconds, mean, std::sqrt(variance)});
      if (mean <= result_.accuracy) {
        result_.accuracy = mean;
        result_.stddev = std::sqrt(mean * (1 - mean) / data_.validation.size() + variance);
      }
    }
  }

  Tensor train_batch(int i, int epoch, Rng& rng) {
    const std::span<const int> indices(order_.data() + std::ptrdiff_t{i} * batch_,
                                       static_cast<std::size_t>(batch_));
    const std::int64_t step = std::int64_t{epoch - 1} * batches_ + i;
    const std::int64_t steps = std::int64_t{settings_.epochs} * batches_;
    if (static_cast<double>(step) >= kAwareFrom * static_cast<double>(steps)) deploy();
    const Batch batch = make_batch(batcher_, indices, data_.train, settings_.augment, rng,
                                   settings_.channels_last, device_);
    Tensor loss;
    {
      const Bf16Scope scope(bf16(), device_ == Device::cuda);
      const Tensor logits = label_rows(module_.logits(batch.images)).to(at::kFloat);
      namespace F = torch::nn::functional;
      loss =
          F::cross_entropy(logits, batch.labels,
                           F::CrossEntropyFuncOptions().label_smoothing(settings_.label_smoothing));
    }
    if (!loss.requires_grad())
      throw TrainFailure("the output does not depend on any trained value");
    optimiser_->zero_grad();
    loss.backward();
    optimiser_->step(one_cycle(step, steps, settings_.learning_rate, settings_.warmup));
    return loss.detach();
  }

  // What is trained is from now on what will run.
  void deploy() {
    module_.set_compression_aware(settings_.compression_aware && is_compressed(module_.network()));
    if (settings_.cells && settings_.noise_aware) module_.set_cells(&*settings_.cells, &cell_rng_);
  }

  void check_finite(const Tensor& sum, int epoch) const {
    if (!std::isfinite(sum.item<double>())) {
      throw TrainFailure("the loss is not finite (epoch " + std::to_string(epoch) + ")");
    }
  }

  void check_time(int epoch) const {
    if (settings_.time_limit_s > 0 && seconds_since(start_) > settings_.time_limit_s) {
      throw TrainFailure(time_limit_reason(settings_.time_limit_s, epoch, settings_.epochs));
    }
  }

  bool bf16() const { return settings_.precision == Precision::bf16; }

  const Clock::time_point start_ = Clock::now();
  const Split& data_;
  const Normalisation& normalisation_;
  const Device device_;
  const TrainSettings& settings_;
  const Batcher batcher_;
  Module module_;
  std::unique_ptr<Optimiser> optimiser_;
  std::vector<int> order_;
  Rng cell_rng_{0};
  int batch_ = 0, batches_ = 0;
  Score score_;  // of the last epoch
  TrainResult result_;
};

}  // namespace

void check_ends(const Network& network, const Images& images) {
  if (images.size() == 0) throw TrainFailure("there are no images: --data-set is noise");
  const Shape classes{images.classes, images.labels_each, 1};
  if (network.empty() || network.size() < 2) throw TrainFailure("the network has no layers");
  if (network.input().channels != images.shape.channels) {
    throw TrainFailure("the network reads " + std::to_string(network.input().channels) +
                       " channels, the images have " + std::to_string(images.shape.channels));
  }
  if (images.is_text() && network.input() != images.shape) {
    throw TrainFailure("the network reads " + to_text(network.input()) + ", the sequences are " +
                       to_text(images.shape));
  }
  if (images.is_text() && network.output() != classes) {
    throw TrainFailure("the network's output is " + to_text(network.output()) +
                       ", the text needs " + to_text(classes));
  }
  if (network.output() != classes) {
    throw TrainFailure("the network's output is " + to_text(network.output()) +
                       ", the data set has " + std::to_string(images.classes) + " classes");
  }
}

namespace {

constexpr std::array<std::string_view, 2> kOptimisers{"sgd", "adamw"};

}  // namespace

std::string_view to_string(OptimiserKind kind) {
  return kOptimisers[static_cast<std::size_t>(kind)];
}
std::optional<OptimiserKind> parse_optimiser(std::string_view name) {
  for (std::size_t i = 0; i < kOptimisers.size(); ++i) {
    if (kOptimisers[i] == name) return static_cast<OptimiserKind>(i);
  }
  return std::nullopt;
}

Trainer::Trainer(Split data, Device device)
    : data_(std::move(data)),
      device_(device),
      normalisation_(data_.train.size() > 0 ? measure(data_.train) : Normalisation()) {
  if (device == Device::cuda && !cuda_available()) {
    throw InputError("", 0, "device", "cuda",
                     "this machine, or the LibTorch in use, has no CUDA device");
  }
}

Trainer::~Trainer() = default;

TrainOutcome Trainer::train(const Network& network, const TrainSettings& settings,
                            const std::function<void(const EpochReport&)>& on_epoch) const {
  TrainOutcome outcome;
  try {
    check_ends(network, data_.train);
    if (settings.cells && data_.train.is_text())
      throw TrainFailure("cells hold weights, attention has none: no text is trained on them");
    outcome.result = Run(network, data_, normalisation_, device_, settings).go(on_epoch);
  } catch (const std::exception& error) {
    outcome.failure = failure_reason(error);
  }
  return outcome;
}

Score Trainer::evaluate(const Network& network, const std::filesystem::path& weights,
                        const Images& images) const {
  check_ends(network, images);
  Module module(network, {});
  load_weights(module, weights);
  if (device_ == Device::cuda) module.move_to_cuda();
  return score_on(module, images, normalisation_, device_, false);
}

}  // namespace hwnas
