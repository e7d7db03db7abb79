#include "trainer/json_reader.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "space/input_error.h"

namespace hwnas {

void JsonReader::fail(const std::string& key, std::string_view problem) const {
  const bool absent = !object_.contains(key);
  throw InputError("", 0, path_ + key,
                   absent ? "" : object_[key].dump(-1, ' ', true, Json::error_handler_t::replace),
                   problem);
}

const JsonReader::Json* JsonReader::find(const std::string& key) {
  asked_.insert(key);
  const auto found = object_.find(key);
  return found == object_.end() ? nullptr : &*found;
}

const JsonReader::Json& JsonReader::need(const std::string& key) {
  const Json* value = find(key);
  if (value == nullptr) fail(key, "is missing");
  return *value;
}

std::string JsonReader::string(const std::string& key) {
  const Json& value = need(key);
  if (!value.is_string()) fail(key, "expected a string");
  return value.get<std::string>();
}

std::string JsonReader::string(const std::string& key, const std::string& fallback) {
  return find(key) == nullptr ? fallback : string(key);
}

bool JsonReader::boolean(const std::string& key, bool fallback) {
  const Json* value = find(key);
  if (value == nullptr) return fallback;
  if (!value->is_boolean()) fail(key, "expected true or false");
  return value->get<bool>();
}

int JsonReader::integer(const std::string& key, int low, int high, std::optional<int> fallback) {
  if (fallback && find(key) == nullptr) return *fallback;
  const Json& value = need(key);
  const double number = value.is_number_integer() ? value.get<double>() : std::nan("");
  if (!(number >= low && number <= high)) {
    fail(key,
         "expected a whole number from " + std::to_string(low) + " to " + std::to_string(high));
  }
  return static_cast<int>(number);
}

double JsonReader::number(const std::string& key, double low, double high, double fallback) {
  const Json* value = find(key);
  if (value == nullptr) return fallback;
  const double number = value->is_number() ? value->get<double>() : std::nan("");
  if (!(number >= low && number <= high)) {
    fail(key, "expected a number from " + Json(low).dump() + " to " + Json(high).dump());
  }
  return number;
}

void JsonReader::done() const {
  const std::vector<std::string> known(asked_.begin(), asked_.end());
  for (const auto& [key, value] : object_.items()) {
    if (!asked_.contains(key)) fail(key, "unknown key" + suggestion(key, known));
  }
}

}  // namespace hwnas
