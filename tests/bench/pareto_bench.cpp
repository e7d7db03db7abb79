// Times the Pareto functions and, on the same points in the same run, those of pagmo2. Prints CPU
// microseconds a call, the median of five interleaved repeats, and how many times faster ours is.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <functional>
#include <pagmo/config.hpp>
#include <pagmo/utils/hypervolume.hpp>
#include <pagmo/utils/multi_objective.hpp>

#include "search/pareto.h"
#include "space/rng.h"

namespace {

using Rows = std::vector<pagmo::vector_double>;

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double seconds_a_call(const std::function<void()>& call) {
  const double start = cpu_seconds();
  double elapsed = 0;
  int calls = 0;
  do {
    call();
    ++calls;
    elapsed = cpu_seconds() - start;
  } while (elapsed < 0.02);
  return elapsed / calls;
}

void compare(const char* what, std::size_t m, std::size_t n, const std::function<void()>& ours,
             const std::function<void()>& theirs) {
  std::array<double, 5> a{}, b{};
  for (std::size_t i = 0; i < a.size(); ++i) {
    a[i] = seconds_a_call(ours);
    b[i] = seconds_a_call(theirs);
  }
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  std::printf("%-12s m=%zu n=%-5zu  hwnas %10.2f us  pagmo %11.2f us  x%.1f\n", what, m, n,
              1e6 * a[2], 1e6 * b[2], b[2] / a[2]);
}

// Uniform in the cube, or on the simplex, where no point dominates another.
Rows make_rows(std::size_t n, std::size_t m, bool simplex, hwnas::Rng& rng) {
  Rows rows(n, pagmo::vector_double(m));
  for (pagmo::vector_double& row : rows) {
    double sum = 0;
    for (double& value : row) sum += value = -std::log(1 - rng.uniform());
    for (double& value : row) value = simplex ? value / sum : std::exp(-value);
  }
  return rows;
}

std::vector<double> flat(const Rows& rows) {
  std::vector<double> points;
  for (const pagmo::vector_double& row : rows) points.insert(points.end(), row.begin(), row.end());
  return points;
}

}  // namespace

int main() {
  hwnas::Rng rng(1);
  double sink = 0;
  std::printf("pagmo %s; CPU time, one thread\n", PAGMO_VERSION);
  for (std::size_t m = 2; m <= 4; ++m) {
    for (const std::size_t n : {32u, 200u, 1000u, 5000u}) {
      const Rows rows = make_rows(n, m, false, rng);
      const std::vector<double> points = flat(rows);
      compare(
          "sort uniform", m, n,
          [&] { sink += hwnas::non_dominated_sort(points, static_cast<int>(m))[0]; },
          [&] { sink += std::get<3>(pagmo::fast_non_dominated_sorting(rows))[0]; });
    }
  }
  for (std::size_t m = 2; m <= 5; ++m) {
    for (const std::size_t n : {100u, 500u, 1000u}) {
      if (m == 5 && n > 100) continue;
      const Rows rows = make_rows(n, m, true, rng);
      const std::vector<double> points = flat(rows), reference(m, 1.0);
      compare(
          "hv simplex", m, n, [&] { sink += hwnas::hypervolume(points, reference); },
          [&] { sink += pagmo::hypervolume(rows, false).compute(reference); });
    }
  }
  return sink < 0;  // uses the results, so that no call can be left out
}
