// How a model does against published figures.
#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace hwnas::testing {

// Pairs of figures, with mean absolute and mean signed relative error and Spearman's correlation.
class Errors {
 public:
  void add(double model, double published) {
    model_.push_back(model);
    published_.push_back(published);
  }
  double mape() const {
    double sum = 0;
    for (std::size_t i = 0; i < model_.size(); ++i) sum += std::fabs(model_[i] / published_[i] - 1);
    return sum / static_cast<double>(rows());
  }
  double bias() const {
    double sum = 0;
    for (std::size_t i = 0; i < model_.size(); ++i) sum += model_[i] / published_[i] - 1;
    return sum / static_cast<double>(rows());
  }
  double spearman() const {
    const std::vector<double> a = ranks(model_), b = ranks(published_);
    double squares = 0;
    for (std::size_t i = 0; i < a.size(); ++i) squares += (a[i] - b[i]) * (a[i] - b[i]);
    const double n = rows();
    return 1 - 6 * squares / (n * (n * n - 1));
  }
  int rows() const { return static_cast<int>(model_.size()); }

 private:
  static std::vector<double> ranks(const std::vector<double>& values) {
    std::vector<std::size_t> order(values.size());
    std::iota(order.begin(), order.end(), 0u);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t i, std::size_t j) { return values[i] < values[j]; });
    std::vector<double> rank(values.size());
    for (std::size_t i = 0; i < order.size(); ++i) rank[order[i]] = static_cast<double>(i);
    return rank;
  }

  std::vector<double> model_, published_;
};

}  // namespace hwnas::testing
