// The library: spaces, networks, devices (and templates for them) and run configs that ship with
// hwnas, found by name.
//
// A name is looked up in $HWNAS_DATA, in the installed share/hwnas beside the executable, and in
// the source tree this program was built from, in that order. Anything with a slash or an extension
// is a path. Thread-safe.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "hw_models/device.h"
#include "space/network.h"
#include "space/search_space.h"

namespace hwnas {

enum class LibraryShelf { spaces, networks, devices, templates, configs, report };

// Path of a file by name or path. Throws InputError with the nearest name on that shelf.
std::filesystem::path find_file(LibraryShelf shelf, const std::string& name);

// A part of the report's page: "page.css". Throws InputError where it is not installed.
std::filesystem::path find_part(const std::string& file);

// A text of ours, by its path in the source tree: "space/README.md". Throws InputError.
std::filesystem::path find_document(const std::string& name);

// All names on a shelf, sorted.
std::vector<std::string> list_names(LibraryShelf shelf);

Device find_device(const std::string& name);
Network find_network(const std::string& name);

// Names and paths separated by commas, or "all": every device on the shelf that is no reference.
std::vector<Device> find_devices(const std::string& list);

// A program of ours ("hwnas-trainer") beside this executable, else just its name (looked up in
// PATH).
std::string companion_program(const std::string& name);

}  // namespace hwnas
