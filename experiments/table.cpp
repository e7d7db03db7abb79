#include "experiments/table.h"

#include <algorithm>
#include <cassert>
#include <ostream>

namespace hwnas {
namespace {

// Characters, not bytes: continuation bytes of UTF-8 do not count.
std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

}  // namespace

void Table::column(std::string heading, Align align) {
  columns_.push_back({std::move(heading), align});
}

void Table::row(std::vector<std::string> cells) {
  assert(cells.size() == columns_.size());
  rows_.push_back(std::move(cells));
}

std::ostream& operator<<(std::ostream& out, const Table& table) {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < table.columns_.size(); ++i) {
    std::size_t widest = width(table.columns_[i].heading);
    for (const auto& row : table.rows_) widest = std::max(widest, width(row[i]));
    widths.push_back(widest);
  }
  const auto line = [&](const auto& cell) {
    std::string text;
    for (std::size_t i = 0; i < table.columns_.size(); ++i) {
      const std::string& content = cell(i);
      const std::string blanks(widths[i] - width(content), ' ');
      if (i) text += "  ";
      text += table.columns_[i].align == Table::Align::right ? blanks + content : content + blanks;
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out << text << '\n';
  };
  line([&](std::size_t i) -> const std::string& { return table.columns_[i].heading; });
  std::size_t total = widths.empty() ? 0 : 2 * (widths.size() - 1);
  for (const std::size_t w : widths) total += w;
  for (std::size_t i = 0; i < total; ++i) out << "\u2500";
  out << '\n';
  for (const auto& row : table.rows_)
    line([&](std::size_t i) -> const std::string& { return row[i]; });
  return out;
}

}  // namespace hwnas
