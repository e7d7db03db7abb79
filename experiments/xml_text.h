// Text inside SVG.
#pragma once

#include <string>

namespace hwnas {

// With &, < and > escaped.
inline std::string xml_text(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else
      out += c;
  }
  return out;
}

}  // namespace hwnas
