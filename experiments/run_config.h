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
#include "experiments/training_config.h"
#include "experiments/workers_config.h"
#include "search/engine/run.h"
#include "search/objective.h"
#include "search/searcher.h"

namespace hwnas {

// The best trial within a bound is trained in full after the search.
struct FinalConfig {
  Objective bound;
  TrainingConfig training;
  int candidates = 1;        // more: so many are trained for fewer epochs first, the best in full
  int candidate_epochs = 0;  // these
  std::optional<std::size_t> teacher;  // of finals: training.distillation.teacher = "final N"
};

struct RunConfig {
  std::string name;
  std::string space;                 // name of a shipped space, or path of a file
  std::vector<std::string> devices;  // likewise
  bool changes_space = false;        // has [precision], [deployment] or [choices]
  std::uint64_t seed = 1;
  SearcherOptions search;  // without the space's part
  int batch = 8;
  bool asynchronous = false;
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

// Finds the trained networks that the config names, so that trainings can begin. Throws InputError.
void resolve_trained(RunConfig& config);

// Everything in the config that decides which trials are made and what they give, one "key = value"
// a line: not the name, the budget, the workers' number or where the data lies.
std::string deciding_settings(const RunConfig& config);

}  // namespace hwnas
