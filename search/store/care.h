// Care of study files: whether one is whole, making it small, several made one.
//
// Errors: InputError, as Study; a file that a run writes is only looked at.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace hwnas {

// What is wrong with a study, a line each; nothing where it is whole: SQLite's own check, rows that
// belong to no trial, trials that are missing, and whether the view pareto_front shows what
// front_of() derives.
std::vector<std::string> problems_of(const std::filesystem::path& study);

// Brings a study up to this hwnas' schema, gives unused space back and ends the WAL. The bytes of
// its files before and after.
struct Sizes {
  std::uintmax_t before = 0, after = 0;
};
Sizes vacuum(const std::filesystem::path& study);

// A new study with the trials of all, renumbered, one study after the other; what they were made
// from is that of the first. Files of the n-th are expected in the folder "n/" of the new one's
// files, n from 1. Nobody can continue it. The caller sees to it that their numbers compare.
void merge(const std::vector<std::filesystem::path>& studies, const std::filesystem::path& into);

// While one lives nobody else writes the study.
class StudyHold {
 public:
  explicit StudyHold(const std::filesystem::path& study);
  ~StudyHold();
  StudyHold(const StudyHold&) = delete;
  StudyHold& operator=(const StudyHold&) = delete;

 private:
  std::unique_ptr<class LockFile> lock_;
};

}  // namespace hwnas
