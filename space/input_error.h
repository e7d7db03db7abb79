// InputError: something that a person wrote (a file, an option) cannot be used as it is.
//
// what() is one line that says where, what was found, and what would be right:
//   run.toml:12: budget.trails = 100: unknown key; did you mean 'trials'?
// The program prints it and exits with code 2. A trial that fails is a value, never an InputError.
#pragma once

#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace hwnas {

class InputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;

  // "FILE:LINE: KEY = VALUE: PROBLEM"; empty parts and line 0 are left out.
  InputError(std::string_view file, int line, std::string_view key, std::string_view value,
             std::string_view problem);
};

// The entry of `known` nearest to `word` by edit distance, or empty when none is near enough to
// be a misspelling of it (more than a third of its letters differ).
std::string nearest(std::string_view word, std::span<const std::string> known);

// "; did you mean 'X'?" where a near entry exists, else "; known: A, B, C".
std::string suggestion(std::string_view word, std::span<const std::string> known);

}  // namespace hwnas
