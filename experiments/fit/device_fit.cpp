#include "experiments/fit/device_fit.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "predictors/accuracy.h"
#include "predictors/boosted_trees.h"
#include "space/rng.h"

namespace hwnas {
namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

FitQuality quality(std::span<const double> truths, std::span<const Prediction> predicted) {
  const std::vector<double> mean = means(predicted);
  return {spearman(truths, mean), kendall(truths, mean), mean_relative_error(truths, mean),
          share_within(truths, mean, 0.1), coverage(truths, predicted)};
}

std::vector<SourceColumn> take_sources(Measurements& measurements) {
  return std::move(measurements.sources);
}

}  // namespace

DeviceFit::DeviceFit(const SearchSpace& space, Measurements measurements, FitMethod method,
                     std::vector<double> prior)
    : measurements_(std::move(measurements)),
      method_(method),
      prior_(std::move(prior)),
      sources_(space, measurements_.architectures, take_sources(measurements_)) {
  const auto start = Clock::now();
  few_shot_.emplace(sources_);
  CoordinateSets sets = sources_.coordinates();
  for (auto* list : {&sets.sources, &sets.options, &sets.used}) {
    for (Coordinate& c : *list) tree_coordinates_.push_back(std::move(c));
  }
  learn_seconds_ = seconds_since(start);
}

Features DeviceFit::tree_features(std::size_t row) const {
  const Architecture& a = measurements_.architectures[row];
  Features features{{}, a.choices};
  for (const Coordinate& c : tree_coordinates_)
    features.numbers.push_back(c(a, sources_.cardinalities()));
  return features;
}

void DeviceFit::predict_trees(std::span<const std::size_t> rows, std::span<const double> values,
                              std::span<const std::size_t> others,
                              std::vector<Prediction>& out) const {
  std::vector<Features> samples, tests;
  for (const std::size_t row : rows) samples.push_back(tree_features(row));
  for (const std::size_t row : others) tests.push_back(tree_features(row));
  const auto trees = make_boosted_trees();
  trees->fit(samples, values);
  for (const Prediction& p : trees->predict(tests)) out.push_back(p);
}

std::pair<std::optional<DeviceModel>, double> DeviceFit::fit(std::span<const std::size_t> rows,
                                                             std::span<const std::size_t> others,
                                                             Predicted& predicted) const {
  const std::vector<Architecture>& all = measurements_.architectures;
  std::vector<Architecture> samples;
  std::vector<double> values, ratios;
  for (const std::size_t row : rows) {
    samples.push_back(all[row]);
    values.push_back(measurements_.values[row]);
    ratios.push_back(values.back() / (prior_.empty() ? 1 : prior_[row]));
  }
  const DevicePredictor baseline(few_shot_->fit_option_counts(samples, values));
  for (const std::size_t row : others) {
    predicted.truths.push_back(measurements_.values[row]);
    predicted.op_count_ridge.push_back(baseline.predict(all[row]));
  }
  const auto start = Clock::now();
  const std::size_t begin = predicted.method.size();
  std::optional<DeviceModel> model;
  double seconds = 0;
  if (method_ == FitMethod::boosted_trees) {
    predict_trees(rows, ratios, others, predicted.method);
    seconds = seconds_since(start);
  } else {
    model = method_ == FitMethod::ridge ? few_shot_->fit_option_counts(samples, ratios)
                                        : few_shot_->fit(samples, ratios, !prior_.empty());
    const DevicePredictor predictor(*model);
    seconds = seconds_since(start);
    for (const std::size_t row : others) predicted.method.push_back(predictor.predict(all[row]));
  }
  for (std::size_t i = 0; i < others.size() && !prior_.empty(); ++i) {
    predicted.method[begin + i].mean *= prior_[others[i]];
    predicted.method[begin + i].stddev *= prior_[others[i]];
  }
  return {std::move(model), seconds};
}

FitResult DeviceFit::draw(std::size_t samples, std::size_t seeds) const {
  FitResult result;
  for (std::size_t seed = 1; seed <= seeds; ++seed) {
    std::vector<std::size_t> rows = measurements_.measured();
    Rng rng(seed);
    rng.shuffle(rows);
    const std::span<const std::size_t> drawn(rows.data(), samples),
        others(rows.data() + samples, rows.size() - samples);
    Predicted predicted;
    auto [model, seconds] = fit(drawn, others, predicted);
    if (seed == 1) result.model = std::move(model);
    result.seconds.push_back(seconds);
    result.unseen = others.size();
    result.method.push_back(quality(predicted.truths, predicted.method));
    result.op_count_ridge.push_back(quality(predicted.truths, predicted.op_count_ridge));
  }
  return result;
}

FitResult DeviceFit::cross_validate(std::size_t seeds) const {
  FitResult result;
  for (std::size_t seed = 1; seed <= seeds; ++seed) {
    std::vector<std::size_t> rows = measurements_.measured();
    Rng rng(seed);
    rng.shuffle(rows);
    const std::size_t parts = std::min<std::size_t>(10, rows.size());
    Predicted predicted;
    double seconds = 0;
    for (std::size_t part = 0; part < parts; ++part) {
      std::vector<std::size_t> kept, left;
      for (std::size_t i = 0; i < rows.size(); ++i)
        (i % parts == part ? left : kept).push_back(rows[i]);
      seconds += fit(kept, left, predicted).second / static_cast<double>(parts);
    }
    result.seconds.push_back(seconds);
    result.unseen = rows.size();
    result.method.push_back(quality(predicted.truths, predicted.method));
    result.op_count_ridge.push_back(quality(predicted.truths, predicted.op_count_ridge));
    Predicted none;
    if (seed == 1) result.model = fit(rows, {}, none).first;
  }
  return result;
}

std::vector<std::size_t> DeviceFit::choose(std::size_t number) const {
  constexpr std::size_t kMostCandidates = 1000;
  std::vector<Architecture> measured, candidates;
  std::vector<std::size_t> open;
  for (std::size_t row = 0; row < measurements_.values.size(); ++row) {
    if (std::isnan(measurements_.values[row])) open.push_back(row);
  }
  for (const std::size_t row : measurements_.measured())
    measured.push_back(measurements_.architectures[row]);
  Rng rng(1);
  rng.shuffle(open);
  open.resize(std::min(open.size(), std::max(kMostCandidates, number)));
  for (const std::size_t row : open) candidates.push_back(measurements_.architectures[row]);
  measured.resize(std::min(measured.size(), kMostCandidates));
  std::vector<std::size_t> rows;
  for (const std::size_t i : few_shot_->choose(measured, candidates, number))
    rows.push_back(open[i]);
  return rows;
}

}  // namespace hwnas
