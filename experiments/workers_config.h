// [workers] of a run config: how many trainers, where, and what becomes of lost ones.
#pragma once

#include <string>
#include <vector>

#include "search/engine/process_pool.h"
#include "space/toml_table.h"

namespace hwnas {

struct WorkersConfig {
  int count = 0;                     // trainer processes; 0: one for each core, or task of a Slurm job
  int threads = 1;                   // of each
  std::string device = "auto";       // auto, cpu, cuda
  std::string memory_limit;          // of each, "2 GiB"; empty: none
  std::vector<std::string> command;  // default: hwnas-trainer beside hwnas, or in PATH
  // Before the command, to start it elsewhere: srun, ssh, kubectl, docker, a script of the user's.
  std::vector<std::string> launcher;
  int retries = 1;                // of a training whose trainer was lost
  double start_limit_s = 0;       // from start to greeting; 0: 60 s, with a launcher 10 min
  double silence_limit_s = 120;   // of a trainer at work; 0: none
  std::vector<std::string> gpus;  // of this machine, one to a trainer in turn; empty: all to each
};

// Throws InputError.
WorkersConfig read_workers(const TomlTable& table);

// For a pool of trainers with this command, as many as the config says. Throws InputError where it
// does not say how many a launcher may start.
ProcessPoolOptions launch_options(const WorkersConfig& workers, std::vector<std::string> command);

}  // namespace hwnas
