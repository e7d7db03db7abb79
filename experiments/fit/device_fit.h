// DeviceFit: a device learned from some of its measurements, and how well it predicts the others.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "experiments/fit/measurements.h"
#include "predictors/few_shot.h"

namespace hwnas {

enum class FitMethod { gaussian_process, ridge, boosted_trees };

// Of predictions of rows that a fit did not see.
struct FitQuality {
  double spearman = 0, kendall = 0, mape = 0, within_10_percent = 0, coverage_90 = 0;
};

struct FitResult {
  std::vector<FitQuality> method, op_count_ridge;  // one for each seed
  std::vector<double> seconds;                     // to adapt, once the sources are learned
  std::size_t unseen = 0;                          // rows predicted with each seed
  std::optional<DeviceModel> model;  // the first seed's, or of all rows; trees have none
};

class DeviceFit {
 public:
  // `prior`: estimates of an analytic device for each row, or none.
  DeviceFit(const SearchSpace& space, Measurements measurements, FitMethod method,
            std::vector<double> prior);

  // From `samples` rows drawn at random with each seed; all other rows are predicted.
  FitResult draw(std::size_t samples, std::size_t seeds) const;
  // From all rows; what is predicted are the tenths left out of a fit (or single rows, of few).
  FitResult cross_validate(std::size_t seeds) const;
  // The rows without a value to measure next.
  std::vector<std::size_t> choose(std::size_t number) const;

  const Measurements& measurements() const { return measurements_; }
  double learn_seconds() const { return learn_seconds_; }  // of what the sources teach

 private:
  struct Predicted {
    std::vector<double> truths;
    std::vector<Prediction> method, op_count_ridge;
  };
  // Fits on some rows and predicts others; returns the model and the seconds of the fit.
  std::pair<std::optional<DeviceModel>, double> fit(std::span<const std::size_t> rows,
                                                    std::span<const std::size_t> others,
                                                    Predicted& predicted) const;
  Features tree_features(std::size_t row) const;
  void predict_trees(std::span<const std::size_t> rows, std::span<const double> values,
                     std::span<const std::size_t> others, std::vector<Prediction>& out) const;

  Measurements measurements_;
  FitMethod method_;
  std::vector<double> prior_;
  DeviceSources sources_;
  std::vector<Coordinate> tree_coordinates_;
  std::optional<FewShot> few_shot_;
  double learn_seconds_ = 0;
};

}  // namespace hwnas
