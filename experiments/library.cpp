#include "experiments/library.h"

#include <algorithm>
#include <cstdlib>
#include <set>

#include "hw_models/validation.h"
#include "space/input_error.h"
#include "space/network_file.h"

namespace hwnas {
namespace {

namespace fs = std::filesystem;

struct Place {
  const char* installed;  // below share/hwnas
  const char* source;     // below the source tree
  const char* noun;
};

Place place(LibraryShelf shelf) {
  switch (shelf) {
    case LibraryShelf::spaces:
      return {"spaces", "space/spaces", "space"};
    case LibraryShelf::networks:
      return {"networks", "space/networks", "network"};
    case LibraryShelf::devices:
      return {"devices", "hw_models/devices", "device"};
    case LibraryShelf::templates:
      return {"templates", "hw_models/templates", "model family"};
    case LibraryShelf::configs:
      return {"configs", "experiments/configs", "run config"};
    case LibraryShelf::report:
      return {"report", "experiments/report", "part of the report"};
  }
  return {};
}

fs::path executable_folder() {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  return error ? fs::path() : self.parent_path();
}

std::vector<fs::path> folders(LibraryShelf shelf) {
  const Place at = place(shelf);
  std::vector<fs::path> found;
  if (const char* data = std::getenv("HWNAS_DATA")) found.push_back(fs::path(data) / at.installed);
  found.push_back(executable_folder() / ".." / "share" / "hwnas" / at.installed);
  found.push_back(fs::path(HWNAS_SOURCE_TREE) / at.source);
  return found;
}

bool is_path(const std::string& name) {
  return name.find('/') != std::string::npos || fs::path(name).has_extension();
}

}  // namespace

fs::path find_file(LibraryShelf shelf, const std::string& name) {
  std::error_code ignored;
  const Place at = place(shelf);
  if (is_path(name)) {
    if (fs::is_regular_file(name, ignored)) return name;
    throw InputError(name, 0, "", "", std::string("no such ") + at.noun + " file");
  }
  for (const fs::path& folder : folders(shelf)) {
    const fs::path file = folder / (name + ".toml");
    if (fs::is_regular_file(file, ignored)) return file.lexically_normal();
  }
  throw InputError(
      "", 0, "", "",
      std::string("no ") + at.noun + " '" + name + "'" + suggestion(name, list_names(shelf)));
}

fs::path find_part(const std::string& file) {
  std::error_code ignored;
  for (const fs::path& folder : folders(LibraryShelf::report)) {
    if (fs::is_regular_file(folder / file, ignored)) return folder / file;
  }
  throw InputError(
      "the report's " + file + " is not installed" +
      (file.starts_with("echarts")
           ? "; when hwnas was built it could not be fetched: put it (npm's echarts 6, "
             "dist/" +
                 file + ") into " + folders(LibraryShelf::report)[0].string()
           : ""));
}

fs::path find_document(const std::string& name) {
  std::error_code ignored;
  for (const fs::path& folder :
       {executable_folder() / ".." / "share" / "hwnas" / "doc", fs::path(HWNAS_SOURCE_TREE)}) {
    if (fs::is_regular_file(folder / name, ignored)) return folder / name;
  }
  throw InputError(name + " is not installed");
}

std::vector<std::string> list_names(LibraryShelf shelf) {
  std::set<std::string> names;
  std::error_code ignored;
  for (const fs::path& folder : folders(shelf)) {
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
      if (entry.path().extension() == ".toml") names.insert(entry.path().stem().string());
    }
  }
  return {names.begin(), names.end()};
}

Device find_device(const std::string& name) {
  return Device::load(find_file(LibraryShelf::devices, name), folders(LibraryShelf::devices),
                      folders(LibraryShelf::spaces));
}

Network find_network(const std::string& name) {
  if (const auto gemm = parse_gemm(name)) return *gemm;
  return load_network(find_file(LibraryShelf::networks, name));
}

std::vector<Device> find_devices(const std::string& list) {
  std::vector<Device> devices;
  if (list == "all") {
    for (const std::string& name : list_names(LibraryShelf::devices)) {
      devices.push_back(find_device(name));
      if (devices.back().reference) devices.pop_back();
    }
    return devices;
  }
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    devices.push_back(find_device(list.substr(begin, end - begin)));
    begin = end + 1;
  }
  return devices;
}

std::string companion_program(const std::string& name) {
  const fs::path beside = executable_folder() / name;
  std::error_code ignored;
  return fs::exists(beside, ignored) ? beside.string() : name;
}

}  // namespace hwnas
