#include "hw_models/memory_levels.h"

#include "hw_models/device_file.h"

namespace hwnas {

MemoryLevels MemoryLevels::read(const TomlTable& file) {
  MemoryLevels levels;
  for (const TomlTable& table : cited_sections(file, "memory")) {
    MemoryLevel level;
    level.name = table.string("name");
    level.bytes = table.number("bytes", 1, 1e15);
    level.bytes_per_s = table.number("bytes_per_s", 1, 1e15);
    level.energy_per_byte_j = table.number("energy_per_byte_j", 0, 1e-6);
    if (!levels.levels_.empty() && level.bytes <= levels.levels_.back().bytes)
      throw table.error("bytes", "levels go from the smallest to the largest");
    table.done();
    levels.levels_.push_back(std::move(level));
  }
  if (levels.levels_.empty())
    throw file.error("memory", "is missing; expected at least one [[memory]]");
  return levels;
}

const MemoryLevel& MemoryLevels::holding(double bytes) const {
  for (const MemoryLevel& level : levels_) {
    if (bytes <= level.bytes) return level;
  }
  return levels_.back();
}

}  // namespace hwnas
