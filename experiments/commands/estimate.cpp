#include <charconv>
#include <iostream>
#include <nlohmann/json.hpp>

#include "experiments/command_line.h"
#include "experiments/commands.h"
#include "experiments/cost_report.h"
#include "experiments/estimate_report.h"
#include "experiments/library.h"
#include "experiments/subject.h"
#include "space/input_error.h"
#include "space/units.h"

namespace hwnas {
namespace {

constexpr const char* kNative = "native";

double watts(const std::string& text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end || !(value > 0 && value < 1e6))
    throw InputError("", 0, "--power-cap", text, "expected watts, such as 150");
  return value;
}

// Changes the candidate as asked; what concerns each device on its own is returned.
EstimateOptions apply_options(const CommandLine& line, Candidate& candidate) {
  const auto batch = line.integer("batch", 1, 65536);
  if (batch) candidate.deployment.batch = static_cast<int>(*batch);
  if (line.has("clock")) candidate.deployment.clock_share = clock_share(line.get("clock"));
  EstimateOptions options;
  if (line.has("power-cap")) options.power_cap_w = watts(line.get("power-cap"));
  if (options.power_cap_w && line.has("clock"))
    throw InputError("--power-cap chooses the clock; leave out --clock");
  options.native = line.has("bits") && line.get("bits") == kNative;
  if (line.has("bits") && !options.native)
    candidate.network = at_bits(candidate.network, line.get("bits"));
  return options;
}

void print_text(const CommandLine& line, const Candidate& candidate,
                const std::vector<DeviceEstimate>& estimates) {
  const Network& network = candidate.network;
  std::cout << network.name << ": "
            << format_quantity(static_cast<double>(parameters(network)), Unit::count)
            << " parameters, " << format_quantity(static_cast<double>(macs(network)), Unit::count)
            << " MACs, batch " << candidate.deployment.batch;
  if (candidate.deployment.clock_share != 1)
    std::cout << ", clock " << format_quantity(candidate.deployment.clock_share, Unit::fraction);
  std::cout << '\n';
  print_estimates(std::cout, estimates);
  bool refused = false;
  for (const DeviceEstimate& e : estimates) refused = refused || !e.estimate.covered;
  if (refused && !line.has("bits"))
    std::cout << "--bits native costs each device at its own precision\n";
  const auto most = static_cast<std::size_t>(line.integer("layers", 1, 100'000).value_or(0));
  for (const DeviceEstimate& e : estimates) {
    if (most == 0 || !e.estimate.covered) continue;
    std::cout << '\n' << e.device->name << ", slowest layers\n";
    print_layers(std::cout, network, e.estimate.cost, most);
  }
}

}  // namespace

int estimate_command(const Arguments& arguments) {
  CommandLine line(
      "hwnas estimate NETWORK [--device D[,D...]]",
      "What a network costs on devices, by their analytic models; the best device first.\n"
      "Example: hwnas estimate mobilenet_v2 --bits native --device all --sort energy");
  line.positional("NETWORK", kSubjects)
      .value("device", "D[,D...]",
             "names from 'hwnas devices list', device files, or 'all' (the default)")
      .value("bits", "W[,A]",
             "bits of weights and activations instead of the network's own, or 'native': each "
             "device's own")
      .value("batch", "N", "inputs processed together (1)")
      .value("clock", "SHARE", "clock as a share of each device's highest (1)")
      .value("power-cap", "W", "the highest clock at which each device draws at most so many watts")
      .value("sort", "METRIC", "latency (the default), energy, memory, cost or throughput")
      .value("layers", "N", "also print the N slowest layers on each device")
      .flag("json", "print JSON with every layer and every count of the model");
  if (!line.parse(arguments)) return 0;
  Candidate candidate = find_subject(line.get("NETWORK"));
  const EstimateOptions options = apply_options(line, candidate);
  const std::vector<Device> devices = find_devices(line.has("device") ? line.get("device") : "all");
  std::vector<DeviceEstimate> estimates = estimate_on(devices, candidate, options);
  rank(estimates, line.has("sort") ? line.get("sort") : "latency");
  if (line.has("json")) {
    nlohmann::json all{{"network", candidate.network.name},
                       {"parameters", parameters(candidate.network)},
                       {"macs", macs(candidate.network)},
                       {"batch", candidate.deployment.batch},
                       {"clock_share", candidate.deployment.clock_share},
                       {"devices", estimates_json(estimates, candidate.network)}};
    std::cout << all.dump(2) << '\n';
    return 0;
  }
  print_text(line, candidate, estimates);
  bool any = false;
  for (const DeviceEstimate& e : estimates) any = any || e.estimate.covered;
  return any ? 0 : 2;
}

}  // namespace hwnas
