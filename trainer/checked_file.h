// CheckedFile: named byte strings in a file that is whole or refused.
//
// Written to a neighbour file and renamed, so that PATH holds the old or the new content, whenever
// the process dies. Read as data only: lengths are checked against the file, a CRC-32 over all of
// it. Bytes are those of this machine; a file of another byte order is refused by its mark.
// Thread-safe.
#pragma once

#include <cstring>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace hwnas {

using Parts = std::map<std::string, std::string>;  // name -> bytes

// `kind`: 8 characters that tell one use of the format from another. Throws std::runtime_error with
// path and reason where it cannot be written.
void write_checked(const std::filesystem::path& path, const std::string& kind, const Parts& parts);

// Throws std::runtime_error, one line with the path: cannot be opened, is no file of this kind, is
// damaged.
Parts read_checked(const std::filesystem::path& path, const std::string& kind);

// Plain values as bytes and back. The second throws std::runtime_error where the part is missing or
// of another size.
template <typename T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}
template <typename T>
std::vector<T> values_of(const Parts& parts, const std::string& name) {
  const auto found = parts.find(name);
  if (found == parts.end()) throw std::runtime_error("lacks '" + name + "'");
  if (found->second.size() % sizeof(T) != 0)
    throw std::runtime_error("'" + name + "' has an odd size");
  std::vector<T> values(found->second.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), found->second.data(), found->second.size());
  return values;
}

}  // namespace hwnas
