#include "search/store/identity.h"

#include <cstdint>
#include <cstdio>

#include "space/rng.h"

namespace hwnas {
namespace {

void add(std::string& list, const std::string& item) {
  if (!list.empty()) list += "; ";
  list += item;
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kLongest = 60;
  if (text.size() <= kLongest) return "'" + std::string(text) + "'";
  return "'" + std::string(text.substr(0, kLongest)) + "...'";
}

void compare(std::string& list, const std::string& what, const std::string& stored,
             const std::string& asked) {
  if (stored != asked) add(list, what + " " + in_quotes(stored) + ", not " + in_quotes(asked));
}

std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  return line;
}

void compare_files(std::string& list, const std::string& what, std::string_view stored,
                   std::string_view asked) {
  if (stored == asked) return;
  for (int number = 1;; ++number) {
    const std::string_view a = take_line(stored), b = take_line(asked);
    if (a == b && !(stored.empty() && asked.empty())) continue;
    add(list, what + " differs at line " + std::to_string(number) + ": " + in_quotes(a) + ", not " +
                  in_quotes(b));
    return;
  }
}

std::string in_words(const std::vector<Objective>& objectives) {
  std::string text;
  for (const Objective& objective : objectives) {
    if (!text.empty()) text += ", ";
    text += to_text(objective.key);
    if (!objective.optimised) text += " bounded only";
    if (!objective.bound) continue;
    char bound[80];
    std::snprintf(bound, sizeof bound, " within %.9g", *objective.bound);
    text += bound;
    if (objective.probability <= 0) continue;
    std::snprintf(bound, sizeof bound, " with %.9g", objective.probability);
    text += bound;
  }
  return text;
}

}  // namespace

std::string text_hash(std::string_view text) {
  std::uint64_t hash = text.size();
  for (const char c : text) hash = hash_combine(hash, static_cast<unsigned char>(c));
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(hash));
  return digits;
}

std::string differences(const StudyInfo& stored, std::span<const StudyDevice> stored_devices,
                        const StudyInfo& asked, std::span<const StudyDevice> asked_devices) {
  if (stored.identity == asked.identity) return "";
  std::string list;
  compare(list, "seed", std::to_string(stored.seed), std::to_string(asked.seed));
  compare(list, "algorithm", stored.algorithm, asked.algorithm);
  compare(list, "objectives", in_words(stored.objectives), in_words(asked.objectives));
  compare_files(list, "space", stored.space, asked.space);
  for (const StudyDevice& device : stored_devices) {
    const StudyDevice* same = nullptr;
    for (const StudyDevice& other : asked_devices) {
      if (other.name == device.name) same = &other;
    }
    if (same)
      compare_files(list, "device " + device.name, device.text, same->text);
    else
      add(list, "device " + device.name + " is not in this run");
  }
  for (const StudyDevice& device : asked_devices) {
    bool known = false;
    for (const StudyDevice& other : stored_devices) known = known || other.name == device.name;
    if (!known) add(list, "device " + device.name + " is new");
  }
  if (list.empty()) compare_files(list, "settings", stored.settings, asked.settings);
  compare(list, "hwnas version", stored.version, asked.version);
  if (list.empty())
    list = "identity " + in_quotes(stored.identity) + ", not " + in_quotes(asked.identity);
  return list;
}

}  // namespace hwnas
