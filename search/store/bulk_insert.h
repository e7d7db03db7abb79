// BulkInsert: rows of one table, many to a statement, which halves what SQLite needs for a row.
// Internal to search/store. Not thread-safe.
//
//   BulkInsert rows(database, "INSERT INTO devices VALUES", 3);
//   rows.text(name).text(hash).text(text);
//   rows.finish();
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "search/store/database.h"

namespace hwnas {

class BulkInsert {
 public:
  BulkInsert(Database& database, std::string insert, std::size_t columns);

  // The next cell; rows follow each other. Text must live until finish().
  BulkInsert& text(std::string_view value) { return add(value); }
  BulkInsert& integer(std::int64_t value) { return add(value); }
  BulkInsert& real(double value) { return add(value); }
  BulkInsert& null() { return add(std::monostate{}); }

  void finish();  // writes what is left; rows must be whole

 private:
  using Cell = std::variant<std::monostate, std::int64_t, double, std::string_view>;

  BulkInsert& add(Cell cell);
  void write();

  Database& database_;
  std::string insert_;
  std::size_t columns_;
  std::vector<Cell> cells_;
};

}  // namespace hwnas
