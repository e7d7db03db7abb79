#include "space/toml_table.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>

#define TOML_EXCEPTIONS 1
#include <toml++/toml.h>

namespace hwnas {

struct TomlTable::File {
  std::string name;
  std::string text;
  toml::table root;
};

struct TomlTable::Node {
  std::shared_ptr<File> file;
  const toml::table* table = nullptr;
  std::string path;  // "budget", "stages[2]"; empty at the root
  mutable std::set<std::string, std::less<>> asked;

  const toml::node* get(std::string_view key) const {
    asked.emplace(key);
    return table->get(key);
  }
};

namespace {

std::string value_text(const toml::node& node) {
  if (const auto* text = node.as_string()) return "'" + text->get() + "'";
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  if (node.is_table()) return "a table";
  std::ostringstream out;
  if (const auto* array = node.as_array()) {
    out << *array;
  } else {
    node.visit([&out](const auto& value) { out << value; });
  }
  std::string text = out.str();
  return text.size() > 60 ? text.substr(0, 57) + "..." : text;
}

std::string scalar_text(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  return value_text(node);
}

void lay_over(toml::table& base, toml::table& over) {
  for (auto&& [key, value] : over) {
    toml::table* inner = value.as_table();
    toml::table* below = base[key.str()].as_table();
    if (inner && below) {
      lay_over(*below, *inner);
    } else {
      // NOTE: a moved node keeps its source; a copied one loses it.
      value.visit([&base, &key = key](auto& node) { base.insert_or_assign(key, std::move(node)); });
    }
  }
}

std::string plain(double value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

std::string range_text(double low, double high) {
  constexpr double kHuge = 1e18;
  if (low <= -kHuge && high >= kHuge) return "";
  if (high >= kHuge) return " of at least " + plain(low);
  if (low <= -kHuge) return " of at most " + plain(high);
  return " from " + plain(low) + " to " + plain(high);
}

}  // namespace

TomlTable TomlTable::parse_file(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    throw InputError(path.string(), 0, "", "", "is a directory, not a file");
  }
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (!in || !(text << in.rdbuf())) {
    if (std::filesystem::exists(path, error) && std::filesystem::is_empty(path, error))
      return parse("", path.string());
    throw InputError(path.string(), 0, "", "", "cannot be read; does the file exist?");
  }
  return parse(text.str(), path.string());
}

TomlTable TomlTable::parse(std::string_view text, std::string_view file_name) {
  auto file = std::make_shared<File>();
  file->name = file_name;
  file->text = text;
  try {
    file->root = toml::parse(file->text, file_name);
  } catch (const toml::parse_error& error) {
    throw InputError(file_name, static_cast<int>(error.source().begin.line), "", "",
                     "not valid TOML: " + std::string(error.description()));
  }
  auto node = std::make_shared<Node>();
  node->table = &file->root;
  node->file = std::move(file);
  return TomlTable(std::move(node));
}

TomlTable TomlTable::merge(TomlTable base, TomlTable over) {
  File& file = *base.node_->file;
  lay_over(file.root, over.node_->file->root);
  file.name = over.file();
  std::ostringstream text;
  text << file.root << '\n';
  file.text = text.str();
  base.node_->asked.clear();
  return base;
}

TomlTable TomlTable::without(std::string_view key) {
  node_->file->root.erase(key);
  return *this;
}

TomlTable TomlTable::only(const std::vector<std::string>& kept) {
  for (const std::string& key : keys()) {
    if (std::find(kept.begin(), kept.end(), key) == kept.end()) node_->file->root.erase(key);
  }
  return *this;
}

bool TomlTable::has(std::string_view key) const {
  return node_->get(key) != nullptr;
}

std::vector<std::string> TomlTable::keys() const {
  // toml++ sorts keys by name; put them back in the order of the file.
  std::vector<std::pair<toml::source_position, std::string>> found;
  for (const auto& [key, value] : *node_->table) {
    found.emplace_back(key.source().begin, std::string(key.str()));
  }
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    return std::pair(a.first.line, a.first.column) < std::pair(b.first.line, b.first.column);
  });
  std::vector<std::string> names;
  for (auto& [position, name] : found) names.push_back(std::move(name));
  return names;
}

const std::string& TomlTable::file() const {
  return node_->file->name;
}
const std::string& TomlTable::text() const {
  return node_->file->text;
}

std::string TomlTable::path_of(std::string_view key) const {
  if (key.empty()) return node_->path;
  return node_->path.empty() ? std::string(key) : node_->path + "." + std::string(key);
}

int TomlTable::line(std::string_view key) const {
  const toml::node* node = key.empty() ? nullptr : node_->table->get(key);
  const toml::source_region& where = node ? node->source() : node_->table->source();
  return static_cast<int>(where.begin.line);
}

std::string TomlTable::origin(std::string_view key) const {
  const toml::node* node = key.empty() ? nullptr : node_->table->get(key);
  const auto& origin = node ? node->source().path : node_->table->source().path;
  return origin && !origin->empty() ? *origin : file();
}

InputError TomlTable::error(std::string_view key, std::string_view problem) const {
  const toml::node* node = key.empty() ? nullptr : node_->table->get(key);
  if (node || key.empty()) {
    return InputError(origin(key), line(key), path_of(key), node ? value_text(*node) : "", problem);
  }
  std::vector<std::string> unasked;
  for (const std::string& name : keys()) {
    if (!node_->asked.contains(name)) unasked.push_back(name);
  }
  std::string text(problem);
  if (const std::string near = nearest(key, unasked); !near.empty()) {
    text += "; is '" + near + "' in line " + std::to_string(line(near)) + " a misspelling of it?";
  }
  return InputError(file(), line(key), path_of(key), "", text);
}

std::string TomlTable::string(std::string_view key) const {
  const toml::node* node = node_->get(key);
  if (!node) throw error(key, "is missing; expected a string");
  if (const auto* text = node->as_string()) return text->get();
  throw error(key, "expected a string in quotes");
}

std::string TomlTable::string(std::string_view key, std::string_view fallback) const {
  return has(key) ? string(key) : std::string(fallback);
}

bool TomlTable::boolean(std::string_view key, bool fallback) const {
  const toml::node* node = node_->get(key);
  if (!node) return fallback;
  if (const auto* flag = node->as_boolean()) return flag->get();
  throw error(key, "expected true or false");
}

std::int64_t TomlTable::integer(std::string_view key, std::int64_t low, std::int64_t high,
                                std::optional<std::int64_t> fallback) const {
  const toml::node* node = node_->get(key);
  const std::string expected =
      "expected a whole number" + range_text(static_cast<double>(low), static_cast<double>(high));
  if (!node) {
    if (fallback) return *fallback;
    throw error(key, "is missing; " + expected);
  }
  const auto* value = node->as_integer();
  if (!value || value->get() < low || value->get() > high) throw error(key, expected);
  return value->get();
}

double TomlTable::number(std::string_view key, double low, double high,
                         std::optional<double> fallback) const {
  const toml::node* node = node_->get(key);
  const std::string expected = "expected a number" + range_text(low, high);
  if (!node) {
    if (fallback) return *fallback;
    throw error(key, "is missing; " + expected);
  }
  if (!node->is_number()) throw error(key, expected);
  const double value = *node->value<double>();
  if (!std::isfinite(value) || value < low || value > high) throw error(key, expected);
  return value;
}

double TomlTable::quantity(std::string_view key, Unit unit, std::optional<double> fallback) const {
  const toml::node* node = node_->get(key);
  const std::string expected = "expected " + std::string(unit_hint(unit));
  if (!node) {
    if (fallback) return *fallback;
    throw error(key, "is missing; " + expected);
  }
  try {
    if (const auto* text = node->as_string()) return parse_quantity(text->get(), unit);
    if (node->is_number()) return parse_quantity(scalar_text(*node), unit);
  } catch (const std::invalid_argument&) {
  }
  throw error(key, expected);
}

namespace {

// The elements of an array, or the one scalar.
template <typename Each>
void each_value(const toml::node* node, const Each& each) {
  if (!node) return;
  if (const auto* array = node->as_array()) {
    for (const toml::node& item : *array) each(item);
  } else {
    each(*node);
  }
}

}  // namespace

std::vector<std::string> TomlTable::strings(std::string_view key) const {
  std::vector<std::string> values;
  each_value(node_->get(key), [&](const toml::node& item) {
    if (!item.is_string()) throw error(key, "expected a list of strings");
    values.push_back(item.as_string()->get());
  });
  return values;
}

std::vector<std::int64_t> TomlTable::integers(std::string_view key) const {
  std::vector<std::int64_t> values;
  each_value(node_->get(key), [&](const toml::node& item) {
    if (!item.is_integer()) throw error(key, "expected a list of whole numbers");
    values.push_back(item.as_integer()->get());
  });
  return values;
}

std::vector<double> TomlTable::numbers(std::string_view key) const {
  std::vector<double> values;
  each_value(node_->get(key), [&](const toml::node& item) {
    if (!item.is_number() || !std::isfinite(*item.value<double>())) {
      throw error(key, "expected a list of numbers");
    }
    values.push_back(*item.value<double>());
  });
  return values;
}

std::vector<std::string> TomlTable::texts(std::string_view key) const {
  std::vector<std::string> values;
  each_value(node_->get(key), [&](const toml::node& item) {
    if (item.is_array() || item.is_table())
      throw error(key, "expected plain values, not a nested list or table");
    values.push_back(scalar_text(item));
  });
  return values;
}

std::optional<TomlTable> TomlTable::maybe_table(std::string_view key) const {
  const toml::node* node = node_->get(key);
  if (!node) return std::nullopt;
  if (!node->is_table()) throw error(key, "expected a table, as in [" + path_of(key) + "]");
  auto inner = std::make_shared<Node>();
  inner->file = node_->file;
  inner->table = node->as_table();
  inner->path = path_of(key);
  return TomlTable(std::move(inner));
}

TomlTable TomlTable::table(std::string_view key) const {
  if (auto found = maybe_table(key)) return *found;
  throw error(key, "is missing; expected a table [" + path_of(key) + "]");
}

std::vector<TomlTable> TomlTable::tables(std::string_view key) const {
  std::vector<TomlTable> found;
  const toml::node* node = node_->get(key);
  if (!node) return found;
  const toml::array* array = node->as_array();
  if (!array) throw error(key, "expected a list of tables, as in [[" + path_of(key) + "]]");
  for (const toml::node& item : *array) {
    if (!item.is_table())
      throw error(key, "expected a list of tables, as in [[" + path_of(key) + "]]");
    auto inner = std::make_shared<Node>();
    inner->file = node_->file;
    inner->table = item.as_table();
    inner->path = path_of(key) + "[" + std::to_string(found.size()) + "]";
    found.push_back(TomlTable(std::move(inner)));
  }
  return found;
}

TomlTable::Kind TomlTable::kind(std::string_view key) const {
  const toml::node* node = node_->get(key);
  if (!node) return Kind::absent;
  if (node->is_boolean()) return Kind::boolean;
  if (node->is_integer()) return Kind::integer;
  if (node->is_floating_point()) return Kind::number;
  if (node->is_array()) return Kind::array;
  if (node->is_table()) return Kind::table;
  return Kind::string;
}

void TomlTable::done() const {
  for (const std::string& key : keys()) {
    if (node_->asked.contains(key)) continue;
    std::vector<std::string> known;
    for (const std::string& name : node_->asked) {
      if (!node_->table->contains(name)) known.push_back(name);
    }
    const std::string near = nearest(key, known);
    std::string problem = "unknown key";
    if (!near.empty()) {
      problem += "; did you mean '" + near + "'?";
    } else {
      known.assign(node_->asked.begin(), node_->asked.end());
      problem += suggestion("", known);
    }
    throw error(key, problem);
  }
}

}  // namespace hwnas
