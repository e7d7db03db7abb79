// Database and Statement: the few calls of SQLite that a study needs, with its errors as
// InputError.
//
// Internal to search/store. Not thread-safe; one thread at a time per Database.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

struct sqlite3;
struct sqlite3_stmt;

namespace hwnas {

class Statement {
 public:
  Statement(sqlite3* db, std::string file, std::string_view sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // Parameters from 1. Text must live until the next step() has returned.
  Statement& bind(int at, std::int64_t value);
  Statement& bind(int at, double value);
  Statement& bind(int at, std::string_view value);
  Statement& bind_null(int at);
  using Value = std::variant<std::monostate, std::int64_t, double, std::string>;  // first: NULL
  Statement& bind_value(int at, const Value& value);

  bool step();  // true: a row is there
  void run();   // a statement without rows; ready to be bound again
  void reset();

  int columns() const;
  bool is_null(int column) const;
  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string_view text(int column) const;  // until the next step() or reset()
  Value value(int column) const;
  std::string dumped(int column) const;  // any type; doubles with 17 digits, text quoted

 private:
  sqlite3* db_;
  sqlite3_stmt* statement_ = nullptr;
  std::string file_;
};

class Database {
 public:
  enum class Mode {
    read,       // by a connection that never writes
    immutable,  // the same of a file that nobody can write: without locks, -wal and -shm
    write,      // made where it is missing
  };
  Database(const std::filesystem::path& path, Mode mode);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void execute(const std::string& sql);
  std::int64_t integer(std::string_view sql);  // the first column of the first row; 0 without rows

  std::unique_ptr<Statement> prepare(std::string_view sql);

  // Prepared once; reset and ready to be bound.
  Statement& cached(std::string_view sql);

  const std::string& file() const { return file_; }

 private:
  sqlite3* db_ = nullptr;
  std::string file_;
  std::map<std::string, std::unique_ptr<Statement>, std::less<>> statements_;
};

// Several statements as one: on writing, all or nothing (rolled back unless committed); on reading,
// of one state of the file, whatever the run writes meanwhile.
class Transaction {
 public:
  enum class For { reading, writing };
  Transaction(Database& database, For what);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database& database_;
  bool open_ = true;
};

// What an error of SQLite (its extended code) means to the user of a study.
std::string describe_error(int code, std::string_view message, int system_error);

}  // namespace hwnas
