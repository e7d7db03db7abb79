#include "search/store/rows.h"

#include <algorithm>
#include <array>

#include "search/store/front_table.h"
#include "search/store/opening.h"
#include "search/store/schema.h"
#include "space/input_error.h"

namespace hwnas {
namespace {

namespace fs = std::filesystem;

struct Table {
  std::string_view name, order;
  int since;  // of the schema
};
constexpr std::array kTables{Table{"runs", "id", 1},
                             Table{"objectives", "position", 1},
                             Table{"devices", "name", 1},
                             Table{"trials", "id", 1},
                             Table{"measurements", "trial, metric, device, source, fidelity", 1},
                             Table{"artifacts", "trial, kind, path", 1},
                             Table{"timings", "trial, stage", 1},
                             Table{"proxies", "network, name", 4},
                             Table{"curves", "trial, stage, epoch", 5},
                             Table{"finals", "trial, settings", 5},
                             Table{"schedule", "position", 8}};

InputError error_at(const fs::path& path, const std::string& problem) {
  return InputError(path.string(), 0, "", "", problem);
}

std::vector<std::string> columns_of(Database& database, std::string_view table) {
  std::vector<std::string> names;
  const auto row =
      database.prepare("SELECT name FROM pragma_table_info('" + std::string(table) + "')");
  while (row->step()) names.emplace_back(row->text(0));
  return names;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

int schema_of(const fs::path& study) {
  return static_cast<int>(open_for_reading(study).database->integer("PRAGMA user_version"));
}

void read_rows(const fs::path& study, const std::function<void(const StudyRow&)>& on_row) {
  OpenStudy open = open_for_reading(study);
  Database& database = *open.database;
  Transaction snapshot(database, Transaction::For::reading);
  const auto schema = static_cast<int>(database.integer("PRAGMA user_version"));
  for (const Table& table : kTables) {
    if (schema < table.since) continue;
    const std::vector<std::string> names = columns_of(database, table.name);
    const auto at =
        database.prepare("SELECT " + joined(names) + " FROM " + std::string(table.name) +
                         " ORDER BY " + std::string(table.order));
    StudyRow row{std::string(table.name), {}};
    while (at->step()) {
      row.cells.clear();
      for (int c = 0; c < at->columns(); ++c)
        row.cells.emplace_back(names[static_cast<std::size_t>(c)], at->value(c));
      on_row(row);
    }
  }
}

struct StudyOfRows::Impl {
  fs::path path, temporary;
  std::unique_ptr<Database> database;
  std::unique_ptr<Transaction> transaction;
};

StudyOfRows::StudyOfRows(fs::path study, int schema) : impl_(std::make_unique<Impl>()) {
  if (fs::exists(study)) throw error_at(study, "is there already; choose another name");
  if (schema < 1 || schema > kSchemaVersion)
    throw error_at(study, "rows of schema " + std::to_string(schema) +
                              "; this hwnas knows those from 1 to " +
                              std::to_string(kSchemaVersion));
  impl_->path = std::move(study);
  impl_->temporary = impl_->path.string() + ".new";
  std::error_code none;
  fs::remove(impl_->temporary, none);
  impl_->database = std::make_unique<Database>(impl_->temporary, Database::Mode::write);
  Database& database = *impl_->database;
  impl_->transaction = std::make_unique<Transaction>(database, Transaction::For::writing);
  database.execute("PRAGMA application_id = " + std::to_string(kApplicationId));
  migrate(database, schema);
}

StudyOfRows::~StudyOfRows() {
  impl_->transaction.reset();
  impl_->database.reset();
  std::error_code ignored;
  fs::remove(impl_->temporary, ignored);
}

void StudyOfRows::add(const StudyRow& row) {
  Database& database = *impl_->database;
  const bool known = std::any_of(kTables.begin(), kTables.end(),
                                 [&row](const Table& table) { return table.name == row.table; });
  if (!known) throw error_at(impl_->path, "a study has no table '" + row.table + "'");
  const std::vector<std::string> columns = columns_of(database, row.table);
  std::vector<std::string> names, marks;
  for (const auto& [name, cell] : row.cells) {
    if (std::find(columns.begin(), columns.end(), name) == columns.end())
      throw error_at(impl_->path, "table '" + row.table + "' has no column '" + name + "'");
    names.push_back(name);
    marks.emplace_back("?");
  }
  if (names.empty()) throw error_at(impl_->path, "table '" + row.table + "': a row of nothing");
  Statement& insert = database.cached("INSERT INTO " + row.table + " (" + joined(names) +
                                      ") VALUES (" + joined(marks) + ")");
  for (std::size_t i = 0; i < row.cells.size(); ++i)
    insert.bind_value(static_cast<int>(i + 1), row.cells[i].second);
  insert.run();
}

void StudyOfRows::finish() {
  Database& database = *impl_->database;
  if (database.integer("SELECT count(*) FROM runs") != 1)
    throw error_at(impl_->path, "these are not the rows of a study: none of table 'runs'");
  migrate(database, kSchemaVersion);
  const StudyInfo info = read_info(database);
  make_views(database, info, read_devices(database));
  FrontTable::rebuild(database, info.objectives);
  impl_->transaction->commit();
  impl_->transaction.reset();
  impl_->database.reset();
  std::error_code error;
  fs::rename(impl_->temporary, impl_->path, error);
  if (error) throw error_at(impl_->path, "cannot be written: " + error.message());
}

}  // namespace hwnas
