#include <cmath>
#include <cstdio>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "experiments/command_line.h"
#include "experiments/commands.h"
#include "experiments/estimate_report.h"
#include "experiments/library.h"
#include "experiments/table.h"
#include "hw_models/validation.h"
#include "space/input_error.h"
#include "space/toml_table.h"
#include "space/units.h"

namespace hwnas {
namespace {

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::string class_text(Confidence confidence) {
  switch (confidence) {
    case Confidence::A:
      return "A (calibrated on measurements)";
    case Confidence::B:
      return "B (agrees with published silicon)";
    case Confidence::C:
      return "C (agrees with a published simulator)";
    case Confidence::D:
      return "D (projected)";
  }
  return "";
}

int list(bool as_json) {
  nlohmann::json all = nlohmann::json::array();
  Table table;
  table.column("device", Table::Align::left);
  table.column("family", Table::Align::left);
  table.column("class", Table::Align::left);
  table.column("what", Table::Align::left);
  for (const std::string& name : list_names(LibraryShelf::devices)) {
    const Device device = find_device(name);
    const std::string grade(1, static_cast<char>(device.confidence));
    all.push_back({{"name", device.name},
                   {"family", to_string(device.family)},
                   {"confidence", grade},
                   {"reference", device.reference},
                   {"description", device.description}});
    table.row({device.name, std::string(to_string(device.family)), grade,
               device.description + (device.reference ? " (reference, not in 'all')" : "")});
  }
  if (as_json) {
    std::cout << all.dump(2) << '\n';
  } else {
    std::cout << table
              << "class: A calibrated on measurements, B agrees with published silicon, C with a "
                 "published simulator, D projected\n";
  }
  return 0;
}

int show(const std::string& name, bool as_json) {
  const Device device = find_device(name);
  nlohmann::json all = nlohmann::json::array();
  Table table;
  table.column("constant", Table::Align::left);
  table.column("value", Table::Align::left);
  table.column("date", Table::Align::left);
  table.column("source", Table::Align::left);
  for (const DeviceConstant& c : constants(device)) {
    all.push_back({{"key", c.key}, {"value", c.value}, {"source", c.source}, {"date", c.date}});
    table.row({c.key, c.value, c.date, c.source});
  }
  if (as_json) {
    std::cout << nlohmann::json{{"name", device.name},
                                {"family", to_string(device.family)},
                                {"file", device.file},
                                {"constants", all}}
                     .dump(2)
              << '\n';
    return 0;
  }
  std::cout << device.name << ": " << device.description << "\nfamily " << to_string(device.family)
            << ", confidence " << class_text(device.confidence) << "\nfile " << device.file
            << "\n\n"
            << table;
  return 0;
}

constexpr const char* kChecked[] = {"resnet8", "mobilenet_v2", "resnet50"};

// A first look at a device of somebody's own: what it says of networks that everybody knows.
void print_first_look(const Device& device) {
  std::cout << '\n' << device.name << " on networks of the zoo\n";
  std::vector<Device> one{device};
  Table table;
  table.column("network", Table::Align::left);
  for (const char* heading : {"latency", "energy", "memory"}) table.column(heading);
  table.column("", Table::Align::left);
  for (const char* name : kChecked) {
    const Candidate candidate{{}, *live(find_network(name)), {}};
    const Estimate e = estimate_on(one, candidate, true).front().estimate;
    if (!e.covered) {
      table.row({name, "-", "-", "-", e.reason});
      continue;
    }
    const auto text = [](double v, Unit u) {
      return std::isfinite(v) ? format_quantity(v, u) : "-";
    };
    table.row({name, text(e.cost.latency_s, Unit::second), text(e.cost.energy_j, Unit::joule),
               format_quantity(static_cast<double>(e.cost.peak_memory_bytes), Unit::byte),
               e.reason});
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

Network checked_network(const Device& device, const Validation& row) {
  const std::filesystem::path beside =
      std::filesystem::path(device.file).parent_path() / row.network;
  std::error_code ignored;
  return std::filesystem::is_regular_file(beside, ignored) ? find_network(beside.string())
                                                           : find_network(row.network);
}

int check_devices(const std::string& name, bool as_json) {
  std::vector<Device> devices;
  if (name.empty()) {
    for (const std::string& each : list_names(LibraryShelf::devices))
      devices.push_back(find_device(each));
  } else {
    devices = find_devices(name);
  }
  nlohmann::json all = nlohmann::json::array();
  Table table;
  table.column("device", Table::Align::left);
  table.column("network", Table::Align::left);
  table.column("bits");
  table.column("figure", Table::Align::left);
  for (const char* heading : {"model", "published", "error", "allowed"}) table.column(heading);
  table.column("", Table::Align::left);
  int rows = 0, misses = 0;
  std::string reasons, unchecked;
  for (const Device& device : devices) {
    if (device.validation.empty()) unchecked += (unchecked.empty() ? "" : ", ") + device.name;
    for (const Validation& row : device.validation) {
      const Check result = check(device, row, checked_network(device, row));
      ++rows;
      misses += !result.pass;
      std::string figure = row.metric + (row.layer.empty() ? "" : " of " + row.layer);
      if (row.batch != 1) figure += ", batch " + std::to_string(row.batch);
      const std::string model = figure_text(result.modelled, row.metric);
      const std::string bits =
          std::to_string(row.weight_bits) + "/" + std::to_string(row.activation_bits);
      table.row({device.name, row.network, bits, figure, model, figure_text(row.value, row.metric),
                 percent(result.error), "\u00b1" + format_quantity(row.tolerance, Unit::fraction),
                 result.pass ? "pass" : "MISS"});
      if (!result.reason.empty()) reasons += device.name + ": " + result.reason + '\n';
      nlohmann::json entry{
          {"device", device.name},      {"network", row.network}, {"metric", row.metric},
          {"layer", row.layer},         {"batch", row.batch},     {"published", row.value},
          {"tolerance", row.tolerance}, {"pass", result.pass},    {"reason", result.reason},
          {"note", row.note},           {"source", row.source},   {"date", row.date}};
      entry["model"] = std::isfinite(result.modelled) ? nlohmann::json(result.modelled) : nullptr;
      entry["error"] = std::isfinite(result.error) ? nlohmann::json(result.error) : nullptr;
      all.push_back(std::move(entry));
    }
  }
  if (as_json) {
    std::cout << all.dump(2) << '\n';
    return misses > 0 ? 1 : 0;
  }
  if (rows > 0) std::cout << table << reasons;
  std::cout << rows << (rows == 1 ? " figure" : " figures") << ", " << misses << " missed\n";
  if (!unchecked.empty()) std::cout << "without published figures: " << unchecked << '\n';
  if (!name.empty()) {
    for (const Device& device : devices) print_first_look(device);
  }
  return misses > 0 ? 1 : 0;
}

int write_template(const CommandLine& line) {
  if (!line.has("family")) {
    throw InputError("--family is missing; known: " + joined(list_names(LibraryShelf::templates)));
  }
  const std::string text =
      TomlTable::parse_file(find_file(LibraryShelf::templates, line.get("family"))).text();
  if (!line.has("NAME")) {
    std::cout << text;
    return 0;
  }
  const std::filesystem::path file = line.get("NAME");
  if (std::filesystem::exists(file))
    throw InputError(file.string(), 0, "", "", "exists already and is left as it is");
  std::ofstream out(file);
  if (!(out << text << std::flush)) throw InputError(file.string(), 0, "", "", "cannot be written");
  std::cout << "wrote " << file.string() << "; fill it in, then: hwnas devices check "
            << (file.has_parent_path() ? "" : "./") << file.string() << '\n';
  return 0;
}

}  // namespace

int devices_command(const Arguments& arguments) {
  CommandLine line(
      "hwnas devices list | show NAME | check [NAME] | new --family F [FILE]",
      "The hardware that hwnas knows, and any device file: every constant with its source and "
      "date;\n"
      "the model held against the published figures that the file names (exit code 1 on a miss);\n"
      "a commented template for a device of your own.\n"
      "Example: hwnas devices new --family microcontroller my_board.toml");
  line.positional("ACTION", "list, show, check or new")
      .positional("NAME", "names or device files; with new: the file to write", false)
      .value("family", "F", "with new: the model family")
      .flag("json", "print JSON instead of a table");
  if (!line.parse(arguments)) return 0;
  const std::string action = line.get("ACTION");
  const std::string name = line.has("NAME") ? line.get("NAME") : "";
  if (action == "list" && name.empty()) return list(line.has("json"));
  if (action == "show" && !name.empty()) return show(name, line.has("json"));
  if (action == "check") return check_devices(name, line.has("json"));
  if (action == "new") return write_template(line);
  throw InputError(
      "expected 'hwnas devices list', 'show NAME', 'check [NAME]' or 'new --family F [FILE]'");
}

}  // namespace hwnas
