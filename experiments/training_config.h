// The [data] and [training] of a run config: what candidates are trained on, and how. The format is
// in experiments/README.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "experiments/trained_network.h"
#include "space/search_space.h"
#include "space/toml_table.h"

namespace hwnas {

struct DataConfig {
  std::string set;                  // fashion_mnist, mnist, cifar10, cifar100, text
  std::filesystem::path directory;  // of a text: its file or folder
  int context = 0;                  // of a text: bytes of a sequence
  double validation_share = 0.1;
  std::int64_t train_images = 0;  // or sequences; 0: all

  bool is_text() const { return set == "text"; }
};

// Shape and classes of a data set, which need not be read for that: the classes of a text, which
// are the bytes that occur in it, are 0.
Task task_of(const DataConfig& data);

// The networks run on a device's analog cells: trainer/cell_noise.h.
struct NoiseConfig {
  std::string device;              // of 'devices'
  std::vector<double> times_s{0};  // after programming; the accuracy is that of the worst
  bool aware = true;               // trained with the noise, too
  bool recalibrated = false;       // each chip's norms are measured anew
  int draws = 10;                  // chips for each time
};

// Weights that trainings begin with (trainer/inherit.h).
struct StartConfig {
  std::string name;     // of a trained network, as the config has it, or "parents"
  TrainedNetwork from;  // once it is needed: resolve_trained(); of parents nothing
  bool parents() const { return name == "parents"; }  // each candidate with its parent's
};

struct DistillationConfig {
  std::string name;        // of the teacher, as the config has it
  TrainedNetwork teacher;  // once it is needed: resolve_trained()
  double temperature = 4;
  double weight = 0.5;
};

// How each candidate is trained; the meaning of every number is in trainer/README.md.
struct TrainingConfig {
  int epochs = 1;
  int batch = 64;
  double learning_rate = 0.2;  // peak of the one-cycle schedule; 0.2 and what follows: of images
  double warmup = 0.3;         // share of the steps in which the rate rises
  std::string optimiser = "sgd";
  double cooldown = 0;  // 0: one-cycle; else the share of steps in which a trapezoid falls
  double momentum = 0.9;
  double weight_decay = 5e-4;
  double label_smoothing = 0;
  std::vector<std::string> augment;
  std::string precision = "fp32";
  std::string quantization = "post_training";  // or aware
  double time_limit_s = 0;                     // of one candidate; 0: none
  std::optional<NoiseConfig> noise;
  std::vector<std::string> proxies;  // zero-cost scores that the initial design ranks by
  std::optional<StartConfig> start;
  std::optional<DistillationConfig> distillation;
};

// `base`: the folder that paths are relative to. Throws InputError, as all that follow.
DataConfig read_data(const TomlTable& table, const std::filesystem::path& base);

// What serves where the config says nothing of the training (trainer/README.md has the
// measurements).
TrainingConfig usual_training(const std::optional<DataConfig>& data);

// A search's training made into a long one, where something is known to help then.
TrainingConfig long_training(const TrainingConfig& search, const std::string& data_set);

// `t`: what holds where the table says nothing. `devices`: those of the run.
TrainingConfig read_training(const TomlTable& table, const std::optional<DataConfig>& data,
                             const std::vector<std::string>& devices, TrainingConfig t);

// Finds the trained networks that it names and that are not found yet, so that trainings can begin.
// `file`: the config's, which names are relative to.
void resolve_trained(TrainingConfig& training, const std::string& file);

// What of [training] decides what a training gives, one "key = value" a line.
std::string deciding_settings(const TrainingConfig& training);

// The table's value, which must be one of `known`; `fallback` empty: it must be there.
std::string one_of(const TomlTable& table, std::string_view key, std::span<const std::string> known,
                   const std::string& fallback);

}  // namespace hwnas
