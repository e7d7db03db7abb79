#include "predictors/few_shot.h"

#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "predictors/accuracy.h"
#include "predictors/ridge.h"
#include "space/rng.h"

namespace hwnas {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr double kLevel = 2;  // the mean is free
constexpr std::size_t kSamplesToCompose = 150;
constexpr std::size_t kMostSamples = 1000;
constexpr double kLogarithmMustWinBy = 2;                   // in nats
constexpr std::array<std::size_t, 3> kEpisodes{8, 16, 32};  // samples of a source
constexpr std::size_t kSpreadSamples = 12;
constexpr double kLineMayBeWorseBy = 1.5;  // in mean squared left-out error
constexpr double kUniformShare = 0.01;     // of the prior, for each composition

std::vector<Composition> compositions(bool with_sources) {
  // sources, options, used, others, same
  std::vector<std::array<double, 5>> main{{0, 1, 0, 0, 0}, {0, 0, 1, 0, 0},   {0, 1, 1, 0, 0},
                                          {0, 0, 0, 0, 1}, {0, 1, 0, 0, 0.3}, {0, 0, 1, 0, 0.3}};
  if (with_sources) {
    main.insert(main.end(), {{1, 0, 0, 0, 0},
                             {0, 0, 0, 1, 0},
                             {1, 1, 0, 0, 0},
                             {1, 0, 1, 0, 0},
                             {1, 0, 0, 1, 0},
                             {1, 0.1, 0, 0, 0},
                             {1, 0, 0.1, 0, 0},
                             {1, 0, 0, 0.1, 0},
                             {1, 0.1, 0.1, 0.1, 0},
                             {0.1, 0, 1, 0, 0},
                             {0, 0, 1, 1, 0},
                             {1, 1, 1, 1, 0},
                             {1, 0, 0, 0, 0.1},
                             {1, 0, 0, 0, 0.3}});
  }
  std::vector<Composition> all;
  for (const auto& m : main) {
    const double sum = std::accumulate(m.begin(), m.end(), 0.0);
    for (const double alike : {0.0, 0.01, 0.1, 0.5}) {
      for (const double noise : {1e-7, 1e-5, 1e-3, 1e-2, 3e-2, 1e-1, 3e-1}) {
        Composition& c = all.emplace_back();
        for (std::size_t i = 0; i < m.size(); ++i) c.shares[i] = m[i] / sum;
        c.shares[Composition::alike] = alike;
        c.noise = noise;
      }
    }
  }
  return all;
}

double log_sum(const std::vector<double>& logs) {
  const double most = *std::max_element(logs.begin(), logs.end());
  double sum = 0;
  for (const double l : logs) sum += std::exp(l - most);
  return most + std::log(sum);
}

// Coordinates of samples, a column each.
MatrixXd columns(const std::vector<Coordinate>& coordinates, std::span<const Architecture> samples,
                 const std::vector<int>& cardinalities) {
  MatrixXd x(static_cast<Index>(coordinates.size()), static_cast<Index>(samples.size()));
  for (Index i = 0; i < x.cols(); ++i) {
    for (Index k = 0; k < x.rows(); ++k)
      x(k, i) = coordinates[static_cast<std::size_t>(k)](samples[static_cast<std::size_t>(i)],
                                                         cardinalities);
  }
  return x;
}

// Weights of a mixture whose parts give these likelihoods of each episode (a row each).
std::vector<double> mixture_weights(const std::vector<std::vector<double>>& log_likelihoods,
                                    std::size_t parts) {
  std::vector<double> weights(parts, 1 / static_cast<double>(parts));
  for (int round = 0; round < 60; ++round) {
    std::vector<double> next(parts, kUniformShare);
    for (const std::vector<double>& row : log_likelihoods) {
      std::vector<double> posterior(parts);
      for (std::size_t h = 0; h < parts; ++h) posterior[h] = row[h] + std::log(weights[h]);
      const double all = log_sum(posterior);
      for (std::size_t h = 0; h < parts; ++h) next[h] += std::exp(posterior[h] - all);
    }
    const double sum = std::accumulate(next.begin(), next.end(), 0.0);
    for (std::size_t h = 0; h < parts; ++h) weights[h] = next[h] / sum;
  }
  return weights;
}

std::vector<std::size_t> known_rows(const SourceColumn& column) {
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < column.values.size(); ++i) {
    if (!std::isnan(column.values[i])) rows.push_back(i);
  }
  return rows;
}

Composition mean_composition(const std::vector<Composition>& all,
                             const std::vector<double>& weights) {
  Composition mean;
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (std::size_t h = 0; h < all.size(); ++h) {
    const double share = weights[h] / sum;
    for (std::size_t i = 0; i < mean.shares.size(); ++i) mean.shares[i] += share * all[h].shares[i];
    mean.noise += share * all[h].noise;
  }
  return mean;
}

}  // namespace

// The kernel's parts over some samples.
struct FewShot::Blocks {
  std::array<MatrixXd, Composition::parts> parts;

  MatrixXd covariance(const Composition& c) const {
    const Index n = parts[Composition::same].rows();
    MatrixXd sum = MatrixXd::Constant(n, n, kLevel);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (c.shares[i] > 0 && parts[i].size() > 0) sum += c.shares[i] * parts[i];
    }
    sum.diagonal().array() += c.noise;
    return sum;
  }

  struct Evidence {
    double log_likelihood = 0;
    double variance = 0;  // of the values, as the covariance's factor
  };
  Evidence evidence(const Composition& c, const VectorXd& values) const {
    const Eigen::LLT<MatrixXd> factor(covariance(c));
    const VectorXd white = factor.matrixL().solve(values);
    const auto n = static_cast<double>(values.size());
    const double variance = std::max(white.squaredNorm() / n, 1e-280);
    const double log_root = MatrixXd(factor.matrixL()).diagonal().array().log().sum();
    return {-n / 2 * std::log(variance) - log_root, variance};
  }
};

FewShot::FewShot(const DeviceSources& sources)
    : cardinalities_(sources.cardinalities()),
      sets_(sources.coordinates()),
      compositions_(compositions(!sources.columns().empty())),
      log_prior_(compositions_.size(), 0) {
  learn_prior(sources);
  learn_spread(sources);
}

FewShot::Blocks FewShot::blocks(std::span<const Architecture> samples,
                                const CoordinateSets& sets) const {
  Blocks blocks;
  const std::array sources{&sets.sources, &sets.options, &sets.used, &sets.others};
  for (std::size_t i = 0; i < sources.size(); ++i) {
    if (sources[i]->empty()) continue;
    const MatrixXd x = columns(*sources[i], samples, cardinalities_);
    blocks.parts[i] = x.transpose() * x;
  }
  const auto n = static_cast<Index>(samples.size());
  blocks.parts[Composition::same].resize(n, n);
  blocks.parts[Composition::alike].resize(n, n);
  for (Index i = 0; i < n; ++i) {
    for (Index j = 0; j < n; ++j) {
      const auto& a = samples[static_cast<std::size_t>(i)].choices;
      const auto& b = samples[static_cast<std::size_t>(j)].choices;
      double differ = 0;
      for (std::size_t c = 0; c < a.size(); ++c) differ += a[c] != b[c];
      if (!a.empty()) differ /= static_cast<double>(a.size());
      blocks.parts[Composition::same](i, j) = 1 - differ;
      blocks.parts[Composition::alike](i, j) = std::exp(-2 * differ);
    }
  }
  return blocks;
}

void FewShot::learn_prior(const DeviceSources& sources) {
  if (sources.columns().size() < 3) return;
  std::vector<std::vector<double>> likelihoods;
  Rng rng(2);
  for (const SourceColumn& column : sources.columns()) {
    const CoordinateSets sets = sources.coordinates(column.device);
    if (sets.sources.empty()) continue;
    std::vector<std::size_t> known = known_rows(column);
    rng.shuffle(known);
    std::size_t next = 0;
    for (const std::size_t size : kEpisodes) {
      if (next + size > known.size()) break;
      std::vector<Architecture> samples;
      VectorXd values(static_cast<Index>(size));
      for (std::size_t i = 0; i < size; ++i, ++next) {
        samples.push_back(sources.population()[known[next]]);
        values[static_cast<Index>(i)] = column.values[known[next]];
      }
      values.array() -= values.mean();
      const Blocks parts = blocks(samples, sets);
      std::vector<double>& row = likelihoods.emplace_back();
      for (const Composition& c : compositions_)
        row.push_back(parts.evidence(c, values).log_likelihood);
    }
  }
  const std::vector<double> weights = mixture_weights(likelihoods, compositions_.size());
  for (std::size_t h = 0; h < weights.size(); ++h) log_prior_[h] = std::log(weights[h]);
}

DeviceModel FewShot::compose(const Composition& c, const CoordinateSets& from) const {
  DeviceModel model;
  model.cardinalities = cardinalities_;
  const std::array sets{&from.sources, &from.options, &from.used, &from.others};
  for (std::size_t i = 0; i < sets.size(); ++i) {
    if (c.shares[i] < 1e-9) continue;
    for (Coordinate coordinate : *sets[i]) {
      coordinate.multiply(std::sqrt(c.shares[i]));
      model.coordinates.push_back(std::move(coordinate));
    }
  }
  model.same = c.shares[Composition::same];
  model.alike = c.shares[Composition::alike];
  model.level = kLevel;
  model.noise = c.noise;
  return model;
}

// What some samples say of the compositions.
struct FewShot::Belief {
  Composition composition;  // the mean of their covariances
  double centre = 0;
  double log_evidence = 0;  // of the values, whether logarithms are modelled or not
};

FewShot::Belief FewShot::believe(const Blocks& parts, std::span<const double> values,
                                 bool logarithm) const {
  VectorXd y = Eigen::Map<const VectorXd>(values.data(), static_cast<Index>(values.size()));
  double jacobian = 0;
  if (logarithm) {
    y = y.array().log();
    jacobian = -y.sum();
  }
  Belief belief;
  belief.centre = y.mean();
  y.array() -= belief.centre;
  std::vector<double> logs, variances;
  for (std::size_t h = 0; h < compositions_.size(); ++h) {
    const Blocks::Evidence e = parts.evidence(compositions_[h], y);
    logs.push_back(e.log_likelihood + log_prior_[h]);
    variances.push_back(e.variance);
  }
  const double total = log_sum(logs);
  belief.log_evidence = total + jacobian;
  std::vector<double> weights;
  for (std::size_t h = 0; h < logs.size(); ++h)
    weights.push_back(std::exp(logs[h] - total) * variances[h]);
  belief.composition = mean_composition(compositions_, weights);
  return belief;
}

// The ridge on option counts, as a line.
struct FewShot::Line {
  RidgeRows::Fit fit;
  Coordinate coordinate;
};

FewShot::Line FewShot::line(std::span<const Architecture> samples, std::span<const double> values,
                            const std::vector<Coordinate>& counts) const {
  const MatrixXd x = columns(counts, samples, cardinalities_);
  Line line{RidgeRows({x.data(), static_cast<std::size_t>(x.size())}, counts.size()).fit(values),
            {"line", 0, {}, {}, {}}};
  line.coordinate.constant = line.fit.intercept;
  for (std::size_t k = 0; k < counts.size(); ++k)
    line.coordinate.add(counts[k], line.fit.weights[k]);
  return line;
}

// The samples of a model that has all else; its line, and its scale by the left-out errors.
void FewShot::set_samples(DeviceModel& model, std::span<const Architecture> samples,
                          std::span<const double> values, const CoordinateSets& sets) const {
  samples = samples.first(std::min(samples.size(), kMostSamples));
  values = values.first(samples.size());
  model.samples.assign(samples.begin(), samples.end());
  model.values.assign(values.begin(), values.end());
  model.lowest = *std::min_element(values.begin(), values.end()) / 2;
  const DevicePredictor predictor(model);
  std::vector<double> left_out = means(predictor.left_out());
  if (!sets.options.empty() && samples.size() >= 2 * (sets.options.size() + 1)) {
    const Line other = line(samples, values, sets.options);
    double error = 0;
    for (std::size_t i = 0; i < values.size(); ++i)
      error += (values[i] - left_out[i]) * (values[i] - left_out[i]) /
               static_cast<double>(values.size());
    if (other.fit.left_out_error < kLineMayBeWorseBy * error) {
      model.line = other.coordinate;
      model.line_share = 0.5;
      for (std::size_t i = 0; i < values.size(); ++i)
        left_out[i] += model.line_share * (other.fit.left_out[i] - left_out[i]);
    }
  }
  std::vector<double> errors;
  for (std::size_t i = 0; i < values.size(); ++i)
    errors.push_back((values[i] - left_out[i]) / predictor.left_out()[i].stddev);
  const double size = model.logarithm ? 1 : std::fabs(model.centre);
  model.scale =
      errors.size() < 2 ? size : std::max(calibration(errors) * spread(errors.size()), 1e-9 * size);
}

DeviceModel FewShot::fit_on(const CoordinateSets& sets, std::span<const Architecture> samples,
                            std::span<const double> values, bool logarithms) const {
  const std::size_t some = std::min(samples.size(), kSamplesToCompose);
  const Blocks parts = blocks(samples.first(some), sets);
  const Belief plain = believe(parts, values.first(some), false);
  const Belief logarithmic = believe(parts, values.first(some), true);
  logarithms = logarithms || logarithmic.log_evidence > plain.log_evidence + kLogarithmMustWinBy;
  const Belief& best = logarithms ? logarithmic : plain;
  DeviceModel model = compose(best.composition, sets);
  model.logarithm = logarithms;
  model.centre = best.centre;
  set_samples(model, samples, values, sets);
  return model;
}

DeviceModel FewShot::fit(std::span<const Architecture> samples, std::span<const double> values,
                         bool logarithms) const {
  return fit_on(sets_, samples, values, logarithms);
}

DeviceModel FewShot::fit_option_counts(std::span<const Architecture> samples,
                                       std::span<const double> values) const {
  Composition composition;
  composition.noise = 1;
  if (!sets_.options.empty()) {
    composition.shares[Composition::options] = 1;
    composition.noise = std::max(line(samples, values, sets_.options).fit.penalty, 1e-9);
  }
  DeviceModel model = compose(composition, sets_);
  model.level = 100;  // the mean is free
  model.centre =
      std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  set_samples(model, samples, values, {});
  return model;
}

double FewShot::spread(std::size_t samples) const {
  return 1 + (spread_ - 1) *
                 std::min(1.0, static_cast<double>(kSpreadSamples) / static_cast<double>(samples));
}

// How far the 90 % intervals of models of the sources, each learned from a few of its values and
// the other sources, must be widened to hold nine in ten of the rest.
void FewShot::learn_spread(const DeviceSources& sources) {
  std::vector<double> errors;
  const double assumed = spread_;
  spread_ = 1;
  Rng rng(3);
  for (const SourceColumn& column : sources.columns()) {
    const CoordinateSets sets = sources.coordinates(column.device);
    std::vector<std::size_t> rows = known_rows(column);
    if (sets.sources.empty() || rows.size() < 4 * kSpreadSamples) continue;
    rng.shuffle(rows);
    std::vector<Architecture> samples;
    std::vector<double> values;
    for (std::size_t i = 0; i < kSpreadSamples; ++i) {
      samples.push_back(sources.population()[rows[i]]);
      values.push_back(column.values[rows[i]]);
    }
    const DevicePredictor predictor(fit_on(sets, samples, values, false));
    for (std::size_t i = kSpreadSamples; i < std::min<std::size_t>(rows.size(), 100); ++i) {
      const Prediction p = predictor.predict(sources.population()[rows[i]]);
      errors.push_back(std::fabs(column.values[rows[i]] - p.mean) / p.stddev);
    }
  }
  spread_ = assumed;
  if (errors.size() < 200) return;
  const auto at = errors.begin() + static_cast<std::ptrdiff_t>(kInterval * errors.size());
  std::nth_element(errors.begin(), at, errors.end());
  spread_ = std::clamp(*at / kIntervalStddevs, 1.0, 3.0);
}

// Before anything is measured.
Composition FewShot::usual() const {
  std::vector<double> weights;
  for (const double log_weight : log_prior_) weights.push_back(std::exp(log_weight));
  return mean_composition(compositions_, weights);
}

std::vector<std::size_t> FewShot::choose(std::span<const Architecture> measured,
                                         std::span<const Architecture> candidates,
                                         std::size_t number) const {
  std::vector<Architecture> all(candidates.begin(), candidates.end());
  all.insert(all.end(), measured.begin(), measured.end());
  Composition composition = usual();
  composition.noise = std::max(composition.noise, 1e-3);
  MatrixXd covariance = blocks(all, sets_).covariance(composition);
  covariance.diagonal().array() -= composition.noise;
  const auto size = static_cast<Index>(candidates.size());
  const auto observe = [&](Index at) {
    const VectorXd k = covariance.col(at);
    covariance.noalias() -= k * k.transpose() / (k[at] + composition.noise);
  };
  for (Index i = size; i < covariance.rows(); ++i) observe(i);
  std::vector<std::size_t> chosen;
  std::vector<bool> taken(candidates.size(), false);
  while (chosen.size() < std::min(number, candidates.size())) {
    Index best = -1;
    double most = -1;
    for (Index i = 0; i < size; ++i) {
      if (taken[static_cast<std::size_t>(i)]) continue;
      const double reduction =
          covariance.col(i).head(size).squaredNorm() / (covariance(i, i) + composition.noise);
      if (reduction > most * (1 + 1e-9)) {
        most = reduction;
        best = i;
      }
    }
    taken[static_cast<std::size_t>(best)] = true;
    chosen.push_back(static_cast<std::size_t>(best));
    observe(best);
  }
  return chosen;
}

}  // namespace hwnas
