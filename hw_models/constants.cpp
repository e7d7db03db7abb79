#include "hw_models/device.h"
#include "space/toml_table.h"

namespace hwnas {
namespace {

std::string joined(const std::vector<std::string>& parts) {
  if (parts.empty()) return "none";
  std::string text;
  for (const std::string& part : parts) {
    if (!text.empty()) text += ", ";
    text += part;
  }
  return text;
}

// Constants of one section; tables within it are cited by its source.
void collect(const TomlTable& table, const std::string& source, const std::string& date,
             std::vector<DeviceConstant>& found) {
  for (const std::string& key : table.keys()) {
    if (key == "source" || key == "date") continue;
    const TomlTable::Kind kind = table.kind(key);
    if (kind == TomlTable::Kind::table) {
      collect(table.table(key), source, date, found);
      continue;
    }
    try {
      found.push_back({table.path_of(key), joined(table.texts(key)), source, date});
    } catch (const InputError&) {  // an array of tables, not of values
      for (const TomlTable& inner : table.tables(key)) collect(inner, source, date, found);
    }
  }
}

}  // namespace

std::vector<DeviceConstant> constants(const Device& device) {
  const TomlTable file = TomlTable::parse(device.text, device.file);
  std::vector<DeviceConstant> found;
  for (const std::string& key : file.keys()) {
    if (file.kind(key) != TomlTable::Kind::array && file.kind(key) != TomlTable::Kind::table)
      continue;
    if (key == "validation" || key == "files") continue;
    std::vector<TomlTable> sections;
    if (file.kind(key) == TomlTable::Kind::array) {
      sections = file.tables(key);
    } else {
      sections.push_back(file.table(key));
    }
    for (const TomlTable& section : sections)
      collect(section, section.string("source"), section.string("date"), found);
  }
  return found;
}

}  // namespace hwnas
