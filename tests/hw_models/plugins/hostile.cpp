// A plug-in that does to each network what the name of the network says.
#include <hwnas_plugin.h>

#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace {

volatile int* volatile null_pointer = nullptr;

// A device called "moody" fails one network in four, each in its own way.
std::string mood(const hwnas_request* request) {
  constexpr const char* kMoods[] = {"segfault", "exit", "throw", "nan", "negative"};
  double sum = 0;
  for (int32_t i = 0; i < request->layer_count; ++i) {
    const hwnas_layer* layer = hwnas_layer_at(request, i);
    sum += layer->macs + layer->parameters + i;
  }
  const auto draw = static_cast<std::uint64_t>(sum) * 2654435761u % 1000;
  if (draw == 0) return "loop";
  return draw < 250 ? kMoods[draw % 5] : "good";
}

int32_t estimate(const hwnas_request* request, hwnas_cost* cost) {
  const bool moody = std::string(request->device) == "moody";
  const std::string what = moody ? mood(request) : request->network;
  cost->latency_s = 0.001;
  cost->energy_j = 0.002;
  if (moody) cost->latency_s = 1e-6 * request->layer_count;
  if (what == "segfault") *null_pointer = 1;
  if (what == "abort") std::abort();
  if (what == "exit") std::exit(0);
  if (what == "loop") {
    for (volatile unsigned i = 0;;) i = i + 1;
  }
  if (what == "throw") throw std::runtime_error("out of tune");
  if (what == "nan") cost->latency_s = cost->energy_j = std::nan("");
  if (what == "infinite") cost->latency_s = INFINITY;
  if (what == "negative") cost->latency_s = -1;
  if (what == "absurd") cost->latency_s = 1e-30;
  if (what == "layers") cost->layer_latency_s[1] = 5;
  if (what == "chatter") {
    std::printf("{\"id\": 1, \"latency_s\": 7}\n");
    std::fflush(stdout);
    [[maybe_unused]] const auto written = write(1, "noise\n", 6);
    std::string line(100, '\0');
    [[maybe_unused]] const bool read = std::fgets(line.data(), 100, stdin) != nullptr;
  }
  if (what == "words") {
    std::fprintf(stderr, "the bus is on fire\n");
    std::abort();
  }
  if (what == "endless reason") {
    for (uint32_t i = 0; i < cost->reason_size; ++i) cost->reason[i] = '\xFF';
    return 7;
  }
  if (what == "no reason") return 7;
  return 0;
}

}  // namespace

#ifdef HWNAS_TEST_STARTUP
// What it does when it is loaded.
__attribute__((constructor)) static void startup() {
  HWNAS_TEST_STARTUP();
}
#endif
#ifndef HWNAS_TEST_VERSION
#define HWNAS_TEST_VERSION HWNAS_PLUGIN_VERSION
#endif
#ifndef HWNAS_TEST_SYMBOL
#define HWNAS_TEST_SYMBOL hwnas_plugin
#endif

extern "C" HWNAS_PLUGIN_EXPORT const hwnas_plugin_table* HWNAS_TEST_SYMBOL() {
  static const hwnas_plugin_table table{HWNAS_TEST_VERSION, sizeof(hwnas_plugin_table), "hostile",
                                        estimate};
  return &table;
}
