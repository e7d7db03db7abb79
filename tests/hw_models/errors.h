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
  // Of ranks, ties at their mean rank.
  double spearman() const {
    const std::vector<double> a = ranks(model_), b = ranks(published_);
    const double mean = (static_cast<double>(rows()) - 1) / 2;
    double both = 0, of_a = 0, of_b = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      both += (a[i] - mean) * (b[i] - mean);
      of_a += (a[i] - mean) * (a[i] - mean);
      of_b += (b[i] - mean) * (b[i] - mean);
    }
    return both / std::sqrt(of_a * of_b);
  }
  int rows() const { return static_cast<int>(model_.size()); }

 private:
  static std::vector<double> ranks(const std::vector<double>& values) {
    std::vector<std::size_t> order(values.size());
    std::iota(order.begin(), order.end(), 0u);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t i, std::size_t j) { return values[i] < values[j]; });
    std::vector<double> rank(values.size());
    for (std::size_t i = 0, end = 0; i < order.size(); i = end) {
      while (end < order.size() && values[order[end]] == values[order[i]]) ++end;
      for (std::size_t k = i; k < end; ++k) rank[order[k]] = static_cast<double>(i + end - 1) / 2;
    }
    return rank;
  }

  std::vector<double> model_, published_;
};

}  // namespace hwnas::testing
