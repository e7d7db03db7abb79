// MemoryLevels: caches and main memory of a processor, smallest first; the last holds everything.
// A regular value; const access is thread-safe.
#pragma once

#include <string>
#include <vector>

#include "space/toml_table.h"

namespace hwnas {

struct MemoryLevel {
  std::string name;
  double bytes = 0, bytes_per_s = 0, energy_per_byte_j = 0;
};

class MemoryLevels {
 public:
  // Reads [[memory]]: name, bytes, bytes_per_s, energy_per_byte_j. Throws InputError.
  static MemoryLevels read(const TomlTable& file);

  // The smallest level that holds so many bytes; the last where none does.
  const MemoryLevel& holding(double bytes) const;
  const MemoryLevel& main() const { return levels_.back(); }
  const std::vector<MemoryLevel>& all() const { return levels_; }

 private:
  std::vector<MemoryLevel> levels_;
};

}  // namespace hwnas
