#include "trainer/trainer.h"

#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <optional>

#include "space/input_error.h"
#include "space/rng.h"
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
constexpr int kCheckEvery = 32;  // batches between looks at the loss, each of which waits for a GPU

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Batch {
  Tensor images, labels;
};

// Normalised, augmented images of one batch, on the device.
Batch make_batch(const Batcher& batcher, std::span<const int> indices, const Shape& shape,
                 const Augment& augment, Rng& rng, bool channels_last, Device device) {
  const auto count = static_cast<std::int64_t>(indices.size());
  const auto format = channels_last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
  Batch batch{torch::empty({count, shape.channels, shape.height, shape.width},
                           at::TensorOptions().dtype(at::kFloat).memory_format(format)),
              torch::empty({count}, at::kLong)};
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

double accuracy_on(Module& module, const Images& images, const Normalisation& normalisation,
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
  for (std::size_t at = 0; at < order.size(); at += kValidationBatch) {
    const std::size_t count = std::min<std::size_t>(kValidationBatch, order.size() - at);
    const Batch batch =
        make_batch(batcher, {order.data() + at, count}, images.shape, {}, rng, true, device);
    right += module.logits(batch.images).flatten(1).argmax(1).eq(batch.labels).sum();
  }
  module.set_cells(nullptr, nullptr);
  module.set_compressed(false);
  module.set_training(true);
  return static_cast<double>(right.item<std::int64_t>()) / images.size();
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
    sgd_.emplace(module_, settings.momentum, settings.weight_decay);
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
    result_.stddev = std::sqrt(last.accuracy * (1 - last.accuracy) / data_.validation.size());
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
    const double accuracy = accuracy_on(module_, data_.validation, normalisation_, device_, bf16());
    check_time(epoch);
    return {epoch,
            settings_.epochs,
            sum.item<double>() / batches_,
            accuracy,
            static_cast<double>(images) / training_s,
            seconds_since(start)};
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
        const double accuracy = accuracy_on(module_, data_.validation, normalisation_, device_,
                                            bf16(), CellTime{&*settings_.cells, time, &rng});
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
    const Batch batch = make_batch(batcher_, indices, data_.train.shape, settings_.augment, rng,
                                   settings_.channels_last, device_);
    Tensor loss;
    {
      const Bf16Scope scope(bf16(), device_ == Device::cuda);
      const Tensor logits = module_.logits(batch.images).flatten(1).to(at::kFloat);
      namespace F = torch::nn::functional;
      loss =
          F::cross_entropy(logits, batch.labels,
                           F::CrossEntropyFuncOptions().label_smoothing(settings_.label_smoothing));
    }
    if (!loss.requires_grad())
      throw TrainFailure("the output does not depend on any trained value");
    sgd_->zero_grad();
    loss.backward();
    sgd_->step(one_cycle(step, steps, settings_.learning_rate, settings_.warmup));
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
  std::optional<Sgd> sgd_;
  std::vector<int> order_;
  Rng cell_rng_{0};
  int batch_ = 0, batches_ = 0;
  TrainResult result_;
};

}  // namespace

void check_ends(const Network& network, const Images& images) {
  if (images.size() == 0) throw TrainFailure("there are no images: --data-set is noise");
  const Shape classes{images.classes, 1, 1};
  if (network.empty() || network.size() < 2) throw TrainFailure("the network has no layers");
  if (network.input().channels != images.shape.channels) {
    throw TrainFailure("the network reads " + std::to_string(network.input().channels) +
                       " channels, the images have " + std::to_string(images.shape.channels));
  }
  if (network.output() != classes) {
    throw TrainFailure("the network's output is " + to_text(network.output()) +
                       ", the data set has " + std::to_string(images.classes) + " classes");
  }
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
    outcome.result = Run(network, data_, normalisation_, device_, settings).go(on_epoch);
  } catch (const std::exception& error) {
    outcome.failure = failure_reason(error);
  }
  return outcome;
}

double Trainer::evaluate(const Network& network, const std::filesystem::path& weights,
                         const Images& images) const {
  Module module(network, {});
  load_weights(module, weights);
  if (device_ == Device::cuda) module.move_to_cuda();
  return accuracy_on(module, images, normalisation_, device_, false);
}

}  // namespace hwnas
