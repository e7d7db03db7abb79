#include "search/store/bulk_insert.h"

#include <cassert>
#include <utility>

namespace hwnas {
namespace {

constexpr std::size_t kRows = 32;  // of one statement; more gain nothing

}  // namespace

BulkInsert::BulkInsert(Database& database, std::string insert, std::size_t columns)
    : database_(database), insert_(std::move(insert)), columns_(columns) {
  cells_.reserve(kRows * columns_);
}

BulkInsert& BulkInsert::add(Cell cell) {
  cells_.push_back(cell);
  if (cells_.size() == kRows * columns_) write();
  return *this;
}

void BulkInsert::finish() {
  assert(cells_.size() % columns_ == 0);
  if (!cells_.empty()) write();
}

void BulkInsert::write() {
  std::string sql = insert_;
  for (std::size_t i = 0; i < cells_.size(); ++i) {
    sql += i % columns_ == 0 ? (i == 0 ? " (?" : "), (?") : ", ?";
  }
  Statement& statement = database_.cached(sql + ")");
  for (std::size_t i = 0; i < cells_.size(); ++i) {
    const int at = static_cast<int>(i) + 1;
    if (const auto* integer = std::get_if<std::int64_t>(&cells_[i])) {
      statement.bind(at, *integer);
    } else if (const auto* real = std::get_if<double>(&cells_[i])) {
      statement.bind(at, *real);
    } else if (const auto* text = std::get_if<std::string_view>(&cells_[i])) {
      statement.bind(at, *text);
    } else {
      statement.bind_null(at);
    }
  }
  statement.run();
  cells_.clear();
}

}  // namespace hwnas
