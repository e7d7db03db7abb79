#include "predictors/boosted_trees.h"

#include <xgboost/c_api.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <numeric>
#include <stdexcept>
#include <string>

#include "predictors/accuracy.h"
#include "predictors/one_hot.h"
#include "space/rng.h"

namespace hwnas {
namespace {

void check(int status) {
  if (status != 0) throw std::runtime_error(std::string("XGBoost: ") + XGBGetLastError());
}

class Matrix {
 public:
  Matrix(const std::vector<float>& numbers, std::size_t rows) {
    check(XGDMatrixCreateFromMat_omp(numbers.data(), rows, numbers.size() / rows,
                                     std::numeric_limits<float>::quiet_NaN(), &handle_, 1));
  }
  ~Matrix() { XGDMatrixFree(handle_); }
  Matrix(const Matrix&) = delete;
  Matrix& operator=(const Matrix&) = delete;
  DMatrixHandle get() const { return handle_; }

 private:
  DMatrixHandle handle_ = nullptr;
};

// One model of the ensemble. Not thread-safe.
class Booster {
 public:
  Booster(const std::vector<float>& numbers, const std::vector<float>& labels,
          const BoostedTreesOptions& options, std::size_t seed) {
    const Matrix matrix(numbers, labels.size());
    check(XGDMatrixSetFloatInfo(matrix.get(), "label", labels.data(), labels.size()));
    const DMatrixHandle matrices[] = {matrix.get()};
    check(XGBoosterCreate(matrices, 1, &handle_));
    set("nthread", 1);
    set("verbosity", 0);
    set("seed", seed);
    set("base_score", 0);
    set("max_depth", options.depth);
    set("learning_rate", options.learning_rate);
    set("subsample", 0.9);
    set("colsample_bytree", 0.6);
    check(XGBoosterSetParam(handle_, "tree_method", "exact"));
    check(XGBoosterSetParam(handle_, "objective", "reg:squarederror"));
    for (int round = 0; round < options.rounds; ++round)
      check(XGBoosterUpdateOneIter(handle_, round, matrix.get()));
  }
  ~Booster() { XGBoosterFree(handle_); }
  Booster(const Booster&) = delete;
  Booster& operator=(const Booster&) = delete;

  std::span<const float> predict(const Matrix& matrix) const {
    bst_ulong size = 0;
    const float* values = nullptr;
    check(XGBoosterPredict(handle_, matrix.get(), 0, 0, 0, &size, &values));
    return {values, static_cast<std::size_t>(size)};
  }

 private:
  template <typename Number>
  void set(const char* name, Number value) {
    check(XGBoosterSetParam(handle_, name, std::to_string(value).c_str()));
  }
  BoosterHandle handle_ = nullptr;
};

struct Bootstrap {
  std::vector<std::size_t> drawn;
  std::vector<bool> left_out;
};

Bootstrap draw(std::size_t samples, std::size_t seed) {
  Rng rng(seed);
  Bootstrap bootstrap{{}, std::vector<bool>(samples, true)};
  for (std::size_t i = 0; i < samples; ++i) {
    bootstrap.drawn.push_back(rng.below(static_cast<std::uint32_t>(samples)));
    bootstrap.left_out[bootstrap.drawn.back()] = false;
  }
  return bootstrap;
}

// Of the models that predict a sample.
struct Votes {
  double sum = 0, squares = 0;
  int number = 0;

  void add(double value) {
    sum += value;
    squares += value * value;
    ++number;
  }
  double mean() const { return sum / number; }
  double variance() const {
    return number < 2 ? 0 : std::max(0.0, (squares - sum * sum / number) / (number - 1));
  }
};

class BoostedTrees final : public Predictor {
 public:
  explicit BoostedTrees(const BoostedTreesOptions& options) : options_(options) {}

  std::string_view name() const override { return "boosted_trees"; }
  void fit(std::span<const Features> samples, std::span<const double> values) override;
  std::vector<Prediction> predict(std::span<const Features> samples) const override;

 private:
  std::vector<float> numbers_of(std::span<const Features> samples) const {
    std::vector<float> numbers;
    for (const Features& sample : samples) {
      std::vector<double> row = sample.numbers;
      one_hot_.append(sample, row);
      for (const double number : row) numbers.push_back(static_cast<float>(number));
    }
    return numbers;
  }
  void scale_values(std::span<const double> values);
  void calibrate(std::span<const Votes> left_out, std::span<const float> labels);

  BoostedTreesOptions options_;
  OneHot one_hot_;
  double mean_ = 0, scale_ = 1;         // of the values
  double noise_ = 0, calibration_ = 1;  // of scaled values
  std::vector<std::unique_ptr<Booster>> models_;
  mutable std::mutex predicting_;
};

void BoostedTrees::scale_values(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  mean_ = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0;
  for (const double value : values) squares += (value - mean_) * (value - mean_) / n;
  // A single or constant value says nothing of the spread: taken to be its own size.
  scale_ =
      squares > 1e-24 * mean_ * mean_ ? std::sqrt(squares) : std::max(std::fabs(mean_), 1e-300);
}

void BoostedTrees::calibrate(std::span<const Votes> left_out, std::span<const float> labels) {
  double errors = 0, spread = 0;
  std::vector<std::size_t> known;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (left_out[i].number < 2) continue;
    known.push_back(i);
    const double error = labels[i] - left_out[i].mean();
    errors += error * error;
    spread += left_out[i].variance();
  }
  if (known.size() < 2) {
    noise_ = calibration_ = 1;
    return;
  }
  const auto n = static_cast<double>(known.size());
  noise_ = std::sqrt(std::max({(errors - spread) / n, 0.1 * errors / n, 1e-12}));
  std::vector<double> standardised;
  for (const std::size_t i : known) {
    standardised.push_back((labels[i] - left_out[i].mean()) /
                           std::sqrt(noise_ * noise_ + left_out[i].variance()));
  }
  calibration_ = std::max(calibration(standardised), 1e-6);
}

void BoostedTrees::fit(std::span<const Features> samples, std::span<const double> values) {
  one_hot_ = OneHot(samples);
  scale_values(values);
  std::vector<float> labels;
  for (const double value : values) labels.push_back(static_cast<float>((value - mean_) / scale_));
  const std::vector<float> numbers = numbers_of(samples);
  const std::size_t columns = numbers.size() / samples.size();
  const Matrix all(numbers, samples.size());
  std::vector<Votes> left_out(samples.size());
  models_.clear();
  for (int m = 0; m < options_.models; ++m) {
    const auto seed = static_cast<std::size_t>(m) + 1;
    const Bootstrap bootstrap = draw(samples.size(), seed);
    std::vector<float> drawn, drawn_labels;
    for (const std::size_t i : bootstrap.drawn) {
      const auto row = numbers.begin() + static_cast<std::ptrdiff_t>(i * columns);
      drawn.insert(drawn.end(), row, row + static_cast<std::ptrdiff_t>(columns));
      drawn_labels.push_back(labels[i]);
    }
    models_.push_back(std::make_unique<Booster>(drawn, drawn_labels, options_, seed));
    const std::span<const float> predicted = models_.back()->predict(all);
    for (std::size_t i = 0; i < samples.size(); ++i) {
      if (bootstrap.left_out[i]) left_out[i].add(static_cast<double>(predicted[i]));
    }
  }
  calibrate(left_out, labels);
}

std::vector<Prediction> BoostedTrees::predict(std::span<const Features> samples) const {
  if (samples.empty()) return {};
  std::vector<Votes> votes(samples.size());
  {
    const std::lock_guard lock(predicting_);  // XGBoost keeps its answers in the model
    const Matrix matrix(numbers_of(samples), samples.size());
    for (const auto& model : models_) {
      const std::span<const float> predicted = model->predict(matrix);
      for (std::size_t i = 0; i < samples.size(); ++i)
        votes[i].add(static_cast<double>(predicted[i]));
    }
  }
  std::vector<Prediction> predictions;
  predictions.reserve(samples.size());
  for (const Votes& v : votes) {
    const double stddev = calibration_ * std::sqrt(noise_ * noise_ + v.variance());
    predictions.push_back({mean_ + scale_ * v.mean(), scale_ * stddev});
  }
  return predictions;
}

}  // namespace

bool has_boosted_trees() {
  return true;
}

std::unique_ptr<Predictor> make_boosted_trees(const BoostedTreesOptions& options) {
  return std::make_unique<BoostedTrees>(options);
}

}  // namespace hwnas
