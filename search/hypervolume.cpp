// Exact hypervolume: dimension sweeps up to three objectives, above by exclusive volumes. With the
// points in descending order of the last objective,
//   HV = sum_i (r_m - p_im) * [box(p_i) - HV of the later points clipped to p_i],
// where what is in brackets has m-1 dimensions, because every later point, clipped to p_i, agrees
// with it in the last objective (WFG, While et al. 2012).
#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>

#include "search/pareto.h"
#include "search/staircase.h"

namespace hwnas {
namespace {

struct Point3 {
  double x, y, z;
};

double volume_2d(std::vector<std::pair<double, double>> points, std::span<const double> reference) {
  std::sort(points.begin(), points.end());
  double area = 0, ceiling = reference[1];
  for (const auto& [x, y] : points) {
    if (y >= ceiling) continue;
    area += (reference[0] - x) * (ceiling - y);
    ceiling = y;
  }
  return area;
}

bool lower(const Point3& a, const Point3& b) {
  return a.z < b.z;
}

// Volume of what `points`, in ascending z and clipped to `low`, dominate below `reference`.
double clipped_volume(std::span<const Point3> points, const Point3& low, const Point3& reference,
                      Staircase& stairs) {
  stairs.clear();
  double volume = 0, area = 0, height = low.z;
  for (const Point3& point : points) {
    const double z = std::max(point.z, low.z);
    volume += area * (z - height);
    height = z;
    if (point.x <= low.x && point.y <= low.y) {  // from here up everything is dominated
      return volume + (reference.x - low.x) * (reference.y - low.y) * (reference.z - z);
    }
    area += stairs.insert(std::max(point.x, low.x), std::max(point.y, low.y),
                          {reference.x, reference.y});
  }
  return volume + area * (reference.z - height);
}

double volume_3d(std::vector<Point3> points, const Point3& reference) {
  if (points.empty()) return 0;
  std::sort(points.begin(), points.end(), lower);
  Point3 low = points.front();
  for (const Point3& point : points)
    low = {std::min(low.x, point.x), std::min(low.y, point.y), low.z};
  Staircase stairs;
  return clipped_volume(points, low, reference, stairs);
}

// Upwards in the fourth objective: the volume that each point adds to those below it lasts up to
// the reference. `floor` holds the non-dominated points so far, in ascending z.
double volume_4d(std::span<const double> points, std::span<const double> reference) {
  const Point3 corner{reference[0], reference[1], reference[2]};
  std::vector<std::size_t> order(points.size() / 4);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t i, std::size_t j) { return points[4 * i + 3] < points[4 * j + 3]; });
  std::vector<Point3> floor;
  Staircase stairs;
  double volume = 0;
  for (const std::size_t i : order) {
    const double* p = &points[4 * i];
    const Point3 point{p[0], p[1], p[2]};
    const double box = (corner.x - point.x) * (corner.y - point.y) * (corner.z - point.z);
    const double added = box - clipped_volume(floor, point, corner, stairs);
    if (added <= 0) continue;
    volume += added * (reference[3] - p[3]);
    const auto at = std::lower_bound(floor.begin(), floor.end(), point, lower);
    const auto kept = std::remove_if(at, floor.end(), [&](const Point3& other) {
      return point.x <= other.x && point.y <= other.y;
    });
    floor.erase(kept, floor.end());
    floor.insert(at, point);
  }
  return volume;
}

// Points that strictly dominate the reference, row-major.
double volume(std::span<const double> points, std::span<const double> reference);

std::vector<double> non_dominated(std::span<const double> points, std::size_t m) {
  std::vector<double> kept;
  for (const int i : pareto_front(points, static_cast<int>(m))) {
    const double* row = &points[static_cast<std::size_t>(i) * m];
    kept.insert(kept.end(), row, row + m);
  }
  return kept;
}

double volume_many(std::span<const double> points, std::span<const double> reference) {
  const std::size_t m = reference.size(), last = m - 1;
  std::vector<std::size_t> order(points.size() / m);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t i, std::size_t j) {
    return points[m * i + last] > points[m * j + last];
  });
  double total = 0;
  std::vector<double> clipped;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const double* point = &points[m * order[i]];
    double box = 1;
    for (std::size_t k = 0; k < last; ++k) box *= reference[k] - point[k];
    clipped.clear();
    for (std::size_t j = i + 1; j < order.size(); ++j) {
      for (std::size_t k = 0; k < last; ++k) {
        clipped.push_back(std::max(points[m * order[j] + k], point[k]));
      }
    }
    const double shared = volume(non_dominated(clipped, last), reference.first(last));
    total += (reference[last] - point[last]) * (box - shared);
  }
  return total;
}

double volume(std::span<const double> points, std::span<const double> reference) {
  if (points.empty()) return 0;
  switch (reference.size()) {
    case 1:
      return reference[0] - *std::min_element(points.begin(), points.end());
    case 2: {
      std::vector<std::pair<double, double>> pairs;
      for (std::size_t i = 0; i < points.size(); i += 2)
        pairs.emplace_back(points[i], points[i + 1]);
      return volume_2d(std::move(pairs), reference);
    }
    case 3: {
      std::vector<Point3> triples;
      for (std::size_t i = 0; i < points.size(); i += 3) {
        triples.push_back({points[i], points[i + 1], points[i + 2]});
      }
      return volume_3d(std::move(triples), {reference[0], reference[1], reference[2]});
    }
    case 4:
      return volume_4d(points, reference);
    default:
      return volume_many(points, reference);
  }
}

}  // namespace

double hypervolume(std::span<const double> points, std::span<const double> reference) {
  const std::size_t m = reference.size();
  assert(m >= 1 && points.size() % m == 0);
  std::vector<double> inside;
  inside.reserve(points.size());
  for (std::size_t i = 0; i < points.size(); i += m) {
    const auto row = points.subspan(i, m);
    const bool strictly = std::equal(row.begin(), row.end(), reference.begin(), std::less<>());
    if (strictly) inside.insert(inside.end(), row.begin(), row.end());
  }
  return volume(inside, reference);
}

double hypervolume_share(std::span<const double> points, std::span<const double> ideal,
                         std::span<const double> reference) {
  const std::size_t m = reference.size();
  if (m == 0 || ideal.size() != m) return 0;
  for (std::size_t j = 0; j < m; ++j) {
    if (!std::isfinite(ideal[j]) || !std::isfinite(reference[j]) || !(reference[j] > ideal[j]))
      return 0;
  }
  std::vector<double> scaled(points.size());
  for (std::size_t i = 0; i < points.size(); ++i) {
    const std::size_t j = i % m;
    scaled[i] = std::max(0.0, (points[i] - ideal[j]) / (reference[j] - ideal[j]));
  }
  return hypervolume(scaled, std::vector<double>(m, 1.0));
}

}  // namespace hwnas
