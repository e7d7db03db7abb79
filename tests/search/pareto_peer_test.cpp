// The Pareto functions against pagmo2 (Biscani and Izzo 2020, doi:10.21105/joss.02338).
#include <gtest/gtest.h>

#include <cmath>
#include <pagmo/utils/hypervolume.hpp>
#include <pagmo/utils/multi_objective.hpp>

#include "search/pareto.h"
#include "space/rng.h"

namespace hwnas {
namespace {

using Rows = std::vector<pagmo::vector_double>;

enum class Shape { uniform, simplex, sphere, grid };

Rows make_rows(Shape shape, std::size_t n, std::size_t m, Rng& rng) {
  Rows rows(n, pagmo::vector_double(m));
  for (pagmo::vector_double& row : rows) {
    double length = 0;
    for (double& value : row) {
      value = shape == Shape::grid ? rng.below(4) / 4.0 : rng.uniform();
      length += shape == Shape::sphere ? value * value : value;
    }
    if (shape == Shape::simplex) {
      for (double& value : row) value /= length;
    } else if (shape == Shape::sphere) {
      for (double& value : row) value /= std::sqrt(length);
    }
  }
  return rows;
}

std::vector<double> flat(const Rows& rows) {
  std::vector<double> points;
  for (const pagmo::vector_double& row : rows) points.insert(points.end(), row.begin(), row.end());
  return points;
}

TEST(ParetoPeer, SortsAsPagmoDoes) {
  Rng rng(5);
  for (std::size_t m = 2; m <= 5; ++m) {
    for (const Shape shape : {Shape::uniform, Shape::simplex, Shape::sphere, Shape::grid}) {
      for (const std::size_t n : {2, 7, 50, 400}) {
        const Rows rows = make_rows(shape, n, m, rng);
        const auto expected = std::get<3>(pagmo::fast_non_dominated_sorting(rows));
        const std::vector<int> ranks = non_dominated_sort(flat(rows), static_cast<int>(m));
        ASSERT_EQ(std::vector<pagmo::pop_size_t>(ranks.begin(), ranks.end()), expected)
            << m << ' ' << n;
      }
    }
  }
}

TEST(ParetoPeer, HypervolumeAsPagmoDoes) {
  Rng rng(6);
  for (std::size_t m = 2; m <= 6; ++m) {
    for (const Shape shape : {Shape::uniform, Shape::simplex, Shape::sphere, Shape::grid}) {
      for (const std::size_t n : {1, 2, 7, 40, 120}) {
        if (m == 6 && n > 40) continue;
        const Rows rows = make_rows(shape, n, m, rng);
        const pagmo::vector_double reference(m, 1.1);
        const double expected = pagmo::hypervolume(rows).compute(reference);
        ASSERT_NEAR(hypervolume(flat(rows), reference), expected, 1e-12 * n) << m << ' ' << n;
      }
    }
  }
}

}  // namespace
}  // namespace hwnas
