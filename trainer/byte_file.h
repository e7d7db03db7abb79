// A whole file as bytes, plain or gzip. Thread-safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace hwnas {

// At most `limit` bytes. Throws InputError: it cannot be read, its gzip data is corrupt or cut
// short, it holds more than `limit` bytes.
std::vector<std::uint8_t> read_bytes(const std::filesystem::path& file, std::size_t limit);

// The content of DIRECTORY/NAME, or of DIRECTORY/NAME.gz decompressed, for the first of `names`
// that exists. `used` is set to the file that was read. Throws InputError: none of the files
// exists, or as read_bytes().
std::vector<std::uint8_t> read_first(const std::filesystem::path& directory,
                                     const std::vector<std::filesystem::path>& names,
                                     std::size_t limit, std::filesystem::path& used);

}  // namespace hwnas
