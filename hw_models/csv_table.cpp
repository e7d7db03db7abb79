#include "hw_models/csv_table.h"

#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <memory>

namespace hwnas {
namespace {

constexpr std::size_t kLargest = std::size_t{1} << 30;  // bytes, unpacked

// The whole file, and one line end more.
std::vector<char> read_bytes(const std::string& file) {
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> in(gzopen(file.c_str(), "rb"), gzclose);
  if (!in) throw InputError(file, 0, "", "", "cannot be read; does the file exist?");
  std::vector<char> text;
  constexpr std::size_t kBlock = 1 << 18;
  for (std::size_t size = 0;;) {
    text.resize(size + kBlock);
    const int got = gzread(in.get(), text.data() + size, kBlock);
    if (got < 0) throw InputError(file, 0, "", "", "cannot be read, or is damaged gzip");
    size += static_cast<std::size_t>(got);
    text.resize(size);
    if (got == 0) break;
    if (size > kLargest) throw InputError(file, 0, "", "", "is larger than 1 GiB");
  }
  int state = Z_OK;
  gzerror(in.get(), &state);
  if (state != Z_OK) throw InputError(file, 0, "", "", "is damaged or cut short gzip");
  text.push_back('\n');
  return text;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
    text.remove_suffix(1);
  return text;
}

// Takes fields off the front of [at, end); the text ends in a line end.
struct Reader {
  char* at;
  char* end;
  int line = 1;
  const std::string& file;

  bool skip_empty() {
    while (at < end) {
      const char* stop = std::find(at, end, '\n');
      const std::string_view rest = trimmed({at, static_cast<std::size_t>(stop - at)});
      if (!rest.empty() && rest.front() != '#') return true;
      at = const_cast<char*>(stop) + 1;
      ++line;
    }
    return false;
  }

  std::string_view quoted() {
    const int opened = line;
    char* out = at;
    char* const begin = at;
    for (++at;; ++at) {
      if (at == end) throw InputError(file, opened, "", "", "a quote (\") is never closed");
      if (*at == '\n') ++line;
      if (*at == '"') {
        if (at + 1 == end || at[1] != '"') break;
        ++at;
      }
      *out++ = *at;
    }
    ++at;
    return {begin, static_cast<std::size_t>(out - begin)};
  }

  // One field with its separator; `last` where it ended the row.
  std::string_view field(bool& last) {
    while (*at == ' ' || *at == '\t') ++at;
    char* const begin = at;
    std::string_view text;
    if (*at == '"') {
      text = quoted();
      while (*at == ' ' || *at == '\r') ++at;
      if (*at != ',' && *at != '\n')
        throw InputError(file, line, "", "", "a quote (\") ends before its field does");
    } else {
      while (*at != ',' && *at != '\n') ++at;
      text = trimmed({begin, static_cast<std::size_t>(at - begin)});
    }
    last = *at == '\n';
    if (last) ++line;
    ++at;
    return text;
  }
};

}  // namespace

CsvTable CsvTable::read(const std::filesystem::path& path) {
  CsvTable table;
  table.file_ = path.string();
  table.text_ = read_bytes(table.file_);
  Reader in{table.text_.data(), table.text_.data() + table.text_.size(), 1, table.file_};
  constexpr std::string_view kMark = "\xEF\xBB\xBF";  // that some programs put before UTF-8
  if (table.text_.size() > 3 && std::string_view(in.at, 3) == kMark) in.at += 3;
  while (in.skip_empty()) {
    table.lines_.push_back(in.line);
    const std::size_t before = table.cells_.size();
    for (bool last = false; !last;) table.cells_.push_back(in.field(last));
    const std::size_t fields = table.cells_.size() - before;
    if (before == 0) table.columns_ = fields;
    if (fields != table.columns_) {
      throw InputError(table.file_, table.lines_.back(), "", "",
                       "has " + std::to_string(fields) + " fields, the header has " +
                           std::to_string(table.columns_));
    }
  }
  if (table.lines_.empty()) throw InputError(table.file_, 0, "", "", "is empty; expected a header");
  return table;
}

std::vector<std::string> CsvTable::header() const {
  return {cells_.begin(), cells_.begin() + static_cast<std::ptrdiff_t>(columns_)};
}

bool CsvTable::has(std::string_view name) const {
  const auto end = cells_.begin() + static_cast<std::ptrdiff_t>(columns_);
  return std::find(cells_.begin(), end, name) != end;
}

std::size_t CsvTable::column(std::string_view name) const {
  for (std::size_t i = 0; i < columns_; ++i) {
    if (cells_[i] == name) return i;
  }
  throw InputError(file_, lines_.front(), "", "",
                   "no column '" + std::string(name) + "'" + suggestion(name, header()));
}

double CsvTable::parsed(std::size_t row, std::size_t column) const {
  constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();
  std::string_view cell = text(row, column);
  if (cell.empty() || cell == "NA" || cell == "N/A") return kMissing;
  if (cell.front() == '+') cell.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (error != std::errc() || end != cell.data() + cell.size())
    throw this->error(row, column, "expected a number");
  return value;
}

double CsvTable::number(std::size_t row, std::size_t column) const {
  const double value = parsed(row, column);
  if (std::isinf(value)) throw error(row, column, "expected a number");
  return value < 0 ? std::numeric_limits<double>::quiet_NaN() : value;
}

double CsvTable::real(std::size_t row, std::size_t column) const {
  const double value = parsed(row, column);
  return std::isinf(value) ? std::numeric_limits<double>::quiet_NaN() : value;
}

InputError CsvTable::error(std::size_t row, std::size_t column, std::string_view problem) const {
  const std::string_view cell = text(row, column);
  return InputError(file_, line(row), cells_[column], "'" + std::string(cell.substr(0, 60)) + "'",
                    problem);
}

}  // namespace hwnas
