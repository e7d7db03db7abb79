// What the fuzzers share. Each defines LLVMFuzzerTestOneInput: it hands bytes to a parser of
// outside input, which either takes them or throws the exception that its header names. Anything
// else is a defect: a crash, a sanitizer's report, another exception, a hang, memory above 512 MB.
#pragma once

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

#include "space/input_error.h"

namespace hwnas::fuzz {

inline std::string_view text_of(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

// A folder of this process, where parsers of files find their input.
inline const std::filesystem::path& folder() {
  static const std::filesystem::path path = [] {
    const auto made =
        std::filesystem::temp_directory_path() / ("hwnas-fuzz-" + std::to_string(getpid()));
    std::filesystem::create_directories(made);
    return made;
  }();
  return path;
}

inline void write(const std::filesystem::path& file, const std::uint8_t* bytes, std::size_t size) {
  std::ofstream(file, std::ios::binary | std::ios::trunc)
      .write(reinterpret_cast<const char*>(bytes), static_cast<std::streamsize>(size));
}

}  // namespace hwnas::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);
