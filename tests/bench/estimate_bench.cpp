// Decode plus estimate of a MobileNetV2-sized network on one device.
#include <benchmark/benchmark.h>

#include "hw_models/device.h"
#include "space/operators.h"
#include "space/search_space.h"

namespace {

using namespace hwnas;

const std::string kTree = HWNAS_SOURCE_DIR;

SearchSpace space(const char* name) {
  return SearchSpace::load(kTree + "/space/spaces/" + name + ".toml");
}

void decode(benchmark::State& state, const char* name) {
  const SearchSpace s = space(name);
  Rng rng(1);
  const Genotype g = sample(s.cardinalities(), rng);
  for (auto _ : state) benchmark::DoNotOptimize(s.decode(g));
  state.counters["layers"] = s.decode(g).network.size();
}

void decode_and_estimate(benchmark::State& state, const char* name, const char* device_name) {
  const SearchSpace s = space(name);
  const Device device = Device::load(kTree + "/hw_models/devices/" + device_name + ".toml");
  Rng rng(1);
  const Genotype g = sample(s.cardinalities(), rng);
  for (auto _ : state) benchmark::DoNotOptimize(device.model->estimate(s.decode(g)));
  state.counters["layers"] = s.decode(g).network.size();
}

BENCHMARK_CAPTURE(decode, mobile_image, "mobile_image");
BENCHMARK_CAPTURE(decode_and_estimate, mobile_image_raspberry_pi_4, "mobile_image",
                  "raspberry_pi_4");
BENCHMARK_CAPTURE(decode_and_estimate, mobile_image_a100, "mobile_image", "a100");
BENCHMARK_CAPTURE(decode_and_estimate, tiny_image_stm32l4r5, "tiny_image", "stm32l4r5");

}  // namespace
