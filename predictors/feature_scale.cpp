#include "predictors/feature_scale.h"

#include <cmath>

namespace hwnas {

FeatureScale::FeatureScale(std::span<const Features> population) {
  if (population.empty()) return;
  const auto n = static_cast<double>(population.size());
  std::vector<std::vector<double>> columns;
  for (std::size_t j = 0; j < population[0].numbers.size(); ++j) {
    double mean = 0, variance = 0;
    for (const Features& f : population) mean += f.numbers[j] / n;
    for (const Features& f : population) {
      variance += (f.numbers[j] - mean) * (f.numbers[j] - mean) / n;
    }
    if (!(variance > 1e-12 * (1 + mean * mean))) continue;
    const double scale = 1 / std::sqrt(variance);
    std::vector<double> column;
    for (const Features& f : population) column.push_back((f.numbers[j] - mean) * scale);
    const auto repeats = [&column](const std::vector<double>& other) {
      double same = 0, opposite = 0;
      for (std::size_t i = 0; i < column.size(); ++i) {
        same = std::max(same, std::fabs(column[i] - other[i]));
        opposite = std::max(opposite, std::fabs(column[i] + other[i]));
      }
      return std::min(same, opposite) < 1e-6;
    };
    bool repeated = false;
    for (const auto& other : columns) repeated = repeated || repeats(other);
    if (repeated) continue;
    columns.push_back(std::move(column));
    kept_.push_back({j, mean, scale});
  }
}

std::vector<double> FeatureScale::operator()(const Features& features) const {
  std::vector<double> scaled;
  scaled.reserve(kept_.size());
  for (const Kept& k : kept_) {
    scaled.push_back((features.numbers[k.index] - k.mean) * k.inverse_stddev);
  }
  return scaled;
}

}  // namespace hwnas
