#include "predictors/one_hot.h"

#include <algorithm>

namespace hwnas {

OneHot::OneHot(std::span<const Features> population) {
  if (population.empty()) return;
  columns_.resize(population[0].choices.size());
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    std::array<bool, 256> occurs{};
    for (const Features& f : population) occurs[f.choices[c]] = true;
    columns_[c].fill(-1);
    if (std::count(occurs.begin(), occurs.end(), true) < 2) continue;
    for (std::size_t option = 0; option < occurs.size(); ++option) {
      if (occurs[option]) columns_[c][option] = static_cast<int>(size_++);
    }
  }
}

void OneHot::append(const Features& features, std::vector<double>& row) const {
  const std::size_t begin = row.size();
  row.resize(begin + size_, 0);
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    const int column = columns_[c][features.choices[c]];
    if (column >= 0) row[begin + static_cast<std::size_t>(column)] = 1;
  }
}

}  // namespace hwnas
