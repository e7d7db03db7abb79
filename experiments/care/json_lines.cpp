#include "experiments/care/json_lines.h"

#include <istream>
#include <nlohmann/json.hpp>
#include <ostream>

#include "search/store/rows.h"
#include "space/input_error.h"

namespace hwnas {
namespace {

using nlohmann::ordered_json;

ordered_json to_json(const StudyRow::Cell& cell) {
  return std::visit(
      [](const auto& value) -> ordered_json {
        if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::monostate>) {
          return nullptr;
        } else {
          return value;
        }
      },
      cell);
}

StudyRow::Cell to_cell(const ordered_json& value) {
  if (value.is_null()) return {};
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (value.is_number()) return value.get<double>();
  return value.get<std::string>();
}

// Throws nlohmann's exceptions, too.
StudyRow to_row(const ordered_json& words) {
  StudyRow row{words.at("table").get<std::string>(), {}};
  for (const auto& [name, value] : words.items()) {
    if (name != "table") row.cells.emplace_back(name, to_cell(value));
  }
  return row;
}

}  // namespace

void write_json_lines(const std::filesystem::path& study, std::ostream& out) {
  out << ordered_json{{"hwnas_study", schema_of(study)}}.dump() << '\n';
  read_rows(study, [&out](const StudyRow& row) {
    ordered_json words{{"table", row.table}};
    for (const auto& [name, cell] : row.cells) words[name] = to_json(cell);
    out << words.dump(-1, ' ', false, ordered_json::error_handler_t::replace) << '\n';
  });
}

void read_json_lines(std::istream& in, const std::string& file, const std::filesystem::path& into) {
  int number = 1;
  const auto error = [&](const std::string& problem) {
    return InputError(file, number, "", "", problem);
  };
  std::string line;
  std::getline(in, line);
  const ordered_json head = ordered_json::parse(line, nullptr, false);
  if (!head.is_object() || !head.contains("hwnas_study") ||
      !head["hwnas_study"].is_number_integer())
    throw error("expected {\"hwnas_study\": SCHEMA}, the first line of 'hwnas study export'");
  StudyOfRows study(into, head["hwnas_study"].get<int>());
  while (std::getline(in, line)) {
    ++number;
    if (line.empty()) continue;
    try {
      study.add(to_row(ordered_json::parse(line)));
    } catch (const ordered_json::exception&) {
      throw error("expected a row of a table as JSON, such as {\"table\": \"devices\", ...}");
    } catch (const InputError& problem) {
      throw error(problem.what());
    }
  }
  study.finish();
}

}  // namespace hwnas
