// LockFile: who writes a study. Held by flock(2) on "<study>.lock", so the kernel releases it
// however the holder dies; the text inside is only for the message. Internal to search/store.
#pragma once

#include <filesystem>

namespace hwnas {

class LockFile {
 public:
  // Throws InputError where another process holds it (naming pid, host and since when), or where
  // no file can be made there.
  explicit LockFile(const std::filesystem::path& study);
  ~LockFile();  // removes the file
  LockFile(const LockFile&) = delete;
  LockFile& operator=(const LockFile&) = delete;

 private:
  std::filesystem::path path_;
  int fd_ = -1;
};

}  // namespace hwnas
