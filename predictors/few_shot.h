// FewShot: learns a device from a few measured architectures, with what other devices teach.
//
// The kernel of a DeviceModel is composed of coordinates (device_sources.h) and of choices that
// agree. How much of each, and the noise, are averaged over a fixed list of compositions, weighted
// by the marginal likelihood of the samples and by how well a composition served the sources, each
// learned in turn from a few of its values and the other sources (an empirical prior, by
// expectation maximisation). Whether values or their logarithms are modelled, the likelihood
// decides. Where a line through option counts predicts left-out samples nearly as well, the
// prediction is the mean of both. The standard deviation is scaled by the left-out errors
// (calibration() of accuracy.h), and by how far such intervals missed on the sources.
// Deterministic; const access is thread-safe.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "predictors/device_model.h"
#include "predictors/device_sources.h"

namespace hwnas {

// Shares of a kernel of mean diagonal 1 (the first four are of CoordinateSets), and the noise.
struct Composition {
  enum Part { sources, options, used, others, same, alike, parts };
  std::array<double, parts> shares{};
  double noise = 0;
};

class FewShot {
 public:
  explicit FewShot(const DeviceSources& sources);

  // At least one sample, all values positive. `logarithms`: whatever the likelihood says.
  DeviceModel fit(std::span<const Architecture> samples, std::span<const double> values,
                  bool logarithms = false) const;
  // The ridge on option counts alone, in the same form: what every other model must beat.
  DeviceModel fit_option_counts(std::span<const Architecture> samples,
                                std::span<const double> values) const;

  // Which `number` of the candidates to measure next, given what is measured: greedily, those that
  // most reduce the variance over all candidates. Indices, the most telling first.
  std::vector<std::size_t> choose(std::span<const Architecture> measured,
                                  std::span<const Architecture> candidates,
                                  std::size_t number) const;

 private:
  struct Blocks;
  Blocks blocks(std::span<const Architecture> samples, const CoordinateSets& sets) const;
  void learn_prior(const DeviceSources& sources);
  struct Belief;
  struct Line;
  Line line(std::span<const Architecture> samples, std::span<const double> values,
            const std::vector<Coordinate>& counts) const;
  Belief believe(const Blocks& blocks, std::span<const double> values, bool logarithm) const;
  void learn_spread(const DeviceSources& sources);
  double spread(std::size_t samples) const;
  Composition usual() const;
  DeviceModel compose(const Composition& composition, const CoordinateSets& sets) const;
  DeviceModel fit_on(const CoordinateSets& sets, std::span<const Architecture> samples,
                     std::span<const double> values, bool logarithms) const;
  void set_samples(DeviceModel& model, std::span<const Architecture> samples,
                   std::span<const double> values, const CoordinateSets& sets) const;

  std::vector<int> cardinalities_;
  CoordinateSets sets_;
  std::vector<Composition> compositions_;
  std::vector<double> log_prior_;
  double spread_ = 1.2;  // of the standard deviation at kSpreadSamples samples
};

}  // namespace hwnas
