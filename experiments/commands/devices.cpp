#include <iostream>
#include <nlohmann/json.hpp>

#include "experiments/commands.h"
#include "experiments/commands/list_or_show.h"
#include "experiments/library.h"
#include "experiments/table.h"

namespace hwnas {
namespace {

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
  for (const Device& device : find_devices("all")) {
    const std::string grade(1, static_cast<char>(device.confidence));
    all.push_back({{"name", device.name},
                   {"family", to_string(device.family)},
                   {"confidence", grade},
                   {"description", device.description}});
    table.row({device.name, std::string(to_string(device.family)), grade, device.description});
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

}  // namespace

int devices_command(const Arguments& arguments) {
  return list_or_show(arguments, "devices",
                      "The hardware that hwnas knows, and any device file: every constant with its "
                      "source and date.\n"
                      "Example: hwnas devices show stm32h743",
                      list, show);
}

}  // namespace hwnas
