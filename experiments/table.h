// Table: aligned columns for the terminal. Numbers right, text left; UTF-8 counts as one column a
// character. Not thread-safe.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace hwnas {

class Table {
 public:
  enum class Align { left, right };

  void column(std::string heading, Align align = Align::right);
  void row(std::vector<std::string> cells);  // as many as columns

  // Heading, a rule, the rows; two spaces between columns; no trailing blanks.
  friend std::ostream& operator<<(std::ostream& out, const Table& table);

 private:
  struct Column {
    std::string heading;
    Align align;
  };
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace hwnas
