// Units: inside hwnas every quantity is a double in SI; people write and read "20 ms" and "256
// KiB".
#pragma once

#include <string>
#include <string_view>

namespace hwnas {

enum class Unit { none, second, joule, byte, usd, count, fraction };

// "3.42 ms", "81.3 KiB", "1.2 mJ", "12.5 M" (count), "91.3 %" (fraction), "$0.42" (usd).
// Three significant digits; NaN gives "-".
std::string format_quantity(double value, Unit unit);

// The same with its standard error, both in the unit that fits the value: "9.8 \u00b1 0.4 ms",
// "9.80 \u00b1 0.12 ms". As many digits as the error leaves: two of the error where it begins with
// 1 or 2, else one.
std::string format_quantity(double value, double stddev, Unit unit);

// The inverse: a number and a unit of the right kind, e.g. "20 ms" -> 0.02, "256 KiB" -> 262144,
// "64 kB" -> 64000, "2.5 mJ", "12 %" -> 0.12, "20 k" (count). A number without a unit is accepted
// only for none, count, usd and fraction. Throws std::invalid_argument that says which units fit.
double parse_quantity(std::string_view text, Unit unit);

// What the unit is called in a sentence: "a time such as 20 ms".
std::string_view unit_hint(Unit unit);

}  // namespace hwnas
