#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "experiments/command_line.h"
#include "experiments/commands.h"
#include "experiments/commands/check_devices.h"
#include "experiments/commands/fit_device.h"
#include "experiments/library.h"
#include "experiments/table.h"
#include "space/input_error.h"
#include "space/toml_table.h"

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

// Long lists are cut: the file has them.
std::string shortened(const std::string& value) {
  constexpr std::size_t kMost = 80;
  return value.size() <= kMost ? value : value.substr(0, value.rfind(',', kMost - 4) + 1) + " ...";
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
    table.row({c.key, shortened(c.value), c.date, c.source});
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
  if (!arguments.empty() && arguments[0] == "fit")
    return fit_device({arguments.begin() + 1, arguments.end()});
  CommandLine line(
      "hwnas devices list | show NAME | check [NAME] | new --family F [FILE] | fit ...",
      "The hardware that hwnas knows, and any device file: every constant with its source and "
      "date;\n"
      "the model held against the published figures that the file names (exit code 1 on a miss);\n"
      "a commented template for a device of your own; a device learned from measurements\n"
      "('hwnas devices fit --help').\n"
      "Example: hwnas devices new --family microcontroller my_board.toml");
  line.positional("ACTION", "list, show, check, new or fit")
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
      "expected 'hwnas devices list', 'show NAME', 'check [NAME]', 'new --family F [FILE]' or "
      "'fit ...'");
}

}  // namespace hwnas
