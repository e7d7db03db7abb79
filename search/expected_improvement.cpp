#include "search/expected_improvement.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <numbers>

#include "search/pareto.h"

namespace hwnas {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
// Beyond these deviations the tail is below the smallest double, and below half an ulp of 8.
constexpr double kLowest = -38.5, kHighest = 8;

double normal_density(double u) {
  return std::exp(-0.5 * u * u) * (std::numbers::inv_sqrtpi / std::numbers::sqrt2);
}

double normal_probability(double u) {
  return 0.5 * std::erfc(-u / std::numbers::sqrt2);
}

// Calls psi(t) = E max(0, t - X) for ascending t; what does not depend on t is computed once.
class Shortfall {
 public:
  explicit Shortfall(const Marginal& x)
      : x_(x), exponential_(x.kind == Marginal::Kind::log_normal) {
    if (exponential_) mean_ = std::exp(x.mean + 0.5 * x.stddev * x.stddev);
    known_ = !(x.stddev > 0) || x.kind == Marginal::Kind::known;
    value_ = exponential_ ? std::exp(x.mean) - x.shift : x.mean;
  }

  double operator()(double t) const {
    if (known_) return t > value_ ? t - value_ : 0;
    const double psi = exponential_ ? of_log_normal(t + x_.shift) : of_normal(t - x_.mean);
    return psi > 0 ? psi : 0;
  }

 private:
  double of_normal(double gap) const {
    const double u = gap / x_.stddev;
    if (u >= kHighest) return gap;
    if (u <= kLowest) return 0;
    return x_.stddev * (u * normal_probability(u) + normal_density(u));
  }

  double of_log_normal(double top) const {  // top = t + shift
    if (!(top > 0)) return 0;
    const double d = (std::log(top) - x_.mean) / x_.stddev;
    if (d <= kLowest) return 0;
    if (d - x_.stddev >= kHighest + 1) return top - mean_;
    return top * normal_probability(d) - mean_ * normal_probability(d - x_.stddev);
  }

  Marginal x_;
  bool exponential_;
  bool known_;
  double value_;     // where known
  double mean_ = 0;  // of exp(Z)
};

}  // namespace

double expected_shortfall(const Marginal& x, double t) {
  return Shortfall(x)(t);
}

double probability_below(const Marginal& x, double t) {
  const bool exponential = x.kind == Marginal::Kind::log_normal;
  if (exponential && !(t + x.shift > 0)) return 0;
  const double gap = (exponential ? std::log(t + x.shift) : t) - x.mean;
  if (x.kind == Marginal::Kind::known || !(x.stddev > 0)) return gap >= 0 ? 1 : 0;
  return normal_probability(gap / x.stddev);
}

// Upwards in the last objective, where only the points below matter: the boxes of one dimension
// less change at each new point, and every one of them spans the levels at which it is there.
struct UndominatedBoxes::Sweep {
  using Row = std::array<std::uint32_t, 4>;  // indices of levels

  Row floor, reference;

  // `rows` in ascending order of objective m - 1; the boxes come sorted.
  std::vector<Box> boxes(const std::vector<Row>& rows, std::size_t m) const {
    if (m == 1) return {{{floor[0]}, {rows.empty() ? reference[0] : rows.front()[0]}}};
    if (m == 2) return strips(rows);
    const std::size_t last = m - 1;
    std::vector<Row> below;
    std::vector<Box> closed, open = boxes(below, last), next;
    for (Box& box : open) box.lower[last] = floor[last];
    for (auto row = rows.begin(); row != rows.end();) {
      const std::uint32_t level = (*row)[last];
      for (; row != rows.end() && (*row)[last] == level; ++row) insert(below, *row, last - 1);
      next = boxes(below, last);
      advance(open, next, level, last, closed);
    }
    next.clear();
    advance(open, next, reference[last], last, closed);
    std::sort(closed.begin(), closed.end());
    return closed;
  }

 private:
  static void insert(std::vector<Row>& rows, const Row& row, std::size_t objective) {
    const auto at =
        std::upper_bound(rows.begin(), rows.end(), row,
                         [&](const Row& a, const Row& b) { return a[objective] < b[objective]; });
    rows.insert(at, row);
  }

  // Below each level the first objective may go up to the lowest of the points passed.
  std::vector<Box> strips(const std::vector<Row>& rows) const {
    std::vector<Box> result;
    std::uint32_t lowest = reference[0], from = floor[1];
    for (const Row& row : rows) {
      if (row[0] >= lowest) continue;
      if (row[1] > from) result.push_back({{floor[0], from}, {lowest, row[1]}});
      lowest = row[0];
      from = row[1];
    }
    result.push_back({{floor[0], from}, {lowest, reference[1]}});
    return result;
  }

  // At `level` of the last objective the boxes `next` take over, both sorted by the objectives
  // before: those of `open` that are not among them end here, those that are new begin.
  static void advance(std::vector<Box>& open, std::vector<Box>& next, std::uint32_t level,
                      std::size_t last, std::vector<Box>& closed) {
    auto old = open.begin();
    const auto flat = [&] {
      Box box = *old;
      box.lower[last] = 0;
      return box;
    };
    const auto close = [&] {
      old->upper[last] = level;
      closed.push_back(*old++);
    };
    for (Box& box : next) {
      while (old != open.end() && flat() < box) close();
      const bool lasts = old != open.end() && flat() == box;
      box.lower[last] = lasts ? old++->lower[last] : level;
    }
    while (old != open.end()) close();
    open.swap(next);
  }
};

UndominatedBoxes::UndominatedBoxes(std::span<const double> points,
                                   std::span<const double> reference)
    : objectives_(reference.size()) {
  const std::size_t m = objectives_;
  assert(m >= 1 && m <= 4 && points.size() % m == 0);
  std::vector<double> inside;
  for (std::size_t i = 0; i < points.size(); i += m) {
    const auto row = points.subspan(i, m);
    if (std::equal(row.begin(), row.end(), reference.begin(), std::less<>()))
      inside.insert(inside.end(), row.begin(), row.end());
  }
  const std::vector<int> front = pareto_front(inside, static_cast<int>(m));
  std::vector<Sweep::Row> rows(front.size());
  Sweep sweep{};
  for (std::size_t k = 0; k < m; ++k) {
    const auto value = [&](int i) { return inside[static_cast<std::size_t>(i) * m + k]; };
    sweep.floor[k] = static_cast<std::uint32_t>(levels_.size());
    levels_.push_back(-kInfinity);
    const auto first = static_cast<std::ptrdiff_t>(levels_.size());
    for (const int i : front) levels_.push_back(value(i));
    std::sort(levels_.begin() + first, levels_.end());
    levels_.erase(std::unique(levels_.begin() + first, levels_.end()), levels_.end());
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const auto found = std::lower_bound(levels_.begin() + first, levels_.end(), value(front[r]));
      rows[r][k] = static_cast<std::uint32_t>(found - levels_.begin());
    }
    sweep.reference[k] = static_cast<std::uint32_t>(levels_.size());
    levels_.push_back(reference[k]);
  }
  std::sort(rows.begin(), rows.end(),
            [&](const auto& a, const auto& b) { return a[m - 1] < b[m - 1]; });
  boxes_ = sweep.boxes(rows, m);
}

double expected_improvement(const UndominatedBoxes& boxes, std::span<const Marginal> candidate) {
  assert(candidate.size() == boxes.objectives_);
  const std::vector<double>& levels = boxes.levels_;
  std::vector<double> psi(levels.size());
  std::size_t i = 0;
  for (const Marginal& marginal : candidate) {
    const Shortfall shortfall(marginal);
    double highest = 0;  // psi never falls, whatever the rounding: no box counts negative
    for (psi[i++] = 0; i < levels.size() && levels[i] != -kInfinity; ++i) {
      const double value = shortfall(levels[i]);
      if (value > highest) highest = value;
      psi[i] = highest;
    }
  }
  double sum = 0;
  for (const UndominatedBoxes::Box& box : boxes.boxes_) {
    double product = 1;
    for (std::size_t k = 0; k < candidate.size(); ++k) {
      product *= psi[box.upper[k]] - psi[box.lower[k]];
    }
    sum += product;
  }
  return sum;
}

double improvement(const UndominatedBoxes& boxes, std::span<const double> point) {
  std::vector<Marginal> marginals;
  marginals.reserve(point.size());
  for (const double value : point) marginals.push_back(Marginal::known(value));
  return expected_improvement(boxes, marginals);
}

}  // namespace hwnas
