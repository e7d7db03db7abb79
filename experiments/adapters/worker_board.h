// The notice board of a run: which workers it has and what they are at, kept beside the study for
// 'hwnas workers', which may in turn leave how many there should be.
//
// STUDY.files/workersN.json, one for each training stage, written anew about once a second while
// trainings run; STUDY.files/workers.wished. Neither is part of the study. Not thread-safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "search/engine/process_pool.h"
#include "search/trial.h"

namespace hwnas {

struct PostedWorker {
  std::string stage;
  WorkerStatus status;  // `greeting` in short: "node7, LibTorch 1.13.1, cpu"
  std::optional<TrialId> trial;
  double age_s = 0;  // of the notice; the run writes one about every second
};

class WorkerBoard {
 public:
  // `files`: the study's folder of files; empty: the board stays blank.
  WorkerBoard(std::filesystem::path files, int place, std::string stage);
  ~WorkerBoard();  // takes the notice down

  // `trial_of`: of a task.
  void post(const std::vector<WorkerStatus>& workers,
            const std::function<TrialId(std::size_t)>& trial_of);
  // What was wished since the last call.
  std::optional<int> wished();

 private:
  std::filesystem::path notice_, wish_;
  std::string stage_;
  std::optional<std::filesystem::file_time_type> read_;
};

// What is posted now, of all stages; durations counted to the time of reading. Throws InputError.
std::vector<PostedWorker> posted_workers(const std::filesystem::path& files);
void wish_workers(const std::filesystem::path& files, int count);  // throws InputError

}  // namespace hwnas
