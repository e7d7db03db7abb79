// Expected hypervolume improvement: how much a candidate of uncertain values would add to a front.
//
// Exact for independent marginals: the region that no point dominates is cut into boxes, and in a
// box every objective contributes a difference of E(t - X)+. With one objective this is ordinary
// expected improvement. All objectives are minimised; one to four of them. Values are finite.
// Sources: Emmerich et al. 2011, doi:10.1109/CEC.2011.5949880; Yang et al. 2019,
// doi:10.1007/s10898-019-00798-7; boxes in the number of Lacour et al. 2017,
// doi:10.1016/j.cor.2016.08.011. Const functions and free functions are thread-safe.
//
//   const UndominatedBoxes boxes(front, reference);  // once for a front
//   const std::array candidate{Marginal::normal(0.3, 0.02), Marginal::known(4e-3)};
//   const double gain = expected_improvement(boxes, candidate);
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace hwnas {

// An objective of a candidate: X is known, normal, or exp(Z) - shift with a normal Z.
struct Marginal {
  enum class Kind : std::uint8_t { known, normal, log_normal };

  static Marginal known(double value) { return {Kind::known, value, 0, 0}; }
  static Marginal normal(double mean, double stddev) { return {Kind::normal, mean, stddev, 0}; }
  static Marginal log_normal(double mean, double stddev, double shift) {
    return {Kind::log_normal, mean, stddev, shift};
  }

  Kind kind = Kind::known;
  double mean = 0, stddev = 0;  // of Z where log-normal; stddev >= 0
  double shift = 0;
};

// E max(0, t - X): exact to rounding relative to the value, also far in the tails.
double expected_shortfall(const Marginal& x, double t);

// P(X <= t).
double probability_below(const Marginal& x, double t);

// The region that no point of a front dominates, up to the reference, as disjoint boxes
// [lower, upper). With n points at most n + 1 boxes in two dimensions and 2n + 1 in three; in four
// their number grows as n^2 at worst.
class UndominatedBoxes {
 public:
  // Any points, row-major; those not below the reference in every objective do not matter.
  UndominatedBoxes(std::span<const double> points, std::span<const double> reference);

  std::size_t objectives() const { return objectives_; }
  std::size_t size() const { return boxes_.size(); }
  // Bounds of box i in an objective; lower may be -infinity.
  double lower(std::size_t i, std::size_t objective) const {
    return levels_[boxes_[i].lower[objective]];
  }
  double upper(std::size_t i, std::size_t objective) const {
    return levels_[boxes_[i].upper[objective]];
  }

 private:
  friend double expected_improvement(const UndominatedBoxes&, std::span<const Marginal>);

  struct Box {
    std::array<std::uint32_t, 4> lower{}, upper{};  // indices of levels
    friend auto operator<=>(const Box&, const Box&) = default;
  };
  struct Sweep;

  std::size_t objectives_;
  // Of each objective in turn: -infinity, the distinct coordinates in ascending order, the
  // reference. What depends on a coordinate only is thus computed once for all boxes.
  std::vector<double> levels_;
  std::vector<Box> boxes_;
};

// Expected hypervolume improvement; one marginal for each objective. Never negative. Takes about a
// microsecond for each twenty coordinates of uncertain objectives.
double expected_improvement(const UndominatedBoxes& boxes, std::span<const Marginal> candidate);

// Hypervolume that a point of known values would add.
double improvement(const UndominatedBoxes& boxes, std::span<const double> point);

}  // namespace hwnas
