#include "space/input_error.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace hwnas {
namespace {

std::string one_line(std::string_view file, int line, std::string_view key, std::string_view value,
                     std::string_view problem) {
  std::string text;
  if (!file.empty()) {
    text += file;
    if (line > 0) text += ":" + std::to_string(line);
    text += ": ";
  }
  if (!key.empty()) {
    text += key;
    if (!value.empty()) text.append(" = ").append(value);
    text += ": ";
  }
  text += problem;
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

// Edits that turn one word into the other: letters inserted, dropped, changed, or two neighbours
// swapped (optimal string alignment).
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before, above, row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before = std::move(above);
    above = row;
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = a[i - 1] == b[j - 1];
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (same ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row.back();
}

}  // namespace

InputError::InputError(std::string_view file, int line, std::string_view key,
                       std::string_view value, std::string_view problem)
    : std::runtime_error(one_line(file, line, key, value, problem)) {}

std::string nearest(std::string_view word, std::span<const std::string> known) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const std::string& candidate : known) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string suggestion(std::string_view word, std::span<const std::string> known) {
  if (const std::string near = nearest(word, known); !near.empty()) {
    return "; did you mean '" + near + "'?";
  }
  if (known.empty()) return "";
  std::string text = "; known: ";
  for (std::size_t i = 0; i < known.size(); ++i) text += (i ? ", " : "") + known[i];
  return text;
}

}  // namespace hwnas
