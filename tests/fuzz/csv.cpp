// CSV tables.
#include "hw_models/csv_table.h"

#include <algorithm>

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const auto file = hwnas::fuzz::folder() / "table.csv";
  hwnas::fuzz::write(file, bytes, size);
  try {
    const hwnas::CsvTable table = hwnas::CsvTable::read(file);
    for (std::size_t row = 0; row < std::min<std::size_t>(table.rows(), 50); ++row)
      (void)table.number(row, 0);
  } catch (const hwnas::InputError&) {
  }
  return 0;
}
