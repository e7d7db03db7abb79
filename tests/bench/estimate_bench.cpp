// What estimates cost: one network on each device, and 10,000 candidates on all devices on one and
// two threads, the passes over a network's layers shared by the devices or not.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <filesystem>
#include <thread>
#include <vector>

#include "hw_models/device.h"
#include "space/network_file.h"
#include "space/operators.h"
#include "space/search_space.h"

namespace {

using namespace hwnas;

constexpr int kCandidates = 10'000;
const std::string kTree = HWNAS_SOURCE_DIR;

SearchSpace space(const char* name) {
  return SearchSpace::load(kTree + "/space/spaces/" + name + ".toml");
}

bool is_closed_form(const Device& device) {
  return device.family != Family::lookup && device.family != Family::plugin &&
         device.family != Family::program;
}

std::vector<Device> all_devices() {
  std::vector<Device> devices;
  for (const auto& file : std::filesystem::directory_iterator(kTree + "/hw_models/devices")) {
    Device device = Device::load(file.path());
    if (is_closed_form(device)) devices.push_back(std::move(device));
  }
  std::sort(devices.begin(), devices.end(),
            [](const Device& a, const Device& b) { return a.name < b.name; });
  return devices;
}

// A network of about 50 layers on one device; what is shared between devices is made anew.
void estimate(benchmark::State& state, const Device& device, const Network& network) {
  Network mine = network;
  if (!device.precisions.empty()) {
    mine = with_precision(network, device.precisions[0].weights, device.precisions[0].activations);
  }
  const Candidate candidate{{}, std::move(mine), {}};
  if (!device.model->estimate(candidate).covered) {
    state.SkipWithError("not covered");
    return;
  }
  for (auto _ : state) benchmark::DoNotOptimize(device.model->estimate(candidate));
  state.counters["layers"] = network.size();
}

const std::vector<Candidate>& candidates() {
  static const std::vector<Candidate> all = [] {
    const SearchSpace s = space("tiny_image");
    Rng rng(1);
    std::vector<Candidate> made;
    for (int i = 0; i < kCandidates; ++i) {
      made.push_back(s.decode(sample(s.cardinalities(), rng)));
      made.back().network = *live(std::move(made.back().network));
    }
    return made;
  }();
  return all;
}

void on_all_devices(benchmark::State& state, int threads, bool shared) {
  static const std::vector<Device> devices = all_devices();
  const auto work = [&](int first) {
    for (int i = first; i < kCandidates; i += threads) {
      const Candidate& c = candidates()[static_cast<std::size_t>(i)];
      const Workload workload(c);
      for (const Device& device : devices) {
        if (shared) {
          benchmark::DoNotOptimize(device.model->estimate(workload));
        } else {
          benchmark::DoNotOptimize(device.model->estimate(c));
        }
      }
    }
  };
  for (auto _ : state) {
    std::vector<std::thread> others;
    for (int t = 1; t < threads; ++t) others.emplace_back(work, t);
    work(0);
    for (std::thread& other : others) other.join();
  }
  const double estimates = double(kCandidates) * static_cast<double>(devices.size());
  state.counters["devices"] = static_cast<double>(devices.size());
  state.counters["estimates/s"] = benchmark::Counter(
      estimates * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

void decode_and_estimate(benchmark::State& state, const char* name, const char* device_name) {
  const SearchSpace s = space(name);
  const Device device = Device::load(kTree + "/hw_models/devices/" + device_name + ".toml");
  Rng rng(1);
  const Genotype g = sample(s.cardinalities(), rng);
  for (auto _ : state) benchmark::DoNotOptimize(device.model->estimate(s.decode(g)));
  state.counters["layers"] = s.decode(g).network.size();
}

BENCHMARK_CAPTURE(decode_and_estimate, mobile_image_raspberry_pi_4, "mobile_image",
                  "raspberry_pi_4");
BENCHMARK_CAPTURE(decode_and_estimate, tiny_image_stm32l4r5, "tiny_image", "stm32l4r5");

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  const Network network = *live(load_network(kTree + "/space/networks/resnet18.toml"));
  for (const Device& device : all_devices()) {
    benchmark::RegisterBenchmark(
        ("estimate/" + device.name).c_str(),
        [device, network](benchmark::State& state) { estimate(state, device, network); });
  }
  for (const int threads : {1, 2}) {
    for (const bool shared : {true, false}) {
      const std::string name = "10000_candidates_on_all/" + std::to_string(threads) +
                               (threads == 1 ? "_thread" : "_threads") +
                               (shared ? "" : "/not_shared");
      benchmark::RegisterBenchmark(
          name.c_str(),
          [threads, shared](benchmark::State& state) { on_all_devices(state, threads, shared); })
          ->Unit(benchmark::kMillisecond)
          ->UseRealTime();
    }
  }
  benchmark::RunSpecifiedBenchmarks();
}
