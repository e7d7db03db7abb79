// DeviceModel: what was learned of one metric of one device over the architectures of one space:
// a Gaussian process on coordinates that are linear in an architecture, and on how many of its
// choices agree with those of the samples. All numbers are plain data, which a device file holds.
//
//   covariance(a, b) = x(a).x(b) + same (1 - d) + alike exp(-2 d) + level,  d: share of the choices
//   that differ; + noise on the diagonal; all times scale^2
//
// Values are modelled as they are, or as their logarithms. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "predictors/predictor.h"
#include "space/search_space.h"

namespace hwnas {

// What the model reads of an architecture.
struct Architecture {
  std::vector<std::uint8_t> choices;  // the genes; those that decide nothing are kInactive
  std::vector<double> counts;         // layer_counts()
};
// Throws std::invalid_argument as SearchSpace::decode does.
Architecture read_architecture(const SearchSpace& space, const Genotype& genotype);

// constant + the numbers of the options chosen + those of each two options chosen + counts.
struct Coordinate {
  std::string name;
  double constant = 0;
  std::vector<double> options;  // for each option of each choice, in order; or empty
  std::vector<double> pairs;  // for each choice b and a before it, option a * options of b + option
                              // b; or empty
  std::vector<double> counts;  // for each of layer_count_names(); or empty

  double operator()(const Architecture& a, std::span<const int> cardinalities) const;
  void multiply(double factor);
  void add(const Coordinate& other, double factor);
};

struct DeviceModel {
  std::vector<int> cardinalities;
  std::vector<Coordinate> coordinates;
  double same = 0, alike = 0, level = 0, noise = 0;
  double scale = 1;
  bool logarithm = false;
  double centre = 0;  // of the values, or of their logarithms
  Coordinate line;    // predicts a value by itself; a prediction is the mean of both by line_share
  double line_share = 0;
  double lowest = 0;  // no prediction is below it
  std::vector<Architecture> samples;
  std::vector<double> values;
};

// Samples up to which a prediction's standard deviation is its own; beyond it is that of the noise.
constexpr std::size_t kSamplesWithOwnSpread = 200;

class DevicePredictor {
 public:
  explicit DevicePredictor(DeviceModel model);
  ~DevicePredictor();
  DevicePredictor(DevicePredictor&&) noexcept;
  DevicePredictor& operator=(DevicePredictor&&) noexcept;

  Prediction predict(const Architecture& architecture) const;
  const DeviceModel& model() const { return model_; }

  // Of each sample, by the process (not the line) without it.
  const std::vector<Prediction>& left_out() const { return left_out_; }

 private:
  struct Solution;
  Prediction prediction(double mean, double variance) const;
  Prediction with_line(Prediction process, const Architecture& a) const;
  DeviceModel model_;
  std::unique_ptr<const Solution> solution_;
  std::vector<Prediction> left_out_;
};

}  // namespace hwnas
