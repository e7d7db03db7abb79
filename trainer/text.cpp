#include <algorithm>
#include <array>
#include <string>

#include "space/input_error.h"
#include "trainer/byte_file.h"
#include "trainer/dataset.h"

namespace hwnas {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLimit = std::size_t{256} << 20;
constexpr double kTestShare = 0.1;

[[noreturn]] void fail(const fs::path& path, const std::string& problem) {
  throw InputError(path.string(), 0, "", "", problem);
}

bool is_text_file(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.ends_with(".txt") || name.ends_with(".txt.gz");
}

std::vector<std::uint8_t> read_text(const fs::path& path) {
  if (!fs::exists(path)) {
    fail(path, "no such file or folder; set data.path to a text, or apt-get install jargon-text");
  }
  if (!fs::is_directory(path)) return read_bytes(path, kLimit);
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(path)) {
    if (entry.is_regular_file() && is_text_file(entry.path())) files.push_back(entry.path());
  }
  if (files.empty()) fail(path, "has no .txt or .txt.gz file");
  std::sort(files.begin(), files.end());
  std::vector<std::uint8_t> all;
  for (const fs::path& file : files) {
    const std::vector<std::uint8_t> bytes = read_bytes(file, kLimit - all.size());
    all.insert(all.end(), bytes.begin(), bytes.end());
  }
  return all;
}

// Replaces each byte by its number among those that occur; returns how many do.
int number_bytes(std::vector<std::uint8_t>& text) {
  std::array<int, 256> number{};
  for (const std::uint8_t byte : text) number[byte] = 1;
  int next = 0;
  for (int& n : number) n = n ? next++ : 0;
  for (std::uint8_t& byte : text) byte = static_cast<std::uint8_t>(number[byte]);
  return next;
}

}  // namespace

Images load_text(const fs::path& path, Part part, int context) {
  std::vector<std::uint8_t> text = read_text(path);
  const int classes = number_bytes(text);
  if (classes < 2) fail(path, "has fewer than two different bytes; there is nothing to learn");
  const auto test = static_cast<std::size_t>(static_cast<double>(text.size()) * kTestShare);
  const std::size_t first = part == Part::test ? text.size() - test : 0;
  const std::size_t length = part == Part::test ? test : text.size() - test;
  const auto tokens = static_cast<std::size_t>(context);
  const std::size_t count = length == 0 ? 0 : (length - 1) / tokens;  // the last needs a successor
  if (count == 0) {
    fail(path, "holds " + std::to_string(text.size()) + " bytes, too few for sequences of " +
                   std::to_string(context));
  }
  Images sequences{{1, context, 1}, classes, {}, {}, context};
  const auto from = text.begin() + static_cast<std::ptrdiff_t>(first);
  const auto size = static_cast<std::ptrdiff_t>(count * tokens);
  sequences.pixels.assign(from, from + size);
  sequences.labels.assign(from + 1, from + 1 + size);
  return sequences;
}

}  // namespace hwnas
