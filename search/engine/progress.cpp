#include "search/engine/progress.h"

#include <algorithm>
#include <cmath>

#include "search/pareto.h"

namespace hwnas {

FrontTracker::FrontTracker(std::span<const double> ideal, std::span<const double> reference)
    : ideal_(ideal.begin(), ideal.end()), reference_(reference.begin(), reference.end()) {}

void FrontTracker::add(std::span<const double> point) {
  const std::size_t m = point.size();
  if (m == 0) return;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < size_; ++i) {
    const std::span<const double> other(points_.data() + i * m, m);
    // Nothing was dropped before this: a point of the front dominates no other of it.
    if (dominates(other, point)) return;
    if (dominates(point, other)) continue;
    if (kept != i)
      std::copy(other.begin(), other.end(),
                points_.begin() + static_cast<std::ptrdiff_t>(kept * m));
    ++kept;
  }
  points_.resize(kept * m);
  points_.insert(points_.end(), point.begin(), point.end());
  size_ = kept + 1;
  changed_ = true;
}

double FrontTracker::hypervolume() {
  if (!changed_) return hypervolume_;
  changed_ = false;
  return hypervolume_ = hypervolume_share(points_, ideal_, reference_);
}

}  // namespace hwnas
