#include "trainer/checked_file.h"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <cstdint>
#include <fstream>
#include <iterator>

namespace hwnas {
namespace {

// Layout: kind (8 bytes), byte order mark, CRC-32 of what follows, then for each part the lengths
// of name and bytes (64 bits each), name, bytes.
constexpr std::uint32_t kMark = 0x01020304;
constexpr std::size_t kHeader = 16;

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& problem) {
  throw std::runtime_error(path.string() + ": " + problem);
}

std::uint32_t checksum(const std::string& bytes, std::size_t from) {
  const auto* data = reinterpret_cast<const Bytef*>(bytes.data() + from);
  return static_cast<std::uint32_t>(crc32_z(0, data, bytes.size() - from));
}

template <typename T>
void append(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}
template <typename T>
T value_at(const std::string& bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

// True where all of it is on the disk.
bool write_durably(const std::filesystem::path& path, const std::string& bytes) {
  const int file = open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0666);
  if (file < 0) return false;
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = write(file, bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    done += static_cast<std::size_t>(n);
  }
  const bool synced = done == bytes.size() && fdatasync(file) == 0;
  return close(file) == 0 && synced;
}

}  // namespace

void write_checked(const std::filesystem::path& path, const std::string& kind, const Parts& parts) {
  std::string bytes = kind;
  append(bytes, kMark);
  append(bytes, std::uint32_t{0});
  for (const auto& [name, part] : parts) {
    append(bytes, std::uint64_t{name.size()});
    append(bytes, std::uint64_t{part.size()});
    bytes += name;
    bytes += part;
  }
  const std::uint32_t sum = checksum(bytes, kHeader);
  std::memcpy(bytes.data() + 12, &sum, sizeof sum);
  // The process id keeps two writers of one path from sharing a temporary file.
  std::filesystem::path temporary = path;
  temporary += ".tmp" + std::to_string(getpid());
  std::error_code error;
  const bool written = write_durably(temporary, bytes);
  const int problem = errno;
  if (written) std::filesystem::rename(temporary, path, error);
  if (!written || error) {
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    fail(path, "cannot be written: " + (error ? error.message() : std::strerror(problem)));
  }
}

Parts read_checked(const std::filesystem::path& path, const std::string& kind) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(path, "cannot be opened");
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (bytes.size() < kHeader || bytes.compare(0, kind.size(), kind) != 0 ||
      value_at<std::uint32_t>(bytes, 8) != kMark) {
    fail(path, "is not a file of this kind");
  }
  if (value_at<std::uint32_t>(bytes, 12) != checksum(bytes, kHeader)) fail(path, "is damaged");
  Parts parts;
  for (std::size_t at = kHeader; at < bytes.size();) {
    if (bytes.size() - at < 16) fail(path, "is damaged");
    const auto name = value_at<std::uint64_t>(bytes, at);
    const auto size = value_at<std::uint64_t>(bytes, at + 8);
    at += 16;
    if (name > bytes.size() - at || size > bytes.size() - at - name) fail(path, "is damaged");
    parts[bytes.substr(at, name)] = bytes.substr(at + name, size);
    at += name + size;
  }
  return parts;
}

}  // namespace hwnas
