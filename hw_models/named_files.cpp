#include "hw_models/named_files.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <optional>
#include <sstream>

namespace hwnas {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFolder = ".";

// FNV-1a of the contents; nothing where the file cannot be read.
std::optional<std::string> hash_of(const fs::path& path) {
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) return std::nullopt;
  std::ifstream in(path, std::ios::binary);
  std::uint64_t hash = 0xcbf29ce484222325;
  std::array<char, 65536> block;
  while (in) {
    in.read(block.data(), block.size());
    for (std::streamsize i = 0; i < in.gcount(); ++i) {
      hash ^= static_cast<unsigned char>(block[static_cast<std::size_t>(i)]);
      hash *= 0x100000001b3;
    }
  }
  if (!in.eof()) return std::nullopt;
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(hash));
  return digits;
}

// As a TOML string.
std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace

NamedFiles::NamedFiles(const TomlTable& file, std::vector<fs::path> space_folders)
    : space_folders_(std::move(space_folders)) {
  for (const TomlTable& row : file.tables("files")) {
    pins_.push_back({row.string("name"), row.string("path"), row.string("hash", ""), true});
    row.done();
  }
}

const NamedFiles::Pin* NamedFiles::pinned(std::string_view name) const {
  for (const Pin& pin : pins_) {
    if (pin.name == name) return &pin;
  }
  return nullptr;
}

fs::path NamedFiles::pin(const TomlTable& section, std::string_view key, const std::string& name,
                         const fs::path& path) {
  const std::optional<std::string> hash = hash_of(path);
  if (const Pin* known = pinned(name)) {
    if (!hash) throw section.error(key, "the file " + known->path + " has gone");
    if (*hash != known->hash)
      throw section.error(key, "the file " + known->path + " is no longer what it was");
    return known->path;
  }
  if (!hash) throw section.error(key, "no file " + path.string() + " that can be read");
  pins_.push_back({name, path.string(), *hash});
  return path;
}

fs::path NamedFiles::find(const TomlTable& section, std::string_view key) {
  return find(section, key, section.string(key));
}

fs::path NamedFiles::find(const TomlTable& section, std::string_view key, const std::string& name) {
  if (const Pin* known = pinned(name)) return pin(section, key, name, known->path);
  const fs::path base = fs::absolute(section.origin(key)).parent_path();
  return pin(section, key, name, (base / name).lexically_normal());
}

fs::path NamedFiles::find_space(const TomlTable& section, std::string_view key) {
  const std::string name = section.string(key);
  const bool is_path = name.find('/') != std::string::npos || name.ends_with(".toml");
  if (is_path || pinned(name)) return find(section, key, name);
  std::vector<std::string> known;
  std::error_code ignored;
  for (const fs::path& folder : space_folders_) {
    const fs::path at = folder / (name + ".toml");
    if (fs::is_regular_file(at, ignored))
      return pin(section, key, name, fs::absolute(at).lexically_normal());
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
      if (entry.path().extension() == ".toml") known.push_back(entry.path().stem().string());
    }
  }
  throw section.error(key, "no such space" + suggestion(name, known) +
                               "; a file is named by its path, such as ./my_space.toml");
}

fs::path NamedFiles::folder(const TomlTable& section, std::string_view key) {
  const Pin* known = pinned(kFolder);
  if (!known) {
    const fs::path path = fs::absolute(section.origin(key)).parent_path();
    pins_.push_back({kFolder, path.string(), ""});
    return path;
  }
  std::error_code ignored;
  if (!fs::is_directory(known->path, ignored))
    throw section.error(key, "the folder " + known->path + " has gone");
  return known->path;
}

std::string NamedFiles::hash(std::string_view name) const {
  const Pin* known = pinned(name);
  return known ? known->hash : "";
}

std::string NamedFiles::pins() const {
  std::ostringstream text;
  for (const Pin& pin : pins_) {
    if (pin.from_text) continue;
    if (text.tellp() == 0) text << "\n# The files that this file named when it was read.\n";
    text << "[[files]]\nname = " << toml_string(pin.name) << "\npath = " << toml_string(pin.path)
         << '\n';
    if (!pin.hash.empty()) text << "hash = " << toml_string(pin.hash) << '\n';
  }
  return text.str();
}

}  // namespace hwnas
