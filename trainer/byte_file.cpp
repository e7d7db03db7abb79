#include "trainer/byte_file.h"

#include <zlib.h>

#include <algorithm>
#include <memory>
#include <string>

#include "space/input_error.h"

namespace hwnas {
namespace fs = std::filesystem;

// zlib reads plain files as they are, so one path serves both forms.
std::vector<std::uint8_t> read_bytes(const fs::path& path, std::size_t limit) {
  const auto fail = [&path](std::string_view problem) {
    throw InputError(path.string(), 0, "", "", problem);
  };
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose_r);
  if (!file) fail("cannot be opened");
  if (path.extension() == ".gz" && gzdirect(file.get()) != 0 && fs::file_size(path) > 0) {
    fail("is not gzip data");
  }
  constexpr std::size_t kPiece = std::size_t{1} << 20;
  std::vector<std::uint8_t> bytes;
  for (;;) {
    const std::size_t size = bytes.size();
    bytes.resize(size + kPiece);
    const int got = gzread(file.get(), bytes.data() + size, static_cast<unsigned>(kPiece));
    bytes.resize(size + static_cast<std::size_t>(std::max(got, 0)));
    int code = Z_OK;
    const char* text = gzerror(file.get(), &code);
    if (code == Z_BUF_ERROR) fail("gzip data is cut short");
    if (got < 0)
      fail(code == Z_ERRNO ? "cannot be read" : "gzip data is corrupt: " + std::string(text));
    if (bytes.size() > limit)
      fail("holds more than the expected " + std::to_string(limit) + " bytes");
    if (got < static_cast<int>(kPiece)) return bytes;
  }
}

std::vector<std::uint8_t> read_first(const fs::path& directory, const std::vector<fs::path>& names,
                                     std::size_t limit, fs::path& used) {
  for (const fs::path& name : names) {
    for (const char* suffix : {"", ".gz"}) {
      used = directory / name;
      used += suffix;
      if (fs::is_regular_file(used)) return read_bytes(used, limit);
    }
  }
  throw InputError(
      directory.string(), 0, "", "",
      "has no file " + names.front().string() + " (or " + names.front().string() + ".gz)");
}

}  // namespace hwnas
