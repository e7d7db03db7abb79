#include "experiments/export/pending_folder.h"

#include <unistd.h>

#include <fstream>

#include "space/input_error.h"

namespace hwnas {
namespace {

namespace fs = std::filesystem;

bool holds_something(const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(folder, ignored) &&
         (!fs::is_directory(folder, ignored) || !fs::is_empty(folder, ignored));
}

void check(const std::error_code& error, const fs::path& path) {
  if (error) throw InputError(path.string(), 0, "", "", "cannot be written: " + error.message());
}

}  // namespace

PendingFolder::PendingFolder(fs::path folder, bool force) : folder_(std::move(folder)) {
  if (!folder_.has_filename()) folder_ = folder_.parent_path();  // "model/"
  if (fs::exists(folder_) && !fs::is_directory(folder_))
    throw InputError(folder_.string(), 0, "", "", "is a file; expected a folder");
  if (!force && holds_something(folder_)) {
    throw InputError(folder_.string(), 0, "", "",
                     "is there and not empty; another folder, or --force to write into it");
  }
  // The process id keeps two exports to one folder apart.
  temporary_ = folder_;
  temporary_ += ".tmp" + std::to_string(getpid());
  std::error_code error;
  fs::create_directories(temporary_, error);
  check(error, temporary_);
}

PendingFolder::~PendingFolder() {
  std::error_code ignored;
  fs::remove_all(temporary_, ignored);
}

void PendingFolder::write(const std::string& name, const std::string& text) const {
  std::ofstream out(temporary_ / name, std::ios::binary);
  out << text;
  out.close();
  if (!out) throw InputError((folder_ / name).string(), 0, "", "", "cannot be written");
}

void PendingFolder::commit(const std::vector<std::string>& stale) {
  std::error_code error;
  if (!holds_something(folder_)) {
    fs::rename(temporary_, folder_, error);
    check(error, folder_);
    return;
  }
  for (const std::string& name : stale) {
    if (fs::exists(temporary_ / name)) continue;
    fs::remove(folder_ / name, error);
    check(error, folder_ / name);
  }
  for (const auto& entry : fs::directory_iterator(temporary_)) {
    fs::rename(entry.path(), folder_ / entry.path().filename(), error);
    check(error, folder_ / entry.path().filename());
  }
}

}  // namespace hwnas
