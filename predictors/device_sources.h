// DeviceSources: what measurements of other devices teach of the architectures of a space.
//
// Each source device is fitted by ridge regression on the options, on each two options (where they
// are not too many) and on layer counts. The first principal components of the fitted columns are
// coordinates in which a further device is nearly linear ("device PCA"). A second set are those of
// the sources as they would be if they ran the other layers: all where they skip the unused ones,
// and the other way round. Thread-safe.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "predictors/device_model.h"
#include "predictors/ridge.h"

namespace hwnas {

struct SourceColumn {
  std::string name;
  std::string device;          // columns of one device do not stand for each other in learning
  std::vector<double> values;  // one for each architecture; NaN where not measured
};

// Four lists of coordinates, each of mean squared length 1 over the population; may be empty.
struct CoordinateSets {
  std::vector<Coordinate> sources, others, options, used;
};

class DeviceSources {
 public:
  // A source with fewer than 8 values teaches nothing.
  DeviceSources(const SearchSpace& space, std::vector<Architecture> population,
                std::vector<SourceColumn> columns);

  const std::vector<int>& cardinalities() const { return cardinalities_; }
  const std::vector<Architecture>& population() const { return population_; }
  const std::vector<SourceColumn>& columns() const { return columns_; }

  // Without the columns of one device, and of all where its name is not among them.
  CoordinateSets coordinates(const std::string& without_device = "") const;

 private:
  // Linear in the inputs: options, pairs, scaled counts.
  struct Line {
    std::vector<double> weights;
    double intercept = 0;
  };
  void scale_counts();
  void make_option_counts(const SearchSpace& space);
  // Some rows with a value, ready to fit.
  struct Rows {
    std::vector<std::size_t> which;
    RidgeRows inputs, all_counts, used_counts;
  };
  Rows read_rows(std::vector<std::size_t> which) const;
  void learn(const SourceColumn& column, const Rows& rows);
  std::vector<double> inputs(const Architecture& a) const;
  std::vector<double> count_inputs(const Architecture& a, bool used) const;
  std::vector<Coordinate> principal(const std::vector<Line>& lines,
                                    const std::vector<std::size_t>& which,
                                    const std::string& name) const;

  std::vector<int> cardinalities_;
  bool pairs_ = false;
  std::size_t option_inputs_ = 0, pair_inputs_ = 0;
  std::vector<double> count_mean_, count_scale_;  // of layer_counts(); scale 0 where constant
  std::vector<Architecture> population_;
  std::vector<std::vector<double>> reference_;  // inputs of some of the population
  std::vector<SourceColumn> columns_;
  std::vector<Line> fitted_, other_;  // one for each column
  std::vector<Coordinate> options_, used_;
};

}  // namespace hwnas
