// What the tests of Study share: a toy study, its trials, queries.
#pragma once

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "search/store/database.h"
#include "search/store/study.h"
#include "space/input_error.h"
#include "space/rng.h"
#include "tests/search/run_support.h"

namespace hwnas::toy {

namespace fs = std::filesystem;

inline std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

inline Study make(const fs::path& path, const StudyInfo& info = toy::info(settings(10))) {
  return Study::create_or_resume(path, info, devices());
}

inline Trial trial(TrialId id, TrialState state = TrialState::running) {
  Trial trial;
  trial.id = id;
  trial.genotype = parse_genotype("3-0-255");
  trial.fingerprint = 0xFFFFFFFFFFFFFFFFu - static_cast<std::uint64_t>(id);
  trial.seed = hash_combine(1, static_cast<std::uint64_t>(id));
  trial.state = state;
  return trial;
}

// The rows of a query, cells separated by '|'.
inline std::vector<std::string> query(const fs::path& path, const std::string& sql) {
  Database database(path, Database::Mode::read);
  const auto statement = database.prepare(sql);
  std::vector<std::string> rows;
  while (statement->step()) {
    std::string row;
    for (int i = 0; i < statement->columns(); ++i) row += (i ? "|" : "") + statement->dumped(i);
    rows.push_back(row);
  }
  return rows;
}

inline void execute(const fs::path& path, const std::string& sql) {
  Database(path, Database::Mode::write).execute(sql);
}

inline std::string bytes(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace hwnas::toy
