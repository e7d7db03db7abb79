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
#include "trainer/checkpoint.h"
#include "trainer/compression.h"
#include "trainer/evaluation.h"
#include "trainer/failure.h"
#include "trainer/identity.h"
#include "trainer/inherit.h"
#include "trainer/module.h"
#include "trainer/schedule.h"
#include "trainer/sgd.h"
#include "trainer/teacher.h"
#include "trainer/training_state.h"

namespace hwnas {
namespace {

using at::Tensor;
using Clock = std::chrono::steady_clock;
using OnNote = std::function<void(const std::string&)>;

constexpr double kAwareFrom = 0.5;  // of the steps: before, a network learns faster undisturbed
constexpr double kPrunedBy = 0.5;   // of the steps that are left then
constexpr int kCheckEvery = 32;  // batches between looks at the loss, each of which waits for a GPU

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
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
  Run(const Network& network, const Split& data, std::uint64_t data_identity,
      const Normalisation& normalisation, Device device, const TrainSettings& settings,
      OnNote on_note)
      : data_(data),
        data_identity_(data_identity),
        normalisation_(normalisation),
        device_(device),
        settings_(settings),
        note_(std::move(on_note)),
        batcher_(data.train, normalisation),
        module_(network, settings.seed) {
    if (!settings.start_from.empty()) warm_start();
    if (settings.channels_last) module_.use_channels_last();
    if (device == Device::cuda) module_.move_to_cuda();
    if (learns_ranges()) module_.expect_ranges(true);
    optimiser_ = make_optimiser(module_, settings);
    batch_ = std::min(settings.batch, data.train.size());
    batches_ =
        data.train.size() / batch_;  // the images that are left over wait for the next shuffle
    order_.resize(static_cast<std::size_t>(data.train.size()));
    std::iota(order_.begin(), order_.end(), 0);
    result_.parameters = parameters(network);
    steps_ = std::int64_t{settings.epochs} * batches_;
    cooldown_ = std::llround(settings.cooldown * static_cast<double>(steps_));
    // Before a cooldown trainings of different lengths are alike.
    aware_from_ = settings.cooldown > 0 ? steps_ - cooldown_
                                        : std::llround(kAwareFrom * static_cast<double>(steps_));
    if (settings.distillation) {
      teacher_ = teacher_logits(*settings.distillation, data.train, data_identity, normalisation,
                                device, note_);
    }
  }

  TrainResult go(const std::function<void(const EpochReport&)>& on_epoch) {
    go_on();
    while (step_ < steps_) {
      const EpochReport report = train_epoch();
      result_.curve.push_back(report);
      if (on_epoch) on_epoch(report);
      loss_sum_.reset();
      summed_ = 0;
      checkpoint_if_due();
    }
    const EpochReport& last = result_.curve.back();
    result_.accuracy = last.accuracy;
    result_.loss = last.loss;
    result_.stddev = score_.accuracy.stddev;
    result_.perplexity = last.perplexity;
    if (settings_.cells && data_.validation.size() > 0) evaluate_on_cells();
    if (!settings_.weights.empty()) save_weights(module_, settings_.weights);
    std::error_code ignored;  // a checkpoint that stays is harmless: its training is over
    if (!settings_.checkpoint.empty()) std::filesystem::remove(settings_.checkpoint, ignored);
    result_.seconds = seconds();
    return std::move(result_);
  }

 private:
  void warm_start() {
    const Inherited taken = inherit(module_, settings_.start_from);
    note_("begins with " + std::to_string(taken.layers) + " of " + std::to_string(taken.of) +
          " layers of " + settings_.start_from.string());
  }

  // From the checkpoint of this training; else from the state of a shorter one; else from nothing.
  void go_on() {
    checkpointed_ = Clock::now();
    if (!settings_.checkpoint.empty()) {
      const std::uint64_t identity =
          training_identity(module_.network(), settings_, data_identity_);
      if (take_up(settings_.checkpoint, identity)) return note_position();
    }
    if (settings_.continue_from.empty()) return;
    if (!take_up(settings_.continue_from, step_identity(module_.network(), settings_)) &&
        !std::filesystem::exists(settings_.continue_from))
      note_(settings_.continue_from.string() + ": is not there; starting anew");
  }

  // Whether there was a state of this identity; says why not where there was another.
  bool take_up(const std::filesystem::path& path, std::uint64_t identity) {
    if (!std::filesystem::exists(path)) return false;
    try {
      Checkpoint state = load_checkpoint(path);
      if (state.identity != identity || state.step >= steps_ || state.summed > batches_)
        throw std::runtime_error(path.string() + ": is of another training");
      restore(module_, *optimiser_, state.values);
      step_ = state.step;
      summed_ = state.summed;
      if (summed_ > 0) loss_sum_ = torch::full({}, state.loss_sum, place());
      earlier_s_ = state.seconds;
      result_.images = state.images;
      result_.curve = std::move(state.curve);
      for (std::int64_t epoch = 1; epoch <= step_ / batches_; ++epoch)
        Rng(settings_.seed, static_cast<std::uint64_t>(epoch)).shuffle(order_);
      return true;
    } catch (const std::runtime_error& error) {
      note_(failure_reason(error) + "; starting anew");
      return false;
    }
  }

  void note_position() const {
    note_("continues in epoch " + std::to_string(epoch()) + " of " +
          std::to_string(settings_.epochs) + ", after " + std::to_string(step_ % batches_) +
          " of " + std::to_string(batches_) + " batches");
  }

  Checkpoint state(std::uint64_t identity) const {
    return {identity, step_,     result_.images, summed_ > 0 ? loss_sum_.item<float>() : 0,
            summed_,  seconds(), result_.curve,  capture(module_, *optimiser_)};
  }

  // The clock decides when, never what: a state that is written changes nothing.
  void checkpoint_if_due() {
    if (settings_.checkpoint.empty() || step_ == steps_ ||
        seconds_since(checkpointed_) < settings_.checkpoint_every_s)
      return;
    save_checkpoint(state(training_identity(module_.network(), settings_, data_identity_)),
                    settings_.checkpoint);
    checkpointed_ = Clock::now();
  }

  // For a longer training, which has its own curve and time.
  void keep_state() const {
    Checkpoint kept = state(step_identity(module_.network(), settings_));
    kept.curve.clear();
    kept.images = kept.summed = 0;
    kept.loss_sum = 0;
    kept.seconds = 0;
    save_checkpoint(kept, settings_.keep_state);
  }

  // What is left of the epoch under way.
  EpochReport train_epoch() {
    const auto start = Clock::now();
    const int epoch = this->epoch();
    const std::int64_t first = step_ % batches_;
    // A stream per epoch: what an epoch sees does not depend on how the one before drew.
    Rng rng(settings_.seed, static_cast<std::uint64_t>(epoch));
    rng.shuffle(order_);
    Batcher::skip(first * batch_, settings_.augment, rng);
    for (std::int64_t i = first; i < batches_; ++i) {
      if (!settings_.keep_state.empty() && step_ == steps_ - cooldown_) keep_state();
      const Tensor loss = train_batch(static_cast<int>(i), rng);
      loss_sum_ = loss_sum_.defined() ? loss_sum_.add_(loss) : loss.clone();
      ++summed_;
      ++step_;
      result_.images += batch_;
      check_time(epoch);
      if (i % kCheckEvery == kCheckEvery - 1) check_finite(epoch);
      if (i + 1 < batches_) checkpoint_if_due();
    }
    check_finite(epoch);
    const double training_s = seconds_since(start);
    if (is_compressed(module_.network()) && !(learns_ranges() && step_ > aware_from_))
      module_.calibrate(calibration_images(data_.train, batcher_, device_));
    const double none = std::nan("");
    score_ =
        data_.validation.size() == 0 ? Score{{none, none}, {}} : score_on(module_, validation());
    check_time(epoch);
    return {epoch,
            settings_.epochs,
            loss_sum_.item<double>() / static_cast<double>(summed_),
            score_.accuracy.value,
            static_cast<double>(batch_ * (batches_ - first)) / training_s,
            seconds_since(start),
            score_.perplexity};
  }

  void evaluate_on_cells() {
    result_.on_cells = score_on_cells(module_, validation(), settings_,
                                      calibration_images(data_.train, batcher_, device_),
                                      [this] { check_time(settings_.epochs); });
    result_.without_noise = result_.accuracy;
    const Estimated least = worst(result_.on_cells, data_.validation.size());
    result_.accuracy = least.value;
    result_.stddev = least.stddev;
  }

  HeldOut validation() const { return {data_.validation, normalisation_, device_, bf16()}; }

  Tensor train_batch(int i, Rng& rng) {
    if (step_ >= aware_from_) deploy();
    const std::span<const int> indices(order_.data() + std::ptrdiff_t{i} * batch_,
                                       static_cast<std::size_t>(batch_));
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
      if (settings_.distillation) loss = with_teacher(loss, logits, indices);
    }
    if (!loss.requires_grad())
      throw TrainFailure("the output does not depend on any trained value");
    optimiser_->zero_grad();
    loss.backward();
    optimiser_->step(rate());
    return loss.detach();
  }

  // What is trained is from now on what will run. Its noise follows from seed and step.
  void deploy() {
    if (learns_ranges() && step_ == aware_from_)
      module_.calibrate(calibration_images(data_.train, batcher_, device_));
    module_.set_compression_aware(settings_.compression_aware && is_compressed(module_.network()));
    module_.set_pruned(static_cast<double>(step_ - aware_from_ + 1) /
                       (kPrunedBy * static_cast<double>(steps_ - aware_from_)));
    if (!settings_.cells || !settings_.noise_aware) return;
    cell_rng_ = Rng(settings_.seed, (std::uint64_t{1} << 41) + static_cast<std::uint64_t>(step_));
    module_.set_cells(&*settings_.cells, &cell_rng_);
  }

  Tensor with_teacher(const Tensor& loss, const Tensor& logits,
                      std::span<const int> indices) const {
    const Tensor rows = torch::tensor(at::ArrayRef<int>(indices.data(), indices.size()), at::kLong);
    const Tensor said = teacher_.index_select(0, rows).to(logits.device());
    const double weight = settings_.distillation->weight;
    return loss * (1 - weight) +
           distillation_loss(logits, said, settings_.distillation->temperature) * weight;
  }

  double rate() const {
    if (settings_.cooldown <= 0)
      return one_cycle(step_, steps_, settings_.learning_rate, settings_.warmup);
    const std::int64_t up = std::llround(settings_.warmup * batches_);
    return trapezoid(step_, steps_, settings_.learning_rate, up, cooldown_);
  }

  int epoch() const { return static_cast<int>(step_ / batches_) + 1; }
  double seconds() const { return earlier_s_ + seconds_since(start_); }
  at::TensorOptions place() const {
    return at::TensorOptions()
        .dtype(at::kFloat)
        .device(device_ == Device::cuda ? at::kCUDA : at::kCPU);
  }

  void check_finite(int epoch) const {
    if (!std::isfinite(loss_sum_.item<double>())) {
      throw TrainFailure("the loss is not finite (epoch " + std::to_string(epoch) + ")");
    }
  }

  void check_time(int epoch) const {
    if (settings_.time_limit_s > 0 && seconds() > settings_.time_limit_s) {
      throw TrainFailure(time_limit_reason(settings_.time_limit_s, epoch, settings_.epochs));
    }
  }

  bool learns_ranges() const {
    return settings_.compression_aware && is_compressed(module_.network());
  }

  bool bf16() const { return settings_.precision == Precision::bf16; }

  const Clock::time_point start_ = Clock::now();
  const Split& data_;
  const std::uint64_t data_identity_;
  const Normalisation& normalisation_;
  const Device device_;
  const TrainSettings& settings_;
  const OnNote note_;
  const Batcher batcher_;
  Module module_;
  std::unique_ptr<Optimiser> optimiser_;
  std::vector<int> order_;
  Rng cell_rng_{0};
  int batch_ = 0, batches_ = 0;
  std::int64_t steps_ = 0, cooldown_ = 0, aware_from_ = 0;
  Tensor teacher_;  // its logits, where there is one
  std::int64_t step_ = 0;
  Tensor loss_sum_;  // over `summed_` batches of the epoch under way
  std::int64_t summed_ = 0;
  double earlier_s_ = 0;  // spent before it went on
  Clock::time_point checkpointed_;
  Score score_;  // of the last epoch
  TrainResult result_;
};

constexpr std::array<std::string_view, 2> kOptimisers{"sgd", "adamw"};

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
      normalisation_(data_.train.size() > 0 ? measure(data_.train) : Normalisation()),
      data_identity_(data_identity(data_.train)) {
  if (device == Device::cuda && !cuda_available()) {
    throw InputError("", 0, "device", "cuda",
                     "this machine, or the LibTorch in use, has no CUDA device");
  }
}

Trainer::~Trainer() = default;

TrainOutcome Trainer::train(const Network& network, const TrainSettings& settings,
                            const std::function<void(const EpochReport&)>& on_epoch,
                            const std::function<void(const std::string&)>& on_note) const {
  TrainOutcome outcome;
  try {
    check_ends(network, data_.train);
    if (settings.cells && data_.train.is_text())
      throw TrainFailure("cells hold weights, attention has none: no text is trained on them");
    const OnNote note = on_note ? on_note : [](const std::string&) {};
    outcome.result =
        Run(network, data_, data_identity_, normalisation_, device_, settings, note).go(on_epoch);
  } catch (const std::exception& error) {
    outcome.failure = failure_reason(error);
    std::error_code ignored;  // to go on would fail again
    if (dynamic_cast<const TrainFailure*>(&error) != nullptr)
      std::filesystem::remove(settings.checkpoint, ignored);
  }
  return outcome;
}

Score Trainer::evaluate(const Network& network, const TrainSettings& settings,
                        const Images& images) const {
  check_ends(network, images);
  Module module(network, {});
  load_weights(module, settings.weights);
  if (device_ == Device::cuda) module.move_to_cuda();
  const Batcher batcher(data_.train, normalisation_);
  if (is_compressed(network) && !module.has_ranges())
    module.calibrate(calibration_images(data_.train, batcher, device_));
  const HeldOut data{images, normalisation_, device_, false};
  if (settings.cells) {
    const auto calibration = calibration_images(data_.train, batcher, device_);
    return {worst(score_on_cells(module, data, settings, calibration), images.size()), {}};
  }
  return score_on(module, data);
}

}  // namespace hwnas
