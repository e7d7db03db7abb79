// JsonReader: a JSON object read key by key, with types and ranges; a key that nobody asked for is
// an error in done(). All errors are InputErrors of one line: key, value, what would be right.
// Refers to the object. Not thread-safe.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace hwnas {

class JsonReader {
 public:
  using Json = nlohmann::ordered_json;

  // `path`: of the object in its line, "export."; keys are named with it.
  explicit JsonReader(const Json& object, std::string path = "")
      : object_(object), path_(std::move(path)) {}

  [[noreturn]] void fail(const std::string& key, std::string_view problem) const;

  const Json* find(const std::string& key);  // null where there is none
  const Json& need(const std::string& key);
  std::string string(const std::string& key);
  std::string string(const std::string& key, const std::string& fallback);
  bool boolean(const std::string& key, bool fallback);
  int integer(const std::string& key, int low, int high, std::optional<int> fallback = {});
  double number(const std::string& key, double low, double high, double fallback);
  void done() const;

 private:
  const Json& object_;
  std::string path_;
  std::set<std::string> asked_;
};

}  // namespace hwnas
