#include <charconv>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "experiments/command_line.h"
#include "experiments/commands.h"
#include "experiments/cost_report.h"
#include "experiments/library.h"
#include "experiments/table.h"
#include "space/input_error.h"
#include "space/units.h"

namespace hwnas {
namespace {

// "8" or "4,8": bits of weights and of activations.
Network at_precision(const Network& network, const std::string& text) {
  int bits[2] = {0, 0};
  const char* at = text.data();
  const char* end = at + text.size();
  auto parsed = std::from_chars(at, end, bits[0]);
  bits[1] = bits[0];
  bool good = parsed.ec == std::errc();
  if (good && parsed.ptr != end && *parsed.ptr == ',') {
    parsed = std::from_chars(parsed.ptr + 1, end, bits[1]);
    good = parsed.ec == std::errc();
  }
  good =
      good && parsed.ptr == end && bits[0] >= 1 && bits[0] <= 32 && bits[1] >= 1 && bits[1] <= 32;
  if (!good)
    throw InputError("", 0, "--bits", text,
                     "expected bits of weights and activations, such as 8 or 4,8");
  return with_precision(network, bits[0], bits[1]);
}

nlohmann::json number(double value) {
  return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json();
}

nlohmann::json as_json(const Device& device, const Estimate& e) {
  nlohmann::json entry{{"device", device.name},
                       {"runs", e.covered},
                       {"fits", e.covered && e.fits},
                       {"reason", e.reason}};
  if (!e.covered) return entry;
  entry["latency_s"] = number(e.cost.latency_s);
  entry["energy_j"] = number(e.cost.energy_j);
  entry["throughput_per_s"] = number(e.cost.throughput_per_s);
  entry["peak_memory_bytes"] = e.cost.peak_memory_bytes;
  entry["storage_bytes"] = e.cost.storage_bytes;
  entry["usd_per_million"] = number(e.cost.usd_per_million);
  entry["bound"] = to_string(e.cost.bound);
  entry["confidence"] = std::string(1, static_cast<char>(e.cost.confidence));
  entry["extrapolated"] = e.cost.extrapolated;
  entry["source"] = "analytic";
  for (const LayerCost& l : e.cost.layers) {
    entry["layers"].push_back({{"layer", l.layer},
                               {"latency_s", l.latency_s},
                               {"energy_j", l.energy_j},
                               {"macs", l.macs},
                               {"traffic_bytes", l.traffic_bytes},
                               {"live_bytes", l.live_bytes},
                               {"bound", to_string(l.bound)}});
  }
  return entry;
}

void print_table(const std::vector<Device>& devices, const std::vector<Estimate>& estimates) {
  Table table;
  table.column("device", Table::Align::left);
  for (const char* heading : {"latency", "energy", "memory", "storage", "inf/s", "$/million"})
    table.column(heading);
  table.column("bound", Table::Align::left);
  table.column("class", Table::Align::left);
  table.column("fits", Table::Align::left);
  std::string notes;
  for (std::size_t i = 0; i < devices.size(); ++i) {
    const Estimate& e = estimates[i];
    const Cost& c = e.cost;
    if (!e.covered) {
      table.row({devices[i].name, "-", "-", "-", "-", "-", "-", "", "", "cannot run"});
    } else {
      table.row(
          {devices[i].name, format_quantity(c.latency_s, Unit::second),
           format_quantity(c.energy_j, Unit::joule),
           format_quantity(static_cast<double>(c.peak_memory_bytes), Unit::byte),
           format_quantity(static_cast<double>(c.storage_bytes), Unit::byte),
           format_quantity(c.throughput_per_s, Unit::count),
           std::isnan(c.usd_per_million) ? "-" : format_quantity(c.usd_per_million, Unit::none),
           std::string(to_string(c.bound)), std::string(1, static_cast<char>(c.confidence)),
           e.fits ? "yes" : "no"});
    }
    if (!e.reason.empty()) notes += devices[i].name + ": " + e.reason + '\n';
    for (const std::string& line : c.extrapolated)
      notes += devices[i].name + ": extrapolated: " + line + '\n';
  }
  std::cout << table << notes
            << "all numbers analytic; latency of one batch, energy of one inference\n";
}

}  // namespace

int estimate_command(const Arguments& arguments) {
  CommandLine line(
      "hwnas estimate NETWORK --device D[,D...]",
      "What a network costs on devices, by their analytic models.\n"
      "Example: hwnas estimate mobilenet_v2 --bits 8 --device raspberry_pi_4,a100 --layers 5");
  line.positional("NETWORK", "a name from 'hwnas networks list', or a network file")
      .value("device", "D[,D...]",
             "names from 'hwnas devices list', device files, or 'all' (the default)")
      .value("bits", "W[,A]", "bits of weights and activations instead of the network's own")
      .value("batch", "N", "inputs processed together (1)")
      .value("layers", "N", "also print the N slowest layers on each device")
      .flag("json", "print JSON with every layer");
  if (!line.parse(arguments)) return 0;
  Network network = find_network(line.get("NETWORK"));
  if (line.has("bits")) network = at_precision(network, line.get("bits"));
  const auto alive = live(network);
  if (!alive)
    throw InputError(line.get("NETWORK") + ": nothing reaches the output of this network");
  Candidate candidate{{}, *alive, {}};
  candidate.deployment.batch = static_cast<int>(line.integer("batch", 1, 65536).value_or(1));
  const auto most = static_cast<std::size_t>(line.integer("layers", 1, 100'000).value_or(0));
  const std::vector<Device> devices = find_devices(line.has("device") ? line.get("device") : "all");
  std::vector<Estimate> estimates;
  bool any = false;
  for (const Device& device : devices) {
    estimates.push_back(device.model->estimate(candidate));
    any = any || estimates.back().covered;
  }
  if (line.has("json")) {
    nlohmann::json all{{"network", network.name},
                       {"parameters", parameters(network)},
                       {"macs", macs(network)},
                       {"batch", candidate.deployment.batch}};
    for (std::size_t i = 0; i < devices.size(); ++i)
      all["devices"].push_back(as_json(devices[i], estimates[i]));
    std::cout << all.dump(2) << '\n';
    return 0;
  }
  std::cout << network.name << ": "
            << format_quantity(static_cast<double>(parameters(network)), Unit::count)
            << " parameters, " << format_quantity(static_cast<double>(macs(network)), Unit::count)
            << " MACs, batch " << candidate.deployment.batch << '\n';
  print_table(devices, estimates);
  for (std::size_t i = 0; most && i < devices.size(); ++i) {
    if (!estimates[i].covered) continue;
    std::cout << '\n' << devices[i].name << ", slowest layers\n";
    print_layers(std::cout, *alive, estimates[i].cost, most);
  }
  return any ? 0 : 2;
}

}  // namespace hwnas
