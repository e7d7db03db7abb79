#include "search/store/lock_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <string>

#include "space/input_error.h"

namespace hwnas {
namespace {

std::string about_this_process() {
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char time[32];
  std::strftime(time, sizeof time, "%Y-%m-%d %H:%M:%S UTC", &utc);
  return "process " + std::to_string(getpid()) + " on " + host + " since " + time;
}

std::string content(int fd) {
  char text[512];
  const ssize_t n = pread(fd, text, sizeof text, 0);
  std::string holder(text, static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
  return holder.empty() ? "another process" : holder;
}

// The file at `path` is the one that is open: nobody removed it between open and flock.
bool still_there(int fd, const std::filesystem::path& path) {
  struct stat opened, named;
  return fstat(fd, &opened) == 0 && stat(path.c_str(), &named) == 0 &&
         opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
}

}  // namespace

LockFile::LockFile(const std::filesystem::path& study) : path_(study.string() + ".lock") {
  for (;;) {
    fd_ = open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd_ < 0) {
      throw InputError(study.string(), 0, "", "",
                       std::string("cannot be written: no lock file can be made beside it: ") +
                           std::strerror(errno));
    }
    if (flock(fd_, LOCK_EX | LOCK_NB) != 0) {
      const int error = errno;
      const std::string holder = content(fd_);
      close(fd_);
      if (error == EINTR) continue;
      throw InputError(study.string(), 0, "", "",
                       error == EWOULDBLOCK ? "is being written by another run (" + holder + ")"
                                            : std::string("cannot be locked: ") + strerror(error));
    }
    if (still_there(fd_, path_)) break;
    close(fd_);
  }
  const std::string text = about_this_process();
  // Nothing depends on the text, so a full disk is no reason to stop here.
  [[maybe_unused]] const int cut = ftruncate(fd_, 0);
  [[maybe_unused]] const ssize_t written = pwrite(fd_, text.data(), text.size(), 0);
}

LockFile::~LockFile() {
  unlink(path_.c_str());  // while it is held, or it might be another's
  close(fd_);
}

}  // namespace hwnas
