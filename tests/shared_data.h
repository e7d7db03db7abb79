// Ground truth that lives beside a checkout (HWNAS_SHARED_DATA) and is never part of it.
#pragma once

#include <zlib.h>

#include <filesystem>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace hwnas::testing {

inline std::string shared_path(const std::string& file) {
  return std::string(HWNAS_SHARED_DATA) + "/" + file;
}
inline bool shared_exists(const std::string& file) {
  return std::filesystem::exists(shared_path(file));
}

// Skips the running test with a message where the file is absent.
#define HWNAS_NEEDS_SHARED(file)                                             \
  if (!::hwnas::testing::shared_exists(file)) {                              \
    GTEST_SKIP() << "needs " << file << "; looked in " << HWNAS_SHARED_DATA; \
  }

// Rows of a CSV, plain or gzip, without quoted fields: column name -> text.
inline std::vector<std::map<std::string, std::string>> read_csv(const std::string& path) {
  gzFile in = gzopen(path.c_str(), "rb");
  std::string text;
  char buffer[1 << 16];
  for (int n; in && (n = gzread(in, buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(n));
  if (in) gzclose(in);
  std::istringstream lines(text);
  const auto split = [](const std::string& line) {
    std::vector<std::string> cells;
    std::istringstream stream(line);
    for (std::string cell; std::getline(stream, cell, ',');) cells.push_back(cell);
    return cells;
  };
  std::string line;
  std::getline(lines, line);
  const std::vector<std::string> header = split(line);
  std::vector<std::map<std::string, std::string>> rows;
  while (std::getline(lines, line)) {
    const std::vector<std::string> cells = split(line);
    auto& row = rows.emplace_back();
    for (std::size_t i = 0; i < header.size() && i < cells.size(); ++i) row[header[i]] = cells[i];
  }
  return rows;
}

}  // namespace hwnas::testing
