#include "experiments/workers_config.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <utility>

#include "experiments/training_config.h"
#include "search/engine/scheduler.h"
#include "space/input_error.h"

namespace hwnas {
namespace {

constexpr double kPulsesOfSilence = 4;  // signs of life that may be lost before a trainer is
constexpr double kLeastSilence_s = 20;
constexpr int kMostWorkers = 4096;
constexpr double kStart_s = 60, kLaunchedStart_s = 600;

const std::vector<std::string> kTrainerDevices{"auto", "cpu", "cuda"};

// ssh hands its arguments to a shell at the other end.
std::string quoted_for_shell(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) c == '\'' ? quoted += "'\\''" : quoted += c;
  return quoted + "'";
}

double duration(const TomlTable& table, std::string_view key, double fallback) {
  const double seconds = table.quantity(key, Unit::second, fallback);
  if (!(seconds >= 0)) throw table.error(key, "expected a duration such as '2 min', or 0");
  return seconds;
}

std::vector<std::string> read_gpus(const TomlTable& table) {
  std::vector<std::string> gpus = table.strings("gpus");
  for (const std::string& gpu : gpus) {
    if (gpu.empty() || gpu.find_first_of(", =\n") != std::string::npos)
      throw table.error("gpus", "expected one GPU in each place, such as ['0', '1'] or its UUID");
  }
  return gpus;
}

// Unsaid: one for each core here, or for each task of the Slurm job.
int processes_of(const WorkersConfig& workers) {
  if (workers.count > 0) return workers.count;
  if (workers.launcher.empty()) return machine_threads();
  const char* const tasks = std::getenv("SLURM_NTASKS");
  const int count = tasks ? std::atoi(tasks) : 0;
  if (count > 0) return std::min(count, kMostWorkers);
  throw InputError("", 0, "workers.count", "0",
                   "with a launcher, say how many trainers it may start (or --workers N)");
}

}  // namespace

WorkersConfig read_workers(const TomlTable& table) {
  WorkersConfig workers;
  workers.count = static_cast<int>(table.integer("count", 0, kMostWorkers, 0));
  workers.threads = static_cast<int>(table.integer("threads", 1, 1024, 1));
  workers.device = one_of(table, "device", kTrainerDevices, workers.device);
  workers.memory_limit = table.string("memory_limit", "");
  if (!workers.memory_limit.empty()) (void)table.quantity("memory_limit", Unit::byte);
  workers.command = table.strings("command");
  workers.launcher = table.strings("launcher");
  if (!workers.launcher.empty() && workers.launcher.front().empty())
    throw table.error("launcher", "expected a program and its arguments");
  workers.retries = static_cast<int>(table.integer("retries", 0, 1000, workers.retries));
  workers.start_limit_s = duration(table, "start_limit", 0);
  workers.silence_limit_s = duration(table, "silence_limit", workers.silence_limit_s);
  if (workers.silence_limit_s > 0 && workers.silence_limit_s < kLeastSilence_s)
    throw table.error("silence_limit", "expected at least 20 s, or 0 for none");
  workers.gpus = read_gpus(table);
  table.done();
  return workers;
}

ProcessPoolOptions launch_options(const WorkersConfig& workers, std::vector<std::string> command) {
  ProcessPoolOptions options;
  options.launched = !workers.launcher.empty();
  if (workers.silence_limit_s > 0) {
    std::ostringstream pulse;
    pulse << workers.silence_limit_s / kPulsesOfSilence;
    command.insert(command.end(), {"--pulse", pulse.str()});
  }
  options.command = workers.launcher;
  const bool through_shell =
      options.launched && std::filesystem::path(workers.launcher.front()).filename() == "ssh";
  for (std::string& part : command)
    options.command.push_back(through_shell ? quoted_for_shell(part) : std::move(part));
  options.processes = processes_of(workers);
  options.retries = workers.retries;
  options.silence_limit_s = workers.silence_limit_s;
  options.start_limit_s = workers.start_limit_s > 0 ? workers.start_limit_s
                          : options.launched        ? kLaunchedStart_s
                                                    : kStart_s;
  options.gpus = workers.gpus;
  return options;
}

}  // namespace hwnas
