// FrontTracker: the front of a run as it grows, and its hypervolume.
// Internal to search/engine. Not thread-safe.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace hwnas {

class FrontTracker {
 public:
  // As RunSettings has them: minimised. Where one is missing or not finite there is no hypervolume.
  FrontTracker(std::span<const double> ideal, std::span<const double> reference);

  void add(std::span<const double> point);    // minimised; always of the same size
  std::size_t size() const { return size_; }  // of the front; equal points count each

  // Share of the box between ideal and reference that the front dominates, [0, 1]. Points beyond
  // the ideal count as on it. Computed where the front has changed since the last call.
  double hypervolume();

 private:
  std::vector<double> ideal_, reference_;
  std::vector<double> points_;  // row-major
  std::size_t size_ = 0;
  double hypervolume_ = 0;
  bool changed_ = false;
};

}  // namespace hwnas
