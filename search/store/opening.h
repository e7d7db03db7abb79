// How a study's file is made, opened and refused. Internal to search/store.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "search/store/database.h"
#include "search/store/lock_file.h"
#include "search/store/study.h"

namespace hwnas {

// A folder that is removed with what is in it. Empty path: none.
struct TemporaryFolder {
  std::filesystem::path path;

  TemporaryFolder() = default;
  TemporaryFolder(TemporaryFolder&& other) noexcept : path(std::exchange(other.path, {})) {}
  TemporaryFolder& operator=(TemporaryFolder&& other) noexcept {
    std::swap(path, other.path);
    return *this;
  }
  ~TemporaryFolder();
};

// The order matters: the database is closed before the lock is given up.
struct OpenStudy {
  std::unique_ptr<LockFile> lock;  // of a writer
  TemporaryFolder copy;            // of a reader that had to make one
  std::unique_ptr<Database> database;
  StudyInfo info;
};

OpenStudy open_for_writing(const std::filesystem::path& path, const StudyInfo& info,
                           std::span<const StudyDevice> devices);
OpenStudy open_for_finals(const std::filesystem::path& path);  // an existing one, to write
OpenStudy open_for_reading(const std::filesystem::path& path);

void migrate(Database& database, int schema);  // from the one that it has up to this one
void make_views(Database& database, const StudyInfo& info, std::span<const StudyDevice> devices);

StudyInfo read_info(Database& database);
std::vector<StudyDevice> read_devices(Database& database);

}  // namespace hwnas
