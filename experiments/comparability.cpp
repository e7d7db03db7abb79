#include "experiments/comparability.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <sstream>

namespace hwnas {
namespace {

// Settings hold doubles with all their digits: "0.33400000000000002" is 0.334.
std::string readable(const std::string& value) {
  double number = 0;
  const char* end = value.data() + value.size();
  const auto parsed = std::from_chars(value.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end) return value;
  char digits[32];
  const auto written = std::to_chars(digits, digits + sizeof digits, number);
  return {digits, written.ptr};
}

std::map<std::string, std::string> settings_of(const Study& study) {
  std::map<std::string, std::string> all;
  std::istringstream in(study.info().settings);
  for (std::string line; std::getline(in, line);) {
    const std::size_t at = std::min(line.find(" = "), line.size());
    const std::string key = line.substr(0, at);
    const bool searching = key == "seed" || key == "merged" || key.starts_with("search.");
    const bool wishes = key.starts_with("objective ") || key.starts_with("bound ");
    if (!searching && !wishes) all[key] = at < line.size() ? readable(line.substr(at + 3)) : "";
  }
  return all;
}

}  // namespace

std::vector<std::string> incomparable(const Study& a, const Study& b) {
  std::vector<std::string> all;
  if (a.info().space != b.info().space) all.emplace_back("the search space");
  const std::vector<StudyDevice> mine = a.devices(), theirs = b.devices();
  for (const StudyDevice& device : mine) {
    const auto other = std::find_if(theirs.begin(), theirs.end(), [&](const StudyDevice& one) {
      return one.name == device.name;
    });
    if (other != theirs.end() && other->text != device.text)
      all.push_back("the description of device " + device.name);
  }
  auto settings = settings_of(a);
  for (const auto& [key, value] : settings_of(b)) {
    const auto found = settings.find(key);
    const std::string before = found != settings.end() ? found->second : "unset";
    if (found != settings.end()) settings.erase(found);
    if (before != value) all.push_back(key + " " + before + ", " + value);
  }
  for (const auto& [key, value] : settings) all.push_back(key + " " + value + ", unset");
  return all;
}

std::string axes_text(const Study& study) {
  std::string text;
  for (const Objective& o : study.info().objectives) {
    if (o.optimised) text += (text.empty() ? "" : ", ") + to_text(o.key);
  }
  return text;
}

}  // namespace hwnas
