// TomlTable: a table of a TOML file, read key by key with types, ranges and line numbers.
//
// Space, network, device and run files are all read through it, so that every mistake in any of
// them gives the same kind of message (InputError: file, line, key, value, what would be right).
// Whoever reads a table calls done() at the end: a key that nobody asked for is then an error that
// names the nearest key that was asked for.
//
//   TomlTable file = TomlTable::parse_file("run.toml");
//   TomlTable budget = file.table("budget");
//   int trials = budget.integer("trials", 1, 1'000'000);
//   budget.done();
//   file.done();
//
// Cheap to copy (shares the parsed file). Not thread-safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "space/input_error.h"
#include "space/units.h"

namespace hwnas {

class TomlTable {
 public:
  // Throws InputError where the file cannot be read or is not TOML.
  static TomlTable parse_file(const std::filesystem::path& path);
  static TomlTable parse(std::string_view text, std::string_view file_name);

  // The file `over` laid over the file `base`, both of which are used up: tables are merged key by
  // key, all else replaces what the base has. Errors name the file that a value is from; file() is
  // that of `over`, text() the merged file's.
  static TomlTable merge(TomlTable base, TomlTable over);
  // Of a whole file, which they change: all but one key; none but these.
  TomlTable without(std::string_view key);
  TomlTable only(const std::vector<std::string>& keys);

  bool has(std::string_view key) const;
  std::vector<std::string> keys() const;            // in the order of the file
  const std::string& file() const;                  // the name it was parsed under
  const std::string& text() const;                  // the whole file, as read
  std::string path_of(std::string_view key) const;  // "budget.trials"
  std::string origin(std::string_view key) const;  // the file that the value is from, after merge()

  // Typed values. Without a fallback a missing key is an error, as is a value of another type or
  // outside [low, high].
  std::string string(std::string_view key) const;
  std::string string(std::string_view key, std::string_view fallback) const;
  bool boolean(std::string_view key, bool fallback) const;
  std::int64_t integer(std::string_view key, std::int64_t low, std::int64_t high,
                       std::optional<std::int64_t> fallback = std::nullopt) const;
  double number(std::string_view key, double low, double high,
                std::optional<double> fallback = std::nullopt) const;
  // A string such as "20 ms", or a bare number where the unit allows it (units.h).
  double quantity(std::string_view key, Unit unit,
                  std::optional<double> fallback = std::nullopt) const;
  std::vector<std::string> strings(
      std::string_view key) const;  // array, or one string; absent: empty
  std::vector<std::int64_t> integers(
      std::string_view key) const;                          // array, or one integer; absent: empty
  std::vector<double> numbers(std::string_view key) const;  // array, or one number; absent: empty

  TomlTable table(std::string_view key) const;                       // absent: error
  std::optional<TomlTable> maybe_table(std::string_view key) const;  // absent: nullopt
  std::vector<TomlTable> tables(std::string_view key) const;         // [[key]]; absent: empty

  // One value whatever its type, as text ("0.5", "true", "mbconv"), and whether the key holds an
  // array or a table. For files whose values may be choices (search spaces).
  enum class Kind { absent, boolean, integer, number, string, array, table };
  Kind kind(std::string_view key) const;
  std::vector<std::string> texts(std::string_view key) const;  // scalars of an array, or the scalar

  // An error at this key: "FILE:LINE: PATH = VALUE: PROBLEM". Where the key is absent, the problem
  // is followed by a key nobody asked for that looks like a misspelling of it.
  InputError error(std::string_view key, std::string_view problem) const;
  int line(std::string_view key) const;

  // Throws InputError at the first key that was never asked for.
  void done() const;

 private:
  struct File;
  struct Node;
  explicit TomlTable(std::shared_ptr<Node> node) : node_(std::move(node)) {}
  std::shared_ptr<Node> node_;
};

}  // namespace hwnas
