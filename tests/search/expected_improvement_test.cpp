#include "search/expected_improvement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "search/pareto.h"
#include "space/rng.h"

namespace hwnas {
namespace {

using Points = std::vector<double>;
using Kind = Marginal::Kind;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Whole numbers: few levels mean ties and duplicates, some points lie on or beyond the reference.
Points grid_points(Rng& rng, std::size_t n, std::size_t m, std::uint32_t levels) {
  Points points(n * m);
  for (double& value : points) value = rng.below(levels);
  return points;
}

bool contains(const UndominatedBoxes& boxes, std::size_t i, const Points& point) {
  for (std::size_t k = 0; k < point.size(); ++k) {
    if (point[k] < boxes.lower(i, k) || point[k] >= boxes.upper(i, k)) return false;
  }
  return true;
}

double draw(const Marginal& x, Rng& rng) {
  const double z = x.mean + x.stddev * rng.normal();
  return x.kind == Kind::known ? x.mean : x.kind == Kind::normal ? z : std::exp(z) - x.shift;
}

// E max(0, t - X) by the trapezoidal rule over the normal Z, 12 deviations to either side.
double integrated_shortfall(const Marginal& x, double t) {
  constexpr int kSteps = 200000;
  double sum = 0;
  for (int i = 0; i <= kSteps; ++i) {
    const double u = -12 + 24.0 * i / kSteps;
    const double z = x.mean + x.stddev * u;
    const double gap = t - (x.kind == Kind::log_normal ? std::exp(z) - x.shift : z);
    if (gap > 0) sum += gap * std::exp(-0.5 * u * u);
  }
  return sum * 24 / kSteps / std::sqrt(2 * std::numbers::pi);
}

// Normal and log-normal marginals around the unit cube, now and then a known value.
Marginal any_marginal(Rng& rng) {
  const double value = 1.2 * rng.uniform() - 0.1, stddev = 0.05 + 0.3 * rng.uniform();
  switch (rng.below(3)) {
    case 0:
      return Marginal::known(value);
    case 1:
      return Marginal::normal(value, stddev);
    default:
      return Marginal::log_normal(std::log(value + 0.2), stddev, 0.2);
  }
}

TEST(ExpectedShortfall, Examples) {
  EXPECT_EQ(expected_shortfall(Marginal::known(2), 5), 3);
  EXPECT_EQ(expected_shortfall(Marginal::known(2), 2), 0);
  EXPECT_EQ(expected_shortfall(Marginal::known(2), 1), 0);
  // At t = m: s phi(0) = 3 / sqrt(2 pi). At t = m + s: s (Phi(1) + phi(1)) = 3 (0.8413 + 0.2420).
  EXPECT_NEAR(expected_shortfall(Marginal::normal(2, 3), 2), 3 * 0.3989422804014327, 1e-15);
  EXPECT_NEAR(expected_shortfall(Marginal::normal(2, 3), 5),
              3 * (0.8413447460685429 + 0.2419707245191434), 1e-15);
  // Z of mean 0 and deviation 1, t + shift = 1: d = 0, 1/2 - exp(1/2) Phi(-1).
  EXPECT_NEAR(expected_shortfall(Marginal::log_normal(0, 1, 4), -3),
              0.5 - std::exp(0.5) * 0.15865525393145707, 1e-15);
  EXPECT_EQ(expected_shortfall(Marginal::log_normal(0, 1, 4), -4), 0);
}

TEST(ExpectedShortfall, EqualsIntegration) {
  Rng rng(1);
  for (int round = 0; round < 60; ++round) {
    const double mean = 2 * rng.uniform() - 1, stddev = 0.05 + rng.uniform();
    const Marginal x = round % 2 ? Marginal::normal(mean, stddev)
                                 : Marginal::log_normal(mean, stddev, rng.uniform());
    const double t = 4 * rng.uniform() - 1;
    EXPECT_NEAR(expected_shortfall(x, t), integrated_shortfall(x, t), 1e-8) << round;
  }
}

// Down to where doubles end: positive, ascending, and what the asymptote of Mills' ratio says,
// psi(m + u s) = s phi(u) / u^2 (1 - 3/u^2 + 15/u^4 - 105/u^6 + ...).
TEST(ExpectedShortfall, CleanInTheTails) {
  const Marginal x = Marginal::normal(7, 0.5);
  double before = 0;
  for (double u = -38; u < -12; u += 0.25) {
    const double psi = expected_shortfall(x, 7 + 0.5 * u);
    const double phi = std::exp(-0.5 * u * u) / std::sqrt(2 * std::numbers::pi), v = 1 / (u * u);
    if (phi > 1e-300) {
      EXPECT_NEAR(psi / (0.5 * phi * v * (1 - 3 * v + 15 * v * v - 105 * v * v * v)), 1, 2e-5) << u;
    }
    EXPECT_GE(psi, before);
    before = psi;
  }
  EXPECT_EQ(expected_shortfall(x, -1e300), 0);
  EXPECT_EQ(expected_shortfall(x, 1e300), 1e300);
  for (const double u : {7.9, 8.0, 8.1, 30.0, 1000.0}) {
    EXPECT_DOUBLE_EQ(expected_shortfall(x, 7 + 0.5 * u), 0.5 * u);
  }
}

TEST(ExpectedShortfall, NeverNegativeNorNotANumber) {
  Rng rng(2);
  const auto any = [&] { return (rng.uniform() - 0.5) * std::exp(40 * rng.uniform() - 20); };
  for (int round = 0; round < 20000; ++round) {
    const Marginal x{static_cast<Kind>(rng.below(3)), any(), std::abs(any()), any()};
    const double psi = expected_shortfall(x, any());
    ASSERT_GE(psi, 0);
    const double probability = probability_below(x, any());
    ASSERT_TRUE(probability >= 0 && probability <= 1);
  }
}

TEST(ExpectedShortfall, WithoutDeviationAsIfKnown) {
  for (const double t : {-1.0, 0.0, 0.7, 0.70001, 3.0}) {
    EXPECT_EQ(expected_shortfall(Marginal::normal(0.7, 0), t), std::max(0.0, t - 0.7));
    EXPECT_NEAR(expected_shortfall(Marginal::normal(0.7, 1e-13), t), std::max(0.0, t - 0.7), 1e-13);
    const double log_value = std::log(0.9);  // exp(ln 0.9) - 0.2 = 0.7
    EXPECT_NEAR(expected_shortfall(Marginal::log_normal(log_value, 0, 0.2), t),
                std::max(0.0, t - 0.7), 1e-15);
    EXPECT_NEAR(expected_shortfall(Marginal::log_normal(log_value, 1e-13, 0.2), t),
                std::max(0.0, t - 0.7), 1e-13);
  }
}

TEST(ProbabilityBelow, Examples) {
  EXPECT_EQ(probability_below(Marginal::known(2), 2), 1);
  EXPECT_EQ(probability_below(Marginal::known(2), 1.9), 0);
  EXPECT_EQ(probability_below(Marginal::normal(2, 0), 2), 1);
  EXPECT_NEAR(probability_below(Marginal::normal(2, 3), 5), 0.8413447460685429, 1e-15);
  EXPECT_NEAR(probability_below(Marginal::log_normal(0, 1, 4), std::exp(1) - 4), 0.8413447460685429,
              1e-15);
  EXPECT_EQ(probability_below(Marginal::log_normal(0, 1, 4), -4), 0);
}

TEST(UndominatedBoxes, Example) {
  // Two points leave three strips: left of both, above (1, 3) nothing, above (2, 1) up to 3.
  const UndominatedBoxes boxes(Points{2, 1, 1, 3}, Points{4, 4});
  ASSERT_EQ(boxes.size(), 3u);
  const std::vector<Points> expected{
      {-kInfinity, -kInfinity, 4, 1}, {-kInfinity, 1, 2, 3}, {-kInfinity, 3, 1, 4}};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ((Points{boxes.lower(i, 0), boxes.lower(i, 1), boxes.upper(i, 0), boxes.upper(i, 1)}),
              expected[i]);
  }
}

TEST(UndominatedBoxes, WithoutPointsAllBelowTheReference) {
  for (std::size_t m = 1; m <= 4; ++m) {
    const Points reference(m, 3.0);
    for (const Points& points : {Points{}, Points(m, 3.0), Points(m, 5.0)}) {
      const UndominatedBoxes boxes(points, reference);
      ASSERT_EQ(boxes.size(), 1u);
      for (std::size_t k = 0; k < m; ++k) {
        EXPECT_EQ(boxes.lower(0, k), -kInfinity);
        EXPECT_EQ(boxes.upper(0, k), 3);
      }
    }
  }
}

// Every point is in one box where it is below the reference and undominated, else in none.
TEST(UndominatedBoxes, DisjointAndCovering) {
  Rng rng(3);
  for (int round = 0; round < 400; ++round) {
    const std::size_t m = 1 + static_cast<std::size_t>(round) % 4;
    const std::uint32_t levels = round % 3 ? 9 : 4;
    const Points points = grid_points(rng, rng.below(30), m, levels);
    const Points reference(m, levels - 1.0);
    const UndominatedBoxes boxes(points, reference);
    for (int probe = 0; probe < 100; ++probe) {
      Points point = grid_points(rng, 1, m, 2 * levels);
      for (double& value : point) value = value / 2 - 0.5;  // on corners, between them, below all
      bool free = std::all_of(point.begin(), point.end(),
                              [&](double value) { return value < reference[0]; });
      for (std::size_t i = 0; i < points.size() && free; i += m) {
        free = !std::equal(point.begin(), point.end(), points.begin() + static_cast<long>(i),
                           std::greater_equal<>());
      }
      int found = 0;
      for (std::size_t i = 0; i < boxes.size(); ++i) found += contains(boxes, i, point);
      ASSERT_EQ(found, free ? 1 : 0) << "round " << round;
    }
  }
}

TEST(UndominatedBoxes, FewInTwoAndThreeDimensions) {
  Rng rng(4);
  for (std::size_t m = 2; m <= 3; ++m) {
    Points points(200 * m);
    for (double& value : points) value = rng.uniform();
    const std::size_t front = pareto_front(points, static_cast<int>(m)).size();
    const UndominatedBoxes boxes(points, Points(m, 1.0));
    EXPECT_LE(boxes.size(), m == 2 ? front + 1 : 2 * front + 1);
  }
}

TEST(Improvement, IsTheDifferenceOfHypervolumes) {
  Rng rng(5);
  for (int round = 0; round < 4000; ++round) {
    const std::size_t m = 1 + static_cast<std::size_t>(round) % 4;
    const std::uint32_t levels = round % 3 ? 12 : 4;
    Points points = grid_points(rng, rng.below(25), m, levels);
    const Points reference(m, levels - 2.0), point = grid_points(rng, 1, m, levels);
    const double gain = improvement(UndominatedBoxes(points, reference), point);
    const double before = hypervolume(points, reference);
    points.insert(points.end(), point.begin(), point.end());
    ASSERT_EQ(gain, hypervolume(points, reference) - before) << "round " << round;
  }
}

TEST(ExpectedImprovement, OfOneObjectiveIsExpectedShortfall) {
  const UndominatedBoxes boxes(Points{5, 3, 4}, Points{10});
  const Marginal x = Marginal::normal(3.5, 0.8);
  EXPECT_DOUBLE_EQ(expected_improvement(boxes, {{x}}), expected_shortfall(x, 3));
}

TEST(ExpectedImprovement, EqualsMonteCarlo) {
  Rng rng(6);
  constexpr int kDraws = 20000;
  for (std::size_t m = 1; m <= 4; ++m) {
    for (int round = 0; round < 5; ++round) {
      Points front(m * 12), point(m);
      for (double& value : front) value = rng.uniform();
      const UndominatedBoxes boxes(front, Points(m, 0.9));
      std::vector<Marginal> candidate;
      for (std::size_t k = 0; k < m; ++k) candidate.push_back(any_marginal(rng));
      double sum = 0, squares = 0;
      for (int i = 0; i < kDraws; ++i) {
        for (std::size_t k = 0; k < m; ++k) point[k] = draw(candidate[k], rng);
        const double gain = improvement(boxes, point);
        sum += gain;
        squares += gain * gain;
      }
      const double mean = sum / kDraws;
      const double error = std::sqrt(std::max(0.0, squares / kDraws - mean * mean) / kDraws);
      EXPECT_NEAR(expected_improvement(boxes, candidate), mean, 4 * error + 1e-6)
          << "m " << m << ", round " << round;
    }
  }
}

// The midpoint rule on 400 x 400 nodes, 8 deviations to either side.
TEST(ExpectedImprovement, EqualsIntegration) {
  const Points front{0.2, 0.8, 0.4, 0.5, 0.7, 0.3}, reference{1, 1};
  const UndominatedBoxes boxes(front, reference);
  const Marginal a = Marginal::normal(0.45, 0.1), b = Marginal::log_normal(-0.7, 0.3, 0.1);
  constexpr int kNodes = 400;
  double sum = 0;
  for (int i = 0; i < kNodes; ++i) {
    for (int j = 0; j < kNodes; ++j) {
      const double u = 16 * (i + 0.5) / kNodes - 8, v = 16 * (j + 0.5) / kNodes - 8;
      const Points point{a.mean + a.stddev * u, std::exp(b.mean + b.stddev * v) - b.shift};
      sum += std::exp(-0.5 * (u * u + v * v)) * improvement(boxes, point);
    }
  }
  const double expected = sum * 256 / kNodes / kNodes / (2 * std::numbers::pi);
  EXPECT_NEAR(expected_improvement(boxes, {{a, b}}), expected, 1e-5 * expected);
}

TEST(ExpectedImprovement, WithoutDeviationIsImprovement) {
  Rng rng(7);
  for (int round = 0; round < 400; ++round) {
    const std::size_t m = 1 + static_cast<std::size_t>(round) % 4;
    Points front(m * 10), point(m);
    for (double& value : front) value = rng.uniform();
    std::vector<Marginal> candidate;
    for (double& value : point) {
      value = rng.uniform();
      candidate.push_back(rng.below(2) ? Marginal::normal(value, 1e-12)
                                       : Marginal::log_normal(std::log(value + 1), 1e-12, 1));
    }
    const UndominatedBoxes boxes(front, Points(m, 0.95));
    ASSERT_NEAR(expected_improvement(boxes, candidate), improvement(boxes, point), 1e-10);
  }
}

// The farther out, the less; a candidate in the far tail still ranks above one farther still.
TEST(ExpectedImprovement, RanksInTheFarTail) {
  const UndominatedBoxes boxes(Points{1, 3, 2, 2, 3, 1}, Points{4, 4});
  double before = kInfinity;
  for (double deviations = 0; deviations < 36; deviations += 1) {
    const std::array candidate{Marginal::normal(4 + 0.1 * deviations, 0.1), Marginal::known(0.5)};
    const double value = expected_improvement(boxes, candidate);
    EXPECT_GT(value, 0) << deviations;
    EXPECT_LT(value, before) << deviations;
    before = value;
  }
}

}  // namespace
}  // namespace hwnas
