// PendingFolder: a folder that appears whole or not at all.
//
// Files are written to a neighbour of it and renamed by commit(); without commit() nothing of them
// is left. Not thread-safe.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace hwnas {

class PendingFolder {
 public:
  // Throws InputError: `folder` holds something and `force` is not given, or it cannot be written.
  PendingFolder(std::filesystem::path folder, bool force);
  ~PendingFolder();
  PendingFolder(const PendingFolder&) = delete;
  PendingFolder& operator=(const PendingFolder&) = delete;

  std::filesystem::path operator/(const std::string& name) const { return temporary_ / name; }
  const std::filesystem::path& path() const { return temporary_; }
  void write(const std::string& name, const std::string& text) const;

  // A folder that held something keeps its other files, but for those of `stale` that are not among
  // the new ones. Throws InputError.
  void commit(const std::vector<std::string>& stale);

 private:
  std::filesystem::path folder_, temporary_;
};

}  // namespace hwnas
