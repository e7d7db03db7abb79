#include "experiments/report/page.h"

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "experiments/library.h"
#include "space/input_error.h"

namespace hwnas {
namespace {

std::string part(const char* name) {
  std::ifstream file(find_part(name), std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void put(std::string& page, std::string_view mark, const std::string& text) {
  const std::size_t at = page.find(mark);
  page.replace(at, mark.size(), text);
}

// No text in it ends the script element or begins a comment there.
std::string inside_script(const nlohmann::json& value) {
  const std::string text = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  std::string safe;
  safe.reserve(text.size());
  for (const char c : text) {
    if (c == '<') {
      safe += "\\u003c";
    } else {
      safe += c;
    }
  }
  return safe;
}

}  // namespace

std::string report_page(const nlohmann::json& studies, bool live) {
  std::string page = part("page.html"), script;
  for (const char* name : {"data.js", "charts.js", "table.js", "detail.js", "page.js"})
    script += part(name);
  put(page, "<!--style-->", part("page.css"));
  put(page, "<!--script-->", script);
  put(page, "<!--library-->", part("echarts.min.js"));
  put(page, "<!--data-->",
      inside_script({{"version", HWNAS_VERSION}, {"live", live}, {"studies", studies}}));
  return page;
}

}  // namespace hwnas
