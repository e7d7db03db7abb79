// Sorting into fronts. In lexicographic order no point is dominated by a later one, and a point
// that front k dominates is dominated by front k-1 too. So every point goes, in that order, to the
// first front that does not dominate it, found by bisection; what differs is how a front is asked.
#include <algorithm>
#include <cassert>
#include <utility>

#include "search/pareto.h"
#include "search/staircase.h"
#include "search/value_order.h"

namespace hwnas {
namespace {

using Row = const double*;

struct Sorter {
  std::span<const double> points;
  std::size_t m;
  int limit;               // fronts to tell apart; points beyond get this number
  std::vector<int> ranks;  // by point

  Row row(int i) const { return points.data() + static_cast<std::size_t>(i) * m; }
};

// By the first objective, mostly; the others break ties.
std::vector<Valued> lexicographic_order(const Sorter& sorter) {
  const auto first = [&](std::size_t i) { return *sorter.row(static_cast<int>(i)); };
  return order_by_value(sorter.ranks.size(), first, [&](int i, int j) {
    const Row p = sorter.row(i), q = sorter.row(j);
    for (std::size_t k = 1; k < sorter.m; ++k) {
      if (p[k] != q[k]) return p[k] < q[k];
    }
    return i < j;
  });
}

// Gives every point, in order, the front that place(row) finds; equal points share a front.
template <typename Place>
void assign(Sorter& sorter, Place place) {
  Row before = nullptr;
  int rank = 0;
  for (const auto& [first, i] : lexicographic_order(sorter)) {
    const Row row = sorter.row(i);
    if (!before || !std::equal(row, row + sorter.m, before)) rank = place(row);
    sorter.ranks[static_cast<std::size_t>(i)] = rank;
    before = row;
  }
}

// The first of `fronts` for which dominated(front) is false, a new one where all dominate; -1 past
// the limit.
template <typename Front, typename Dominated>
Front* find_front(std::vector<Front>& fronts, int limit, Dominated dominated) {
  const auto found = std::partition_point(fronts.begin(), fronts.end(), dominated);
  if (found != fronts.end()) return &*found;
  if (static_cast<int>(fronts.size()) == limit) return nullptr;
  return &fronts.emplace_back();
}

// std::upper_bound without a branch that the processor could guess wrong.
std::size_t count_up_to(const std::vector<double>& ascending, double limit) {
  const double* from = ascending.data();
  std::size_t left = ascending.size();
  while (left > 1) {
    const std::size_t half = left / 2;
    from += half & (std::size_t{0} - (from[half - 1] <= limit));  // half or nothing
    left -= half;
  }
  if (left == 1 && *from <= limit) ++from;
  return static_cast<std::size_t>(from - ascending.data());
}

// One objective, or two: of a front only the last, and lowest, second objective matters.
void sort_2d(Sorter& sorter) {
  std::vector<double> lowest;
  assign(sorter, [&](Row row) {
    const double y = row[sorter.m - 1];
    const std::size_t front = count_up_to(lowest, y);
    const int rank = static_cast<int>(front);
    if (rank == sorter.limit) return rank;
    if (front == lowest.size()) {
      lowest.push_back(y);
    } else {
      lowest[front] = y;
    }
    return rank;
  });
}

void sort_3d(Sorter& sorter) {
  std::vector<Staircase> fronts;
  assign(sorter, [&](Row row) {
    const double x = row[1], y = row[2];
    Staircase* front = find_front(fronts, sorter.limit,
                                  [&](const Staircase& stairs) { return stairs.covers(x, y); });
    if (!front) return sorter.limit;
    front->insert(x, y, {x, y});
    return static_cast<int>(front - fronts.data());
  });
}

// Efficient non-dominated sort (Zhang et al. 2015, doi:10.1109/TEVC.2014.2308305). A front is asked
// latest member first: that is the one most like the point. The first objective is in order
// already.
void sort_many(Sorter& sorter) {
  const std::size_t m = sorter.m - 1;
  std::vector<std::vector<double>> fronts;  // rows without the first objective
  assign(sorter, [&](Row row) {
    const Row point = row + 1;
    const auto dominated = [&](const std::vector<double>& front) {
      for (Row member = front.data() + front.size(); member != front.data();) {
        member -= m;
        std::size_t k = 0;
        while (k < m && member[k] <= point[k]) ++k;
        if (k == m) return true;
      }
      return false;
    };
    std::vector<double>* front = find_front(fronts, sorter.limit, dominated);
    if (!front) return sorter.limit;
    front->insert(front->end(), point, point + m);
    return static_cast<int>(front - fronts.data());
  });
}

std::vector<int> sorted(std::span<const double> points, int m, int limit) {
  assert(m >= 1 && points.size() % static_cast<std::size_t>(m) == 0);
  const auto width = static_cast<std::size_t>(m);
  Sorter sorter{points, width, limit, std::vector<int>(points.size() / width)};
  if (m <= 2) {
    sort_2d(sorter);
  } else if (m == 3) {
    sort_3d(sorter);
  } else {
    sort_many(sorter);
  }
  return std::move(sorter.ranks);
}

}  // namespace

std::vector<int> non_dominated_sort(std::span<const double> points, int m) {
  return sorted(points, m, static_cast<int>(points.size()));
}

std::vector<int> pareto_front(std::span<const double> points, int m) {
  const std::vector<int> ranks = sorted(points, m, 1);
  std::vector<int> front;
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    if (ranks[i] == 0) front.push_back(static_cast<int>(i));
  }
  return front;
}

}  // namespace hwnas
