// Pareto functions. All objectives are minimised; a point is one double per objective, all finite.
//
// Free functions, thread-safe. Points are given as a row-major matrix: `points[i * m + j]` is
// objective j of point i, with m objectives.
#pragma once

#include <span>
#include <vector>

namespace hwnas {

// a is nowhere worse than b and somewhere better.
bool dominates(std::span<const double> a, std::span<const double> b);

// Front number of every point: 0 for the non-dominated, 1 for those non-dominated without front 0,
// and so on. Equal points share a front. O(n log n) for m <= 2, O(n log^2 n) and the moves within
// sorted arrays for m = 3, else efficient non-dominated sort, O(m n^2) at worst.
std::vector<int> non_dominated_sort(std::span<const double> points, int m);

// Indices of front 0, ascending. Of equal points all are kept.
std::vector<int> pareto_front(std::span<const double> points, int m);

// Crowding distance of every point within the given set (Deb et al. 2002, doi:10.1109/4235.996017);
// infinite at the extremes of any objective (of equal values, by index). An objective on which all
// points agree adds nothing.
std::vector<double> crowding_distance(std::span<const double> points, int m);

// Exact volume dominated by the points and bounded by `reference` (m values). Points that are not
// below the reference in every objective add nothing. m = 1, 2, 3 in O(n log n), m = 4 in
// O(n^2 log n), more by exclusive volumes (WFG, While et al. 2012, doi:10.1109/TEVC.2010.2077298).
double hypervolume(std::span<const double> points, std::span<const double> reference);

// Hypervolume as a share of the box between `ideal` and `reference` (m values each), from 0 to 1:
// points beyond the ideal count as if on it. 0 where the box is not finite or has no width.
double hypervolume_share(std::span<const double> points, std::span<const double> ideal,
                         std::span<const double> reference);

// The knee of a front: with every objective scaled to [0, 1], the point farthest below the plane
// through the unit points, which for two objectives is the line through the front's extremes (Das
// 1999, doi:10.1007/s001580050111). That is the smallest sum; ties: the first. -1 for no points.
int knee(std::span<const double> points, int m);

}  // namespace hwnas
