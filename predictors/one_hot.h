// OneHot: choices as numbers: 1 in the column of the option chosen, 0 in all others. Columns are
// the options that occur in a population, but where all agree; an option that did not occur is 0 in
// all. Immutable; thread-safe.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "space/features.h"

namespace hwnas {

class OneHot {
 public:
  OneHot() = default;
  explicit OneHot(std::span<const Features> population);

  std::size_t size() const { return size_; }
  void append(const Features& features, std::vector<double>& row) const;

 private:
  std::vector<std::array<int, 256>> columns_;  // of each choice and option, or -1
  std::size_t size_ = 0;
};

}  // namespace hwnas
