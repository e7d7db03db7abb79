#include "space/units.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <span>
#include <stdexcept>

namespace hwnas {
namespace {

struct Scale {
  std::string_view suffix;
  double factor;
  bool shown;  // used for output; the others are only understood
};

constexpr std::array kSeconds{Scale{"ns", 1e-9, true},       Scale{"us", 1e-6, true},
                              Scale{"\u00b5s", 1e-6, false}, Scale{"ms", 1e-3, true},
                              Scale{"s", 1, true},           Scale{"min", 60, false},
                              Scale{"h", 3600, false},       Scale{"day", 86400, false}};
constexpr std::array kJoules{Scale{"pJ", 1e-12, true}, Scale{"nJ", 1e-9, true},
                             Scale{"uJ", 1e-6, true},  Scale{"\u00b5J", 1e-6, false},
                             Scale{"mJ", 1e-3, true},  Scale{"J", 1, true},
                             Scale{"kJ", 1e3, true}};
constexpr std::array kBytes{Scale{"B", 1, true},     Scale{"kB", 1e3, false},
                            Scale{"KB", 1e3, false}, Scale{"KiB", 1024, true},
                            Scale{"MB", 1e6, false}, Scale{"MiB", 1048576.0, true},
                            Scale{"GB", 1e9, false}, Scale{"GiB", 1073741824.0, true}};
constexpr std::array kCounts{Scale{"", 1, true}, Scale{"k", 1e3, true}, Scale{"M", 1e6, true},
                             Scale{"G", 1e9, true}, Scale{"T", 1e12, true}};
constexpr std::array kFractions{Scale{"", 1, false}, Scale{"%", 0.01, true}};
constexpr std::array kUsd{Scale{"", 1, false}, Scale{"USD", 1, true}, Scale{"$", 1, false}};
constexpr std::array kPlain{Scale{"", 1, true}};

std::span<const Scale> scales(Unit unit) {
  switch (unit) {
    case Unit::second:
      return kSeconds;
    case Unit::joule:
      return kJoules;
    case Unit::byte:
      return kBytes;
    case Unit::count:
      return kCounts;
    case Unit::fraction:
      return kFractions;
    case Unit::usd:
      return kUsd;
    case Unit::none:
      break;
  }
  return kPlain;
}

std::string three_digits(double value) {
  char buffer[40];
  const double size = std::fabs(value);
  if (size == 0 || (size >= 99.95 && size < 1e5)) {
    std::snprintf(buffer, sizeof buffer, "%.0f", value);
  } else if (size >= 1e5 || size < 1e-4) {
    std::snprintf(buffer, sizeof buffer, "%.3g", value);
  } else {
    std::snprintf(buffer, sizeof buffer, "%.*f", size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3, value);
  }
  return buffer;
}

// The largest unit in which the number is at least 1 (0.9995 rounds to 1.00).
const Scale& fitting_scale(double value, Unit unit) {
  const Scale* chosen = nullptr;
  for (const Scale& scale : scales(unit)) {
    if (!scale.shown) continue;
    if (!chosen || std::fabs(value) >= scale.factor * 0.9995) chosen = &scale;
  }
  return *chosen;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

}  // namespace

std::string format_quantity(double value, Unit unit) {
  if (std::isnan(value)) return "-";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  if (unit == Unit::usd) return "$" + three_digits(value);
  const Scale& scale = fitting_scale(value, unit);
  std::string text = three_digits(value / scale.factor);
  if (!scale.suffix.empty()) text.append(" ").append(scale.suffix);
  return text;
}

std::string format_quantity(double value, double stddev, Unit unit) {
  if (!std::isfinite(value) || !std::isfinite(stddev)) return format_quantity(value, unit);
  const Scale& scale = unit == Unit::usd ? kPlain[0] : fitting_scale(value, unit);
  const double error = stddev / scale.factor;
  const int lead = error > 0 ? static_cast<int>(std::floor(std::log10(error * 1.0001))) : 0;
  const bool two = error < 2.95 * std::pow(10, lead);
  const int decimals = error > 0 ? std::clamp((two ? 1 : 0) - lead, 0, 6) : 1;
  char text[96];
  std::snprintf(text, sizeof text, "%s%.*f \u00b1 %.*f%s%s", unit == Unit::usd ? "$" : "", decimals,
                value / scale.factor, decimals, error, scale.suffix.empty() ? "" : " ",
                std::string(scale.suffix).c_str());
  return text;
}

double parse_quantity(std::string_view text, Unit unit) {
  const std::string_view trimmed = trim(text);
  double number = 0;
  const auto [end, error] =
      std::from_chars(trimmed.data(), trimmed.data() + trimmed.size(), number);
  if (error == std::errc() && std::isfinite(number)) {
    const std::string_view suffix =
        trim(trimmed.substr(static_cast<std::size_t>(end - trimmed.data())));
    for (const Scale& scale : scales(unit)) {
      if (scale.suffix == suffix) return number * scale.factor;
    }
  }
  throw std::invalid_argument("expected " + std::string(unit_hint(unit)));
}

std::string_view unit_hint(Unit unit) {
  switch (unit) {
    case Unit::second:
      return "a time such as '20 ms' (ns, us, ms, s, min, h, day)";
    case Unit::joule:
      return "an energy such as '3.5 mJ' (pJ, nJ, uJ, mJ, J, kJ)";
    case Unit::byte:
      return "a size such as '256 KiB' (B, kB, KiB, MB, MiB, GB, GiB)";
    case Unit::count:
      return "a count such as '20 k' (k, M, G, T)";
    case Unit::fraction:
      return "a share such as '12 %' or 0.12";
    case Unit::usd:
      return "an amount such as '0.42 USD'";
    case Unit::none:
      break;
  }
  return "a number";
}

}  // namespace hwnas
