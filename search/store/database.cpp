#include "search/store/database.h"

#include <sqlite3.h>

#include <cstdio>
#include <cstring>

#include "space/input_error.h"

namespace hwnas {
namespace {

constexpr int kBusyMs = 10'000;  // other connections hold their locks for moments only

[[noreturn]] void fail(sqlite3* db, std::string_view file) {
  throw InputError(
      file, 0, "", "",
      describe_error(sqlite3_extended_errcode(db), sqlite3_errmsg(db), sqlite3_system_errno(db)));
}

// For SQLite's file names that are URIs.
std::string escaped(const std::string& path) {
  std::string text;
  for (const char c : path) {
    if (c == '?' || c == '#' || c == '%') {
      char code[4];
      std::snprintf(code, sizeof code, "%%%02X", static_cast<unsigned>(c));
      text += code;
    } else {
      text += c;
    }
  }
  return text;
}

}  // namespace

std::string describe_error(int code, std::string_view message, int system_error) {
  const std::string why =
      system_error ? std::string(std::strerror(system_error)) : std::string(message);
  const std::string kept = "; the study is as it was at its last transaction";
  switch (code & 0xff) {
    case SQLITE_FULL:
      return "cannot be written: the disk is full" + kept;
    case SQLITE_IOERR:
      return "cannot be read or written: " + why + kept;
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return "cannot be written: the file or its folder is read-only";
    case SQLITE_CANTOPEN:
      return "cannot be opened: " + why;
    case SQLITE_NOTADB:
      return "is not an SQLite file, so no study";
    case SQLITE_CORRUPT:
      return "is damaged (" + std::string(message) + ")";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "is locked by another program that writes to it";
    default:
      return std::string(message);
  }
}

Statement::Statement(sqlite3* db, std::string file, std::string_view sql)
    : db_(db), file_(std::move(file)) {
  if (sqlite3_prepare_v3(db, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                         &statement_, nullptr) != SQLITE_OK) {
    fail(db, file_);
  }
}

Statement::~Statement() {
  sqlite3_finalize(statement_);
}

Statement& Statement::bind(int at, std::int64_t value) {
  sqlite3_bind_int64(statement_, at, value);
  return *this;
}

Statement& Statement::bind(int at, double value) {
  sqlite3_bind_double(statement_, at, value);
  return *this;
}

Statement& Statement::bind(int at, std::string_view value) {
  // A null pointer would bind NULL, and an empty view may have one.
  sqlite3_bind_text(statement_, at, value.empty() ? "" : value.data(),
                    static_cast<int>(value.size()), SQLITE_STATIC);
  return *this;
}

Statement& Statement::bind_null(int at) {
  sqlite3_bind_null(statement_, at);
  return *this;
}

bool Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) {
    const std::string text = describe_error(sqlite3_extended_errcode(db_), sqlite3_errmsg(db_),
                                            sqlite3_system_errno(db_));
    sqlite3_reset(statement_);
    throw InputError(file_, 0, "", "", text);
  }
  return false;
}

void Statement::run() {
  step();
  reset();
}

void Statement::reset() {
  sqlite3_reset(statement_);
}

int Statement::columns() const {
  return sqlite3_column_count(statement_);
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

double Statement::real(int column) const {
  return sqlite3_column_double(statement_, column);
}

std::string_view Statement::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  if (!data) return {};
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

Statement& Statement::bind_value(int at, const Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return bind(at, *integer);
  if (const auto* real = std::get_if<double>(&value)) return bind(at, *real);
  if (const auto* text = std::get_if<std::string>(&value)) return bind(at, *text);
  return bind_null(at);
}

Statement::Value Statement::value(int column) const {
  switch (sqlite3_column_type(statement_, column)) {
    case SQLITE_NULL:
      return {};
    case SQLITE_INTEGER:
      return integer(column);
    case SQLITE_FLOAT:
      return real(column);
    default:
      return std::string(text(column));
  }
}

std::string Statement::dumped(int column) const {
  switch (sqlite3_column_type(statement_, column)) {
    case SQLITE_NULL:
      return "null";
    case SQLITE_INTEGER:
      return std::to_string(integer(column));
    case SQLITE_FLOAT: {
      char digits[32];
      std::snprintf(digits, sizeof digits, "%.17g", real(column));
      return digits;
    }
    default:
      return "'" + std::string(text(column)) + "'";
  }
}

Database::Database(const std::filesystem::path& path, Mode mode) : file_(path.string()) {
  int flags = SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
  flags |= mode == Mode::write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
  std::string uri = "file:" + escaped(std::filesystem::absolute(path).string());
  if (mode == Mode::immutable) uri += "?immutable=1";
  if (sqlite3_open_v2(uri.c_str(), &db_, flags, nullptr) != SQLITE_OK) {
    const std::string text = describe_error(sqlite3_extended_errcode(db_), sqlite3_errmsg(db_),
                                            sqlite3_system_errno(db_));
    sqlite3_close(db_);
    throw InputError(file_, 0, "", "", text);
  }
  sqlite3_extended_result_codes(db_, 1);
  sqlite3_busy_timeout(db_, kBusyMs);
  // The file may be a stranger's: no trigger of theirs runs, no view of theirs calls what could
  // reach outside of it.
  sqlite3_db_config(db_, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
}

Database::~Database() {
  statements_.clear();
  sqlite3_close(db_);
}

void Database::execute(const std::string& sql) {
  if (sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) fail(db_, file_);
}

std::int64_t Database::integer(std::string_view sql) {
  Statement statement(db_, file_, sql);
  return statement.step() ? statement.integer(0) : 0;
}

std::unique_ptr<Statement> Database::prepare(std::string_view sql) {
  return std::make_unique<Statement>(db_, file_, sql);
}

Statement& Database::cached(std::string_view sql) {
  auto found = statements_.find(sql);
  if (found == statements_.end()) found = statements_.emplace(sql, prepare(sql)).first;
  found->second->reset();
  return *found->second;
}

Transaction::Transaction(Database& database, For what) : database_(database) {
  database_.cached(what == For::writing ? "BEGIN IMMEDIATE" : "BEGIN").run();
}

Transaction::~Transaction() {
  if (!open_) return;
  try {
    database_.cached("ROLLBACK").run();
  } catch (const InputError&) {  // SQLite has rolled back by itself
  }
}

void Transaction::commit() {
  database_.cached("COMMIT").run();
  open_ = false;
}

}  // namespace hwnas
