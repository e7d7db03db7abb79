#include "space/architecture_text.h"

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <string>
#include <vector>

#include "space/input_error.h"

namespace hwnas {
namespace {

constexpr std::string_view kBetweenNumbers = "-_,;|[]() \t";
constexpr std::string_view kBetweenNames = "|+,;[]() \t";

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t begin = text.find_first_not_of(separators);
    if (begin == std::string_view::npos) return parts;
    const std::size_t end = std::min(text.find_first_of(separators, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    text.remove_prefix(end);
  }
}

std::uint8_t option_at(const Choice& choice, std::string_view part) {
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), index);
  if (error != std::errc() || end != part.data() + part.size() || index >= choice.options.size()) {
    throw std::invalid_argument("choice '" + choice.name + "' has no option " + std::string(part) +
                                "; it has " + std::to_string(choice.options.size()) +
                                ", counted from 0");
  }
  return static_cast<std::uint8_t>(index);
}

std::uint8_t option_named(const Choice& choice, std::string_view part) {
  const auto at = std::find(choice.options.begin(), choice.options.end(), part);
  if (at == choice.options.end()) {
    throw std::invalid_argument("choice '" + choice.name + "' has no option '" + std::string(part) +
                                "'" + suggestion(part, choice.options));
  }
  return static_cast<std::uint8_t>(at - choice.options.begin());
}

// "|a~0|+|b~0|c~1|": the node after '~' is implied by the place, and must agree with it.
void drop_nodes(std::string_view text, std::vector<std::string_view>& parts) {
  std::size_t part = 0;
  for (const std::string_view group : split(text, "+")) {
    const std::size_t edges = split(group, kBetweenNames).size();
    for (std::size_t node = 0; node < edges; ++node, ++part) {
      const std::size_t tilde = parts[part].find('~');
      const std::string expected = "~" + std::to_string(node);
      if (tilde == std::string_view::npos || parts[part].substr(tilde) != expected) {
        throw std::invalid_argument("'" + std::string(parts[part]) + "' should end in " + expected +
                                    ": edges are listed by the node they lead to, then by the "
                                    "node they come from");
      }
      parts[part] = parts[part].substr(0, tilde);
    }
  }
}

}  // namespace

Genotype parse_architecture(const SearchSpace& space, std::string_view text) {
  const bool numbers = text.find_first_not_of("0123456789-_,;|[]() \t") == std::string_view::npos;
  std::vector<std::string_view> parts = split(text, numbers ? kBetweenNumbers : kBetweenNames);
  if (text.find('~') != std::string_view::npos) drop_nodes(text, parts);
  const std::vector<Choice>& choices = space.choices();
  if (parts.size() != choices.size()) {
    throw std::invalid_argument("has " + std::to_string(parts.size()) + " parts; space '" +
                                space.name() + "' has " + std::to_string(choices.size()) +
                                " choices");
  }
  Genotype genotype;
  genotype.genes.reserve(parts.size());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    genotype.genes.push_back(numbers ? option_at(choices[i], parts[i])
                                     : option_named(choices[i], parts[i]));
  }
  return genotype;
}

}  // namespace hwnas
