// Trainer: how good does a network get on a data set within a budget?
//
//   Trainer trainer(split(load_images(DataSet::mnist, Part::training, dir), 0.1, 1), Device::cpu);
//   TrainOutcome outcome = trainer.train(network, {.epochs = 2, .seed = 7});
//   if (outcome.failure.empty()) use(outcome.result.accuracy);
//
// A text (Images::is_text) is trained on likewise: each label is the byte that follows. Where there
// is talk of images, read sequences.
// Times are seconds of wall clock, accuracies shares in [0, 1]. A training that goes wrong is a
// value with its reason. With one thread the result depends on network, data, settings and nothing
// else; the number of threads is the process's (set_threads). One Trainer may train one network at
// a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "space/network.h"
#include "trainer/batcher.h"
#include "trainer/cell_noise.h"
#include "trainer/dataset.h"
#include "trainer/score.h"
#include "trainer/zero_cost.h"

namespace hwnas {

enum class Device { cpu, cuda };
enum class OptimiserKind { sgd, adamw };
std::string_view to_string(OptimiserKind kind);
std::optional<OptimiserKind> parse_optimiser(std::string_view name);

enum class Precision { fp32, bf16 };  // bf16: autocast of conv and linear; weights stay float32

// Learning from another network besides the labels (teacher.h).
struct Distillation {
  Network teacher;
  std::filesystem::path weights;  // the teacher's, as train() saves them
  std::filesystem::path logits;   // kept in this path with a hash behind it; empty: not kept
  double temperature = 4;
  double weight = 0.5;  // of the teacher's part in the loss
};

struct TrainSettings {
  int epochs = 1;
  int batch = 64;              // images; more than there are: all
  double learning_rate = 0.2;  // peak of the one-cycle schedule (schedule.h)
  double warmup = 0.3;         // share of the steps before the peak; with cooldown: of an epoch's
  double cooldown = 0;         // 0: one-cycle; else a trapezoid, and the share of steps that fall
  OptimiserKind optimiser = OptimiserKind::sgd;
  double momentum = 0.9;       // of sgd Nesterov's; of adamw beta1
  double weight_decay = 5e-4;  // of conv and linear weights
  double label_smoothing = 0;
  Augment augment;
  Precision precision = Precision::fp32;
  bool channels_last = true;
  // From the cooldown on, without one from half of the steps on, pruned layers lose their weights
  // (compression.h), and:
  bool compression_aware = false;  // rounded as deployed while it is trained, too
  std::optional<CellNoise> cells;  // the network is deployed on analog cells
  bool noise_aware = true;         // and trained on them, too
  int noise_draws = 10;            // maps for each time of the evaluation after the last epoch
  double time_limit_s = 0;         // 0: none
  std::uint64_t seed = 0;          // of weights, order and augmentation
  std::filesystem::path weights;   // empty: not saved
  // Weights to begin with, as far as they fit (inherit.h); empty: as the seed draws them.
  std::filesystem::path start_from;
  std::optional<Distillation> distillation;

  // Files of state (checkpoint.h), each empty for none. `checkpoint` is written every so often and
  // removed at the end; where one of this very training is there, it goes on from it and ends with
  // the same weights, bit for bit, as if it had never stopped.
  std::filesystem::path checkpoint;
  double checkpoint_every_s = 10;
  // With cooldown: the state before it, to be written and to go on from. The training that
  // wrote the state may have been shorter or have seen fewer images; all else must be the same.
  std::filesystem::path keep_state, continue_from;
};

struct EpochReport {
  int epoch = 0, epochs = 0;                 // from 1
  double loss = 0;                           // mean over the epoch's batches, on the way (SoTL-E)
  double accuracy = 0;                       // on the validation part; NaN where that is empty
  double images_per_s = 0;                   // of the training alone
  double seconds = 0;                        // training and validation of this epoch
  std::optional<Estimated> perplexity = {};  // on the validation part, of a text
};

// Over maps of noisy cells, so long after programming.
struct NoisyAccuracy {
  double seconds = 0;
  double mean = 0, stddev = 0;  // between maps, that is between chips
};

struct TrainResult {
  double accuracy = 0;  // on the validation part, after the last epoch; on noisy cells: the mean
                        // of the time at which it is least; NaN where that part is empty
  double stddev = 0;    // its standard error; on cells with their spread
  std::optional<Estimated> perplexity = {};  // likewise, of a text
  std::vector<NoisyAccuracy> on_cells;       // of each time, where the network is on cells
  double without_noise = 0;                  // the accuracy then
  double loss = 0;                           // of the last epoch
  std::vector<EpochReport> curve;            // from the first epoch, or from the state it continued
  std::int64_t parameters = 0;
  std::int64_t images = 0;    // trained on, repetitions counted
  double seconds = 0;         // all of it, initialisation and saving included
  std::optional<Score> test;  // where the test images were asked for
  std::int64_t test_images = 0;
};

struct TrainOutcome {
  TrainResult result;
  std::string failure;  // empty: trained; else the reason, one line
};

struct ScoreOutcome {
  std::vector<ZeroCostScore> scores;
  std::string failure;  // empty: scored; else the reason, one line
};

class Trainer {
 public:
  // Without images (a default Split) it scores networks on random ones, and trains none.
  // Throws InputError for Device::cuda on a machine or LibTorch without it.
  Trainer(Split data, Device device);
  ~Trainer();

  // `on_note` hears, in one line each, that a training goes on from a checkpoint or cannot.
  // Failures: input channels or classes that are not the data's, a loss that is not finite, the
  // time limit, memory, weights that cannot be written.
  TrainOutcome train(const Network& network, const TrainSettings& settings,
                     const std::function<void(const EpochReport&)>& on_epoch = {},
                     const std::function<void(const std::string&)>& on_note = {}) const;

  // Zero-cost scores (zero_cost.h), on the CPU: of a batch of the training part that the seed
  // draws; where there is none, of standard normal images in the network's own shape.
  ScoreOutcome score(const Network& network, std::uint64_t seed,
                     std::span<const std::string> names) const;

  // Score on `images` of a network with weights saved by train() in settings.weights, on
  // settings.cells where it has some, normalised as this trainer's training part. Throws
  // std::runtime_error where the weights or the data do not fit.
  Score evaluate(const Network& network, const TrainSettings& settings, const Images& images) const;

  const Split& data() const { return data_; }
  Device device() const { return device_; }
  const Normalisation& normalisation() const { return normalisation_; }  // of the training part

 private:
  Split data_;
  Device device_;
  Normalisation normalisation_;
  std::uint64_t data_identity_;
};

// Throws TrainFailure: a network without layers, or whose ends do not fit the images.
void check_ends(const Network& network, const Images& images);

// Intra-op threads of this process, for LibTorch and for the BLAS below it.
void set_threads(int threads);

// OpenBLAS maps its working memory with its first product and then keeps it; where it cannot
// (0.3.29, Debian 13), it tries for ever. To be called before memory is limited.
void take_blas_memory();

// OpenBLAS takes a processor newer than itself for one of 2004, whose kernels are three times
// slower on linear layers and attention. Where it has, starts this program (its `argv`) again with
// the kernels that the processor can run: they can be chosen only before OpenBLAS is loaded. To be
// called first of all; does nothing where OPENBLAS_CORETYPE is set.
void choose_blas_kernels(char** argv);

bool cuda_available();
std::string torch_version();  // "1.13.1"
std::string host_name();
std::string processor_name();  // the kernel's name of the first one

}  // namespace hwnas
