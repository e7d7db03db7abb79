#include "experiments/command_line.h"

#include <charconv>
#include <cstdio>
#include <iostream>

#include "space/input_error.h"

namespace hwnas {

namespace po = boost::program_options;

CommandLine::CommandLine(std::string usage, std::string about)
    : usage_(std::move(usage)), about_(std::move(about)), options_("options", 100) {
  options_.add_options()("help,h", "print this page");
}

CommandLine& CommandLine::flag(const char* name, const char* help) {
  options_.add_options()(name, help);
  return *this;
}

CommandLine& CommandLine::value(const char* name, const char* argument, const char* help) {
  options_.add_options()(name, po::value<std::string>()->value_name(argument), help);
  return *this;
}

CommandLine& CommandLine::values(const char* name, const char* argument, const char* help) {
  options_.add_options()(
      name, po::value<std::vector<std::string>>()->composing()->value_name(argument), help);
  return *this;
}

CommandLine& CommandLine::positional(const char* name, const char* help, bool required) {
  positionals_.push_back({name, help, required, false});
  return *this;
}

CommandLine& CommandLine::positionals(const char* name, const char* help) {
  positionals_.push_back({name, help, true, true});
  return *this;
}

void CommandLine::print_help(std::ostream& out) const {
  out << "usage: " << usage_ << "\n\n" << about_ << "\n\n";
  for (const Positional& p : positionals_) out << "  " << p.name << ": " << p.help << '\n';
  if (!positionals_.empty()) out << '\n';
  out << options_;
}

bool CommandLine::parse(const std::vector<std::string>& arguments) {
  po::positional_options_description order;
  po::options_description hidden;
  for (const Positional& p : positionals_) {
    if (p.several) {
      hidden.add_options()(p.name.c_str(), po::value<std::vector<std::string>>());
    } else {
      hidden.add_options()(p.name.c_str(), po::value<std::string>());
    }
    order.add(p.name.c_str(), p.several ? -1 : 1);
  }
  po::options_description both;
  both.add(options_).add(hidden);
  try {
    po::store(po::command_line_parser(arguments).options(both).positional(order).run(), values_);
  } catch (const po::unknown_option& error) {
    std::vector<std::string> known;
    for (const auto& option : options_.options()) known.push_back("--" + option->long_name());
    throw InputError(error.get_option_name() + ": no such option" +
                     suggestion(error.get_option_name(), known));
  } catch (const po::too_many_positional_options_error&) {
    throw InputError("too many arguments; usage: " + usage_);
  } catch (const po::error& error) {
    throw InputError(std::string(error.what()) + "; usage: " + usage_);
  }
  if (has("help")) {
    print_help(std::cout);
    return false;
  }
  for (const Positional& p : positionals_) {
    if (p.required && !has(p.name)) throw InputError(p.name + " is missing; usage: " + usage_);
  }
  return true;
}

std::vector<std::string> CommandLine::list(const std::string& name) const {
  return has(name) ? values_[name].as<std::vector<std::string>>() : std::vector<std::string>{};
}

std::optional<std::int64_t> CommandLine::integer(const std::string& name, std::int64_t low,
                                                 std::int64_t high) const {
  if (!has(name)) return std::nullopt;
  const std::string text = get(name);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && value >= low && value <= high)
    return value;
  throw InputError(
      "", 0, "--" + name, text,
      "expected a whole number from " + std::to_string(low) + " to " + std::to_string(high));
}

double CommandLine::number(const std::string& name, double low, double high) const {
  const std::string text = get(name);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && value >= low && value <= high)
    return value;
  char range[64];
  std::snprintf(range, sizeof range, "expected a number from %g to %g", low, high);
  throw InputError("", 0, "--" + name, text, range);
}

}  // namespace hwnas
