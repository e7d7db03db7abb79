// Candidates per second through the whole of run(): ask, decode, estimate, record, tell.
//
//   pipeline_bench [TRIALS] [BATCH] [SPACE.toml]
//
// Random search, the cost model of one microcontroller (five values for each candidate), the study
// on disk in WAL mode. Prints one line for each part, then the
// whole.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include <sys/resource.h>
#include <unistd.h>

#include "hw_models/device.h"
#include "search/engine/run.h"
#include "search/engine/scheduler.h"
#include "space/operators.h"
#include "space/rng.h"

namespace {

using namespace hwnas;

constexpr const char* kDevice = "stm32l4r5";

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double cpu_seconds() {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  return static_cast<double>(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(use.ru_utime.tv_usec + use.ru_stime.tv_usec);
}

class RandomSearcher final : public Searcher {
 public:
  explicit RandomSearcher(std::vector<int> cardinalities)
      : cardinalities_(std::move(cardinalities)) {}
  std::vector<Proposal> ask(int n) override {
    std::vector<Proposal> proposals;
    for (int i = 0; i < n; ++i) proposals.push_back({sample(cardinalities_, rng_), {}, "sample"});
    return proposals;
  }
  void tell(std::span<const Outcome>) override {}

 private:
  std::vector<int> cardinalities_;
  Rng rng_{1};
};

const Device& device() {
  static const Device loaded = Device::load(HWNAS_SOURCE_DIR "/hw_models/devices/stm32l4r5.toml");
  return loaded;
}

Evaluation estimate(const Job& job) {
  const Cost cost = device().model->estimate(*job.candidate).cost;
  const std::pair<Metric, double> values[] = {
      {Metric::latency, cost.latency_s},
      {Metric::energy, cost.energy_j},
      {Metric::memory, static_cast<double>(cost.peak_memory_bytes)},
      {Metric::storage, static_cast<double>(cost.storage_bytes)},
      {Metric::throughput, cost.throughput_per_s}};
  Evaluation evaluation;
  evaluation.measurements.reserve(std::size(values));
  for (const auto& [metric, value] : values) {
    evaluation.measurements.push_back({{metric, kDevice}, Source::analytic, 0, value, {}});
  }
  return evaluation;
}

class Silent final : public RunListener {
 public:
  void trial_ended(const Trial&, const Progress& progress) override { last = progress; }
  Progress last;
};

void time_decoding(const SearchSpace& space) {
  constexpr int kSamples = 20'000;
  Rng rng(2);
  double layers = 0;
  const double start = now();
  for (int i = 0; i < kSamples; ++i)
    layers += space.decode(sample(space.cardinalities(), rng)).network.size();
  const double decoded = now();
  std::printf("decode            %8.2f us each, one thread (%.0f layers)\n",
              1e6 * (decoded - start) / kSamples, layers / kSamples);
}

// What the study alone takes of `trials` candidates with five values each.
void time_recording(const std::filesystem::path& path, const StudyInfo& info, std::int64_t trials,
                    int batch, const SearchSpace& space) {
  const StudyDevice stored{kDevice, device().text};
  Study study = Study::create_or_resume(path, info, {&stored, 1});
  Rng rng(3);
  Candidate candidate = space.decode(sample(space.cardinalities(), rng));
  Job job;
  job.candidate = &candidate;
  const Evaluation evaluation = estimate(job);
  std::vector<Trial> rows(static_cast<std::size_t>(batch));
  std::vector<Study::Landed> landed(rows.size());
  const double start = now(), cpu = cpu_seconds();
  for (std::int64_t at = 0; at < trials; at += batch) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      rows[i].id = at + static_cast<std::int64_t>(i);
      rows[i].genotype = candidate.genotype;
      rows[i].origin = "sample";
      rows[i].fingerprint = rows[i].seed = hash_combine(1, static_cast<std::uint64_t>(rows[i].id));
      landed[i] = {rows[i].id, "costs", &evaluation, TrialState::complete, ""};
    }
    study.admit(rows);
    study.record(landed);
  }
  std::printf("admit and record  %8.2f us each, one thread (%.2f us of CPU)\n",
              1e6 * (now() - start) / static_cast<double>(trials),
              1e6 * (cpu_seconds() - cpu) / static_cast<double>(trials));
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t trials = argc > 1 ? std::atoll(argv[1]) : 200'000;
  const int batch = argc > 2 ? std::atoi(argv[2]) : 1000;
  const SearchSpace space =
      SearchSpace::load(argc > 3 ? argv[3] : HWNAS_SOURCE_DIR "/space/spaces/tiny_image.toml");
  std::string folder = (std::filesystem::temp_directory_path() / "hwnas-bench-XXXXXX").string();
  if (!mkdtemp(folder.data())) return 1;

  RunSettings settings;
  settings.batch = batch;
  settings.budget.trials = trials;
  settings.objectives = {{{Metric::latency, kDevice}, true, {}},
                         {{Metric::storage, kDevice}, true, {}}};
  StudyInfo info;
  info.name = info.identity = "bench";
  info.objectives = settings.objectives;

  time_decoding(space);
  time_recording(folder + "/record.db", info, trials, batch, space);
  const int threads = machine_threads();
  {
    const StudyDevice device{kDevice, ""};
    Study study = Study::create_or_resume(folder + "/run.db", info, {&device, 1});
    RandomSearcher searcher(space.cardinalities());
    const auto costs = parallel_evaluator("costs", threads, estimate);
    Silent silent;
    const double start = now(), cpu = cpu_seconds();
    run(space, searcher, {costs.get()}, study, settings, silent, {});
    const double seconds = now() - start, used = cpu_seconds() - cpu;
    const double done = static_cast<double>(silent.last.complete);
    std::printf(
        "whole pipeline    %8.2f us each, %d threads: %.0f candidates/s (%.2f us of CPU each), "
        "front %zu\n",
        1e6 * seconds / done, threads, done / seconds, 1e6 * used / done, silent.last.front);
  }
  std::filesystem::remove_all(folder);
}
