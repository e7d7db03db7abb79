// NamedFiles: the files that a device file (or a run config) names: a table, a library, a program.
//
// A relative name is relative to the file that says it. A study keeps the texts of devices and of
// the config and nothing else, so pins() is added to that text: one [[files]] row for each file,
// with its full path and a hash of what was in it. Where a text has such rows they decide: a file
// that has changed or gone since is an InputError.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "space/toml_table.h"

namespace hwnas {

class NamedFiles {
 public:
  NamedFiles(const TomlTable& file, std::vector<std::filesystem::path> space_folders);

  // The file that `name`, found at `key`, stands for; without a name, the value of the key.
  // Throw InputError at the key.
  std::filesystem::path find(const TomlTable& section, std::string_view key);
  std::filesystem::path find(const TomlTable& section, std::string_view key,
                             const std::string& name);
  // A space by its name, or a space file.
  std::filesystem::path find_space(const TomlTable& section, std::string_view key);
  // The folder of the device file that has the key.
  std::filesystem::path folder(const TomlTable& section, std::string_view key);

  // Whether the device file has a [[files]] row of this name.
  bool has(std::string_view name) const { return pinned(name) != nullptr; }

  // Of what was in the file that was found under this name; empty: none was.
  std::string hash(std::string_view name) const;

  // [[files]] rows of all that was found and is not in the device file yet.
  std::string pins() const;

 private:
  struct Pin {
    std::string name, path, hash;
    bool from_text = false;
  };
  const Pin* pinned(std::string_view name) const;
  std::filesystem::path pin(const TomlTable& section, std::string_view key, const std::string& name,
                            const std::filesystem::path& path);

  std::vector<Pin> pins_;
  std::vector<std::filesystem::path> space_folders_;
};

}  // namespace hwnas
