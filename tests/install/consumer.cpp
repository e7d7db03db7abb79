// Uses one thing of each installed room.
#include <array>
#include <cstdio>

#include "hw_models/device.h"
#include "search/pareto.h"
#include "space/network_builder.h"

int main(int, char** argv) {
  hwnas::NetworkBuilder builder("tiny", {1, 8, 8});
  builder.set_input_precision(8);
  builder.set_precision(8, 8);
  builder.linear(builder.global_avg_pool(builder.conv(0, {.channels = 4, .kernel = 3})), 10);
  const hwnas::Candidate candidate{{}, std::move(builder).build(), {}};
  const hwnas::Device device = hwnas::Device::load(argv[1]);
  const hwnas::Estimate estimate = device.model->estimate(candidate);
  const std::array<double, 4> points{1, 2, 2, 1};
  const std::array<double, 2> reference{3, 3};
  std::printf("%s %d %.0f\n", device.name.c_str(), estimate.ok(),
              hwnas::hypervolume(points, reference));
  return estimate.ok() ? 0 : 1;
}
