// One command of hwnas: its help page and its options. A thin layer over Boost.Program_options that
// gives every command the same --help and the same one-line errors.
#pragma once

#include <boost/program_options.hpp>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

namespace hwnas {

class CommandLine {
 public:
  // `usage`: "hwnas estimate NETWORK --device D[,D...]"; `about`: what it does, with an example.
  CommandLine(std::string usage, std::string about);

  CommandLine& flag(const char* name, const char* help);
  CommandLine& value(const char* name, const char* argument, const char* help);
  CommandLine& values(const char* name, const char* argument, const char* help);  // repeated
  CommandLine& positional(const char* name, const char* help, bool required = true);
  CommandLine& positionals(const char* name, const char* help);  // the last; one or more

  // False where --help was asked for (and printed). Throws InputError on unknown or repeated
  // options and on missing or superfluous arguments.
  bool parse(const std::vector<std::string>& arguments);

  bool has(const std::string& name) const { return values_.count(name) > 0; }
  std::string get(const std::string& name) const { return values_[name].as<std::string>(); }
  std::vector<std::string> list(const std::string& name) const;  // of values() and positionals()
  std::optional<std::int64_t> integer(const std::string& name, std::int64_t low,
                                      std::int64_t high) const;
  double number(const std::string& name, double low, double high) const;

 private:
  struct Positional {
    std::string name, help;
    bool required, several;
  };
  void print_help(std::ostream& out) const;

  std::string usage_, about_;
  boost::program_options::options_description options_;
  std::vector<Positional> positionals_;
  boost::program_options::variables_map values_;
};

}  // namespace hwnas
