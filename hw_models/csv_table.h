// CsvTable: a CSV file, plain or gzip: a header, then rows of as many fields.
//
// Fields may be in double quotes ("" is a quote, commas and line ends are kept). Empty lines and
// lines that begin with '#' are skipped. const access is thread-safe.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "space/input_error.h"

namespace hwnas {

class CsvTable {
 public:
  // Throws InputError (file, line): unreadable, no header, a row with more or fewer fields.
  static CsvTable read(const std::filesystem::path& path);

  std::size_t rows() const { return lines_.size() - 1; }
  std::vector<std::string> header() const;
  // Throws InputError naming the nearest column.
  std::size_t column(std::string_view name) const;
  bool has(std::string_view name) const;

  std::string_view text(std::size_t row, std::size_t column) const {
    return cells_[(row + 1) * columns_ + column];
  }
  // NaN where it is missing: empty, NA, NaN or negative (a usual mark of failed measurements).
  // Throws InputError where it is no number.
  double number(std::size_t row, std::size_t column) const;
  // The same of quantities that may be below zero: NaN where it is empty, NA, NaN or infinite.
  double real(std::size_t row, std::size_t column) const;

  int line(std::size_t row) const { return lines_[row + 1]; }
  InputError error(std::size_t row, std::size_t column, std::string_view problem) const;
  const std::string& file() const { return file_; }

 private:
  double parsed(std::size_t row, std::size_t column) const;  // NaN where it is missing

  std::string file_;
  std::vector<char> text_;               // quotes taken off in place
  std::vector<std::string_view> cells_;  // the header's first
  std::vector<int> lines_;               // of the header and of each row
  std::size_t columns_ = 0;
};

}  // namespace hwnas
