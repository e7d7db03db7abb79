// Staircase: the non-dominated points of a growing set in the plane, both coordinates minimised.
//
// Serves the sweeps of sorting and hypervolume in three dimensions. A sorted array: lookup in
// O(log k), insertion in O(k) but with the constant of memmove, which beats a balanced tree up to
// tens of thousands of steps. Not thread-safe.
#pragma once

#include <algorithm>
#include <vector>

namespace hwnas {

class Staircase {
 public:
  struct Step {
    double x = 0, y = 0;
  };

  // Some point of the set is nowhere greater than (x, y).
  bool covers(double x, double y) const {
    const std::size_t right = first_right_of(x);
    return right > 0 && steps_[right - 1].y <= y;
  }

  // Adds a point and returns the area that is covered by it and by no point before, up to `corner`
  // (which is nowhere less than any point): 0 where the point itself is covered.
  double insert(double x, double y, Step corner) {
    const std::size_t right = first_right_of(x);
    if (right > 0 && steps_[right - 1].y <= y) return 0;
    double area = 0, left = x;
    double ceiling = right > 0 ? steps_[right - 1].y : corner.y;
    std::size_t last = right;
    for (; last < steps_.size() && steps_[last].y >= y; ++last) {
      area += (steps_[last].x - left) * (ceiling - y);
      left = steps_[last].x;
      ceiling = steps_[last].y;
    }
    area += ((last < steps_.size() ? steps_[last].x : corner.x) - left) * (ceiling - y);
    const std::size_t first = right > 0 && steps_[right - 1].x == x ? right - 1 : right;
    replace(first, last, {x, y});
    return area;
  }

  void clear() { steps_.clear(); }

 private:
  std::size_t first_right_of(double x) const {
    const auto right = [](double value, const Step& step) { return value < step.x; };
    const auto found = std::upper_bound(steps_.begin(), steps_.end(), x, right);
    return static_cast<std::size_t>(found - steps_.begin());
  }

  void replace(std::size_t first, std::size_t last, Step step) {
    const auto at = steps_.begin() + static_cast<std::ptrdiff_t>(first);
    if (first == last) {
      steps_.insert(at, step);
    } else {
      *at = step;
      steps_.erase(at + 1, steps_.begin() + static_cast<std::ptrdiff_t>(last));
    }
  }

  std::vector<Step> steps_;  // x ascends, y descends, both strictly
};

}  // namespace hwnas
