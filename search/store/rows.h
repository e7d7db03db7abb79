// The rows of a study's tables as they are: to write them elsewhere, and to make a study of them.
//
// Not thread-safe. Errors: InputError, as Study.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace hwnas {

struct StudyRow {
  using Cell = std::variant<std::monostate, std::int64_t, double, std::string>;
  std::string table;
  std::vector<std::pair<std::string, Cell>> cells;  // name of the column, value
};

// The version of a study's tables: PRAGMA user_version.
int schema_of(const std::filesystem::path& study);

// All rows, of one state of the file, in an order in which they can be written again.
void read_rows(const std::filesystem::path& study,
               const std::function<void(const StudyRow&)>& on_row);

// A study made of rows. The file comes into being with finish(), whole or not at all.
class StudyOfRows {
 public:
  // `schema`: of the study that the rows are of. There must be no file yet.
  StudyOfRows(std::filesystem::path study, int schema);
  ~StudyOfRows();
  StudyOfRows(const StudyOfRows&) = delete;
  StudyOfRows& operator=(const StudyOfRows&) = delete;

  void add(const StudyRow& row);  // throws where the study has no such table or column
  void finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hwnas
