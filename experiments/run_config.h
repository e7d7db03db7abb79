// RunConfig: a run config file (TOML), typed and validated. The format is in experiments/README.md.
//
//   space = "tiny_image"
//   devices = ["stm32l4r5"]
//   [[objectives]]
//   metric = "latency@stm32l4r5"
//   at_most = "200 ms"
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "experiments/rung_config.h"
#include "experiments/table_config.h"
#include "experiments/teacher.h"
#include "search/engine/run.h"
#include "search/objective.h"
#include "search/searcher.h"

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
  int draws = 10;                  // chips for each time
};

struct DistillationConfig {
  std::string name;  // of the teacher, as the config has it
  Teacher teacher;   // once it is needed: resolve_teacher()
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
  std::optional<DistillationConfig> distillation;
};

// The best trial within a bound is trained in full after the search.
struct FinalConfig {
  Objective bound;
  TrainingConfig training;
};

struct WorkersConfig {
  int count = 0;                     // trainer processes; 0: one for each core
  int threads = 1;                   // of each
  std::string device = "auto";       // auto, cpu, cuda
  std::string memory_limit;          // of each, "2 GiB"; empty: none
  std::vector<std::string> command;  // default: hwnas-trainer beside hwnas, or in PATH
};

struct RunConfig {
  std::string name;
  std::string space;                 // name of a shipped space, or path of a file
  std::vector<std::string> devices;  // likewise
  bool changes_space = false;        // has [precision], [deployment] or [choices]
  std::uint64_t seed = 1;
  SearcherOptions search;  // without the space's part
  int batch = 8;
  Budget budget;
  std::vector<Objective> objectives;  // optimised ones first, then mere bounds
  std::vector<FinalConfig> finals;
  std::optional<DataConfig> data;  // both or neither
  std::optional<TrainingConfig> training;
  std::vector<TableConfig> tables;
  std::vector<RungConfig> rungs;  // the cheapest first
  bool rungs_continue = false;    // a trial that goes on is trained from where it was
  WorkersConfig workers;
  std::string text;  // the file, and [[files]] rows that pin the tables it names
  std::string file;

  // Throws InputError: unknown or missing keys, wrong types or units, bounds that nothing can meet
  // by their nature, objectives on devices that are not listed, accuracy that is neither trained
  // nor in a table.
  // `algorithm`: in the place of the file's, and with its own defaults where the file gives none.
  static RunConfig load(const std::filesystem::path& path);
  static RunConfig parse(const std::string& text, const std::string& file_name,
                         std::optional<Algorithm> algorithm = {});
};

// The space's file with the config's [precision] and [deployment] in the place of its own, and its
// [choices] beside them.
std::string space_text(const RunConfig& config, const std::filesystem::path& space_file);

// `base` with [training] keys of the command line: "epochs = 60", "augment = ['flip']". Throws
// InputError.
TrainingConfig with_settings(const RunConfig& config, const TrainingConfig& base,
                             const std::vector<std::string>& settings);

// Finds the teacher that the config names, if any, so that trainings can begin. Throws InputError.
void resolve_teacher(RunConfig& config);

// What of [training] decides what a training gives.
std::string deciding_settings(const TrainingConfig& training);

// Everything in the config that decides which trials are made and what they give, one "key = value"
// a line: not the name, the budget, the workers' number or where the data lies.
std::string deciding_settings(const RunConfig& config);

}  // namespace hwnas
