#include "experiments/commands/check_devices.h"

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

#include "experiments/estimate_report.h"
#include "experiments/library.h"
#include "experiments/table.h"
#include "hw_models/validation.h"
#include "space/units.h"

namespace hwnas {
namespace {

constexpr const char* kKnown[] = {"resnet8", "mobilenet_v2", "resnet50"};

void print_first_look(const Device& device) {
  std::cout << '\n' << device.name << " on networks of the zoo\n";
  const std::vector<Device> one{device};
  Table table;
  table.column("network", Table::Align::left);
  for (const char* heading : {"latency", "energy", "memory"}) table.column(heading);
  table.column("", Table::Align::left);
  const auto text = [](double v, Unit u) {
    return std::isfinite(v) ? format_quantity(v, u) : std::string("-");
  };
  for (const char* name : kKnown) {
    const Candidate candidate{{}, *live(find_network(name)), {}};
    const Estimate e = estimate_on(one, candidate, {true, {}}).front().estimate;
    if (!e.covered) {
      table.row({name, "-", "-", "-", e.reason});
      continue;
    }
    table.row({name, text(e.cost.latency_s, Unit::second), text(e.cost.energy_j, Unit::joule),
               text(static_cast<double>(e.cost.peak_memory_bytes), Unit::byte), e.reason});
  }
  std::cout << table;
}

std::string figure_text(double value, const std::string& metric) {
  if (!std::isfinite(value)) return "-";
  if (metric == "latency_s") return format_quantity(value, Unit::second);
  if (metric == "energy_j") return format_quantity(value, Unit::joule);
  if (metric.ends_with("_bytes")) return format_quantity(value, Unit::byte);
  std::ostringstream text;
  text << std::setprecision(metric == "throughput_per_s" ? 4 : 9) << value;
  return text.str();
}

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%+.1f %%", 100 * share);
  return std::isfinite(share) ? text : "-";
}

// A row's network: a file beside the device's, or one of the zoo.
Network network_of(const Device& device, const Validation& row) {
  const auto beside = std::filesystem::path(device.file).parent_path() / row.network;
  std::error_code ignored;
  return find_network(std::filesystem::is_regular_file(beside, ignored) ? beside.string()
                                                                        : row.network);
}

struct Checked {
  const Device* device;
  const Validation* row;
  Check check;
};

void print_checks(const std::vector<Checked>& all) {
  Table table;
  table.column("device", Table::Align::left);
  table.column("network", Table::Align::left);
  table.column("bits");
  table.column("figure", Table::Align::left);
  for (const char* heading : {"model", "published", "error", "allowed"}) table.column(heading);
  table.column("", Table::Align::left);
  std::string reasons;
  for (const auto& [device, row, check] : all) {
    std::string figure = row->metric + (row->layer.empty() ? "" : " of " + row->layer);
    if (row->batch != 1) figure += ", batch " + std::to_string(row->batch);
    table.row({device->name, row->network,
               std::to_string(row->weight_bits) + "/" + std::to_string(row->activation_bits),
               figure, figure_text(check.modelled, row->metric),
               figure_text(row->value, row->metric), percent(check.error),
               "\u00b1" + format_quantity(row->tolerance, Unit::fraction),
               check.pass ? "pass" : "MISS"});
    if (!check.reason.empty()) reasons += device->name + ": " + check.reason + '\n';
  }
  if (!all.empty()) std::cout << table << reasons;
}

nlohmann::json checks_json(const std::vector<Checked>& all) {
  nlohmann::json rows = nlohmann::json::array();
  const auto number = [](double v) {
    return std::isfinite(v) ? nlohmann::json(v) : nlohmann::json();
  };
  for (const auto& [device, row, check] : all) {
    rows.push_back({{"device", device->name},
                    {"network", row->network},
                    {"metric", row->metric},
                    {"layer", row->layer},
                    {"weight_bits", row->weight_bits},
                    {"activation_bits", row->activation_bits},
                    {"batch", row->batch},
                    {"published", row->value},
                    {"model", number(check.modelled)},
                    {"error", number(check.error)},
                    {"tolerance", row->tolerance},
                    {"pass", check.pass},
                    {"reason", check.reason},
                    {"note", row->note},
                    {"source", row->source},
                    {"date", row->date}});
  }
  return rows;
}

}  // namespace

int check_devices(const std::string& names, bool as_json) {
  std::vector<Device> devices;
  if (names.empty()) {
    for (const std::string& name : list_names(LibraryShelf::devices))
      devices.push_back(find_device(name));
  } else {
    devices = find_devices(names);
  }
  std::vector<Checked> all;
  int misses = 0;
  std::string unchecked;
  for (const Device& device : devices) {
    if (device.validation.empty()) unchecked += (unchecked.empty() ? "" : ", ") + device.name;
    for (const Validation& row : device.validation) {
      all.push_back({&device, &row, check(device, row, network_of(device, row))});
      misses += !all.back().check.pass;
    }
  }
  if (as_json) {
    std::cout << checks_json(all).dump(2) << '\n';
    return misses > 0 ? 1 : 0;
  }
  print_checks(all);
  std::cout << all.size() << (all.size() == 1 ? " figure, " : " figures, ") << misses
            << " missed\n";
  if (!unchecked.empty()) std::cout << "without published figures: " << unchecked << '\n';
  if (!names.empty()) {
    for (const Device& device : devices) print_first_look(device);
  }
  return misses > 0 ? 1 : 0;
}

}  // namespace hwnas
