#include "search/pareto.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "search/value_order.h"
#include "space/rng.h"

namespace hwnas {
namespace {

using Points = std::vector<double>;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::span<const double> row(const Points& points, int m, std::size_t i) {
  return std::span(points).subspan(i * static_cast<std::size_t>(m), static_cast<std::size_t>(m));
}

// Whole numbers below `levels`: few levels mean many ties and duplicates, and exact volumes.
Points grid_points(Rng& rng, int n, int m, std::uint32_t levels) {
  Points points(static_cast<std::size_t>(n * m));
  for (double& value : points) value = rng.below(levels);
  return points;
}

// By definition: peel off the points that nothing left dominates.
std::vector<int> peel(const Points& points, int m) {
  const std::size_t n = points.size() / static_cast<std::size_t>(m);
  std::vector<int> ranks(n, -1);
  std::size_t left = n;
  for (int rank = 0; left > 0; ++rank) {
    std::vector<std::size_t> front;
    for (std::size_t i = 0; i < n; ++i) {
      bool dominated = ranks[i] >= 0;
      for (std::size_t j = 0; j < n && !dominated; ++j) {
        dominated = ranks[j] < 0 && dominates(row(points, m, j), row(points, m, i));
      }
      if (!dominated) front.push_back(i);
    }
    for (const std::size_t i : front) ranks[i] = rank;
    left -= front.size();
  }
  return ranks;
}

// By definition: counts the unit cells of [0, side)^m that some point is nowhere above.
double count_cells(const Points& points, int m, int side) {
  std::vector<double> cell(static_cast<std::size_t>(m), 0.0);
  const std::size_t n = points.size() / static_cast<std::size_t>(m);
  double cells = 0;
  for (;;) {
    for (std::size_t i = 0; i < n; ++i) {
      const auto point = row(points, m, i);
      if (std::equal(point.begin(), point.end(), cell.begin(), std::less_equal<>())) {
        ++cells;
        break;
      }
    }
    std::size_t k = 0;
    while (k < cell.size() && ++cell[k] == side) cell[k++] = 0;
    if (k == cell.size()) return cells;
  }
}

// The union of boxes by inclusion and exclusion.
double include_exclude(const Points& points, int m, const Points& reference) {
  const std::size_t n = points.size() / static_cast<std::size_t>(m);
  double total = 0;
  for (std::size_t subset = 1; subset < std::size_t{1} << n; ++subset) {
    double box = -1;
    for (std::size_t k = 0; k < reference.size(); ++k) {
      double low = -kInfinity;
      for (std::size_t i = 0; i < n; ++i) {
        if (subset >> i & 1) low = std::max(low, row(points, m, i)[k]);
      }
      box *= std::max(0.0, reference[k] - low);
    }
    total += std::popcount(subset) % 2 == 1 ? -box : box;
  }
  return total;
}

// Against std::sort: spread, tied, in one bucket but for an outlier, of a range beyond doubles.
TEST(OrderByValue, IsThatOfStdSort) {
  Rng rng(9);
  for (int round = 0; round < 600; ++round) {
    std::vector<std::pair<double, int>> expected(rng.below(300));
    std::vector<double> values(expected.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double x = rng.uniform();
      const double shapes[] = {
          x, std::floor(8 * x), i == 0 ? 1e300 : x, (2 * x - 1) * 1.7e308, x * 1e-320, 0.25};
      values[i] = shapes[round % 6];
      expected[i] = {values[i], -static_cast<int>(i)};
    }
    std::sort(expected.begin(), expected.end());
    const std::vector<Valued> order = order_by_value(
        values.size(), [&](std::size_t i) { return values[i]; }, std::greater<>());
    for (std::size_t k = 0; k < order.size(); ++k) {
      ASSERT_EQ(order[k].value, expected[k].first) << round;
      ASSERT_EQ(order[k].i, -expected[k].second) << round;  // of equal values the last first
    }
  }
}

TEST(Dominates, NowhereWorseAndSomewhereBetter) {
  EXPECT_TRUE(dominates(Points{1, 2}, Points{1, 3}));
  EXPECT_TRUE(dominates(Points{0, 0}, Points{1, 1}));
  EXPECT_FALSE(dominates(Points{1, 2}, Points{1, 2}));
  EXPECT_FALSE(dominates(Points{0, 2}, Points{1, 1}));
  EXPECT_FALSE(dominates(Points{1, 3}, Points{1, 2}));
}

TEST(NonDominatedSort, NoPointsAndOnePoint) {
  for (int m = 1; m <= 5; ++m) {
    EXPECT_THAT(non_dominated_sort({}, m), IsEmpty());
    EXPECT_THAT(non_dominated_sort(Points(static_cast<std::size_t>(m), 1.5), m), ElementsAre(0));
  }
}

TEST(NonDominatedSort, Example) {
  //  1 |  c       a and b form front 0; c is dominated by a only, d by c and a, e equals a.
  const Points points{0, 2, /*b*/ 1, 1, /*c*/ 0, 3, /*d*/ 2, 3, /*e*/ 0, 2};
  EXPECT_THAT(non_dominated_sort(points, 2), ElementsAre(0, 0, 1, 2, 0));
  EXPECT_THAT(pareto_front(points, 2), ElementsAre(0, 1, 4));
}

TEST(NonDominatedSort, EqualsPeelingOnRandomAndDegenerateSets) {
  Rng rng(1);
  for (int round = 0; round < 3000; ++round) {
    const int m = 1 + round % 5;
    const int n = static_cast<int>(rng.below(round % 25 ? 60 : 400));  // buckets from 64 on
    const std::uint32_t levels = 1 + rng.below(round % 2 ? 4 : 1000);
    const Points points = grid_points(rng, n, m, levels);
    const std::vector<int> expected = peel(points, m);
    ASSERT_EQ(non_dominated_sort(points, m), expected) << "round " << round << ", m " << m;
    std::vector<int> front;
    for (int i = 0; i < n; ++i) {
      if (expected[static_cast<std::size_t>(i)] == 0) front.push_back(i);
    }
    ASSERT_EQ(pareto_front(points, m), front) << "round " << round << ", m " << m;
  }
}

TEST(NonDominatedSort, ChainAndAntichain) {
  for (int m = 2; m <= 4; ++m) {
    Points chain, antichain;
    for (int i = 0; i < 50; ++i) {
      for (int k = 0; k < m; ++k) {
        chain.push_back(49 - i);
        antichain.push_back(k % 2 ? -i : i);
      }
    }
    std::vector<int> descending(50);
    for (int i = 0; i < 50; ++i) descending[static_cast<std::size_t>(i)] = 49 - i;
    EXPECT_EQ(non_dominated_sort(chain, m), descending);
    EXPECT_EQ(non_dominated_sort(antichain, m), std::vector<int>(50, 0));
  }
}

TEST(NonDominatedSort, NegativeZeroEqualsZero) {
  EXPECT_THAT(non_dominated_sort(Points{0.0, 1, -0.0, 1}, 2), ElementsAre(0, 0));
}

TEST(CrowdingDistance, Example) {
  // Ranges 4 and 10; the middle points: (2-0)/4 + (10-4)/10 and (4-1)/4 + (8-0)/10.
  const Points points{0, 10, 1, 8, 2, 4, 4, 0};
  EXPECT_THAT(crowding_distance(points, 2),
              ElementsAre(kInfinity, testing::DoubleEq(1.1), testing::DoubleEq(1.55), kInfinity));
}

TEST(CrowdingDistance, AnObjectiveOnWhichAllAgreeAddsNothing) {
  EXPECT_THAT(crowding_distance(Points{7, 0, 7, 1, 7, 4}, 2),
              ElementsAre(kInfinity, 1.0, kInfinity));
  EXPECT_THAT(crowding_distance(Points{7, 7, 7, 7}, 2), ElementsAre(0, 0));
  EXPECT_THAT(crowding_distance({}, 2), IsEmpty());
}

TEST(CrowdingDistance, OfEqualPointsOnlyTheOuterOnesAreExtreme) {
  EXPECT_THAT(crowding_distance(Points{0, 0, 0, 1}, 1), ElementsAre(kInfinity, 0, 1, kInfinity));
}

TEST(Hypervolume, Examples) {
  EXPECT_EQ(hypervolume({}, Points{1, 1}), 0);
  EXPECT_EQ(hypervolume(Points{3, 2}, Points{5}), 3);
  EXPECT_EQ(hypervolume(Points{1, 3, 2, 2, 3, 1}, Points{4, 4}), 6);     // 3 + 2 + 1 columns
  EXPECT_EQ(hypervolume(Points{0, 0, 1, 1, 1, 0}, Points{2, 2, 2}), 5);  // 4 + 2 - 1
}

TEST(Hypervolume, PointsOnOrBeyondTheReferenceAddNothing) {
  for (std::size_t m = 1; m <= 5; ++m) {
    const Points reference(m, 2.0);
    Points points(m, 1.0);
    for (const double outside : {2.0, 3.0, kInfinity}) {
      points.resize(2 * m, -5.0);
      points.back() = outside;
      EXPECT_EQ(hypervolume(points, reference), 1) << m;
      EXPECT_EQ(hypervolume(std::span(points).subspan(m), reference), 0) << m;
    }
  }
}

TEST(Hypervolume, EqualsCountedCells) {
  Rng rng(2);
  for (int round = 0; round < 4000; ++round) {
    const int m = 1 + round % 5;
    const int side = m == 5 ? 5 : 7;
    const int n = static_cast<int>(rng.below(m == 5 ? 20 : 40));
    // One level beyond the reference, so that some points lie on it and some behind it.
    const Points points = grid_points(rng, n, m, static_cast<std::uint32_t>(side) + 2);
    const Points reference(static_cast<std::size_t>(m), side);
    ASSERT_EQ(hypervolume(points, reference), count_cells(points, m, side))
        << "round " << round << ", m " << m;
  }
}

TEST(Hypervolume, EqualsInclusionAndExclusion) {
  Rng rng(3);
  for (int round = 0; round < 1000; ++round) {
    const int m = 1 + round % 6;
    const std::size_t n = 1 + rng.below(9);
    Points points(n * static_cast<std::size_t>(m));
    for (double& value : points) value = rng.uniform();
    const Points reference(static_cast<std::size_t>(m), 0.9);
    const double expected = include_exclude(points, m, reference);
    ASSERT_NEAR(hypervolume(points, reference), expected, 1e-12)
        << "round " << round << ", m " << m;
  }
}

TEST(Hypervolume, DoesNotDependOnTheOrderOfPoints) {
  Rng rng(4);
  for (int m = 2; m <= 5; ++m) {
    std::vector<Points> rows(60, Points(static_cast<std::size_t>(m)));
    const Points reference(static_cast<std::size_t>(m), 30.0);
    double first = -1;
    for (Points& point : rows) {
      for (double& value : point) value = rng.below(30);
    }
    for (int round = 0; round < 20; ++round) {
      rng.shuffle(rows);
      Points points;
      for (const Points& point : rows) points.insert(points.end(), point.begin(), point.end());
      const double volume = hypervolume(points, reference);
      if (round == 0) first = volume;
      ASSERT_EQ(volume, first) << m;
    }
  }
}

TEST(Knee, FarthestFromTheLineThroughTheExtremes) {
  EXPECT_EQ(knee({}, 2), -1);
  EXPECT_EQ(knee(Points{5, 5}, 2), 0);
  EXPECT_EQ(knee(Points{0, 100, 1, 20, 4, 10, 10, 0}, 2), 1);  // sums 1, 0.3, 0.5, 1
  EXPECT_EQ(knee(Points{0, 1, 0.5, 0.5, 1, 0}, 2), 0);         // a straight front: the first
  EXPECT_EQ(knee(Points{0, 1, 1, 1, 0, 1, 1, 1, 0, 0.3, 0.3, 0.3}, 3), 3);
  EXPECT_EQ(knee(Points{3, 1, 3, 0}, 2), 1);  // an objective on which all agree does not count
}

}  // namespace
}  // namespace hwnas
