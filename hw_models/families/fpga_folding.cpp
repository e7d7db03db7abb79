#include "hw_models/families/fpga_folding.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

namespace hwnas {
namespace {

// The divisors of each number up to kHighest, ascending.
class Divisors {
 public:
  static constexpr std::uint32_t kHighest = 32768;

  static std::span<const std::uint16_t> of(std::int64_t number) {
    static const Divisors table;
    // Beyond the table: the divisors of a part of the number divide it, too.
    while (number > kHighest) number = largest_part(number);
    const auto i = static_cast<std::size_t>(number);
    return {table.values_.data() + table.first_[i], table.first_[i + 1] - table.first_[i]};
  }

 private:
  Divisors() : first_(kHighest + 2) {
    for (std::uint32_t d = 1; d <= kHighest; ++d)
      for (std::uint32_t n = d; n <= kHighest; n += d) ++first_[n + 1];
    for (std::uint32_t n = 1; n <= kHighest + 1; ++n) first_[n] += first_[n - 1];
    values_.resize(first_.back());
    std::vector<std::uint32_t> next(first_.begin(), first_.end() - 1);
    for (std::uint32_t d = 1; d <= kHighest; ++d)
      for (std::uint32_t n = d; n <= kHighest; n += d)
        values_[next[n]++] = static_cast<std::uint16_t>(d);
  }

  static std::int64_t largest_part(std::int64_t number) {
    for (std::int64_t factor = 2; factor * factor <= number; ++factor)
      if (number % factor == 0) return number / factor;
    return 1;
  }

  std::vector<std::uint32_t> first_;  // of each number, in values_
  std::vector<std::uint16_t> values_;
};

// The smallest divisor that is more than `quotient`, or the largest.
int divisor_above(std::span<const std::uint16_t> divisors, double quotient) {
  const auto at = std::upper_bound(divisors.begin(), divisors.end(), quotient,
                                   [](double q, std::uint16_t d) { return q < d; });
  return at == divisors.end() ? divisors.back() : *at;
}

int largest_divisor(std::span<const std::uint16_t> divisors, int highest) {
  const auto at = std::upper_bound(divisors.begin(), divisors.end(), highest);
  return at == divisors.begin() ? 1 : *(at - 1);
}

FpgaResources weights_in_bram(const FpgaEngine& engine) {
  FpgaResources r;
  r.bram18s = engine.weight_bram18s;
  return r;
}

// Moves weights out of block RAM, those first that save most of it for what they take elsewhere.
template <typename Elsewhere>
void spill(std::span<const FpgaEngine> engines, FpgaPlacement& placement,
           const FpgaResources& limit, Elsewhere elsewhere) {
  std::vector<std::pair<double, std::size_t>> order;
  for (std::size_t i = 0; i < engines.size(); ++i) {
    const double saved = placement.weights[i].bram18s;
    const FpgaResources there = elsewhere(engines[i]);
    if (saved > 0) order.emplace_back((there.luts + there.urams) / saved, i);
  }
  std::sort(order.begin(), order.end());
  for (const auto& [cost, i] : order) {
    if (placement.used.bram18s <= limit.bram18s) return;
    const FpgaResources there = elsewhere(engines[i]);
    if (placement.used.luts + there.luts > limit.luts ||
        placement.used.urams + there.urams > limit.urams)
      continue;
    placement.used.bram18s -= placement.weights[i].bram18s;
    placement.used.luts += there.luts;
    placement.used.urams += there.urams;
    placement.weights[i] = there;
  }
}

class Search {
 public:
  Search(std::span<FpgaEngine> engines, std::span<const char> fixed, int weight_stream_bits)
      : engines_(engines),
        fixed_(fixed),
        weight_stream_bits_(weight_stream_bits),
        folded_for_(engines.size(), 0) {}

  // Folds for the least cycles that fit, at least `floor`; where none do, as little as can be.
  bool run(const FpgaResources& limit, double floor) {
    limit_ = limit;
    if (!holds_weights()) return false;
    constexpr double kPrecision = 1.03, kStep = 1.6;
    double high = std::max(floor, least_cycles()) + 1;
    if (try_cycles(high)) return true;
    double most = high;
    for (const FpgaEngine& e : engines_)
      most = std::max({most, static_cast<double>(e.outputs) * static_cast<double>(e.n * e.k) + 1,
                       static_cast<double>(e.inputs) * static_cast<double>(e.n) + 1});
    double low = high;
    for (;;) {
      if (low >= most) {
        for (std::size_t i = 0; i < engines_.size(); ++i) fold(i, most);
        return false;
      }
      high = std::min(low * kStep, most);
      if (try_cycles(high)) break;
      low = high;
    }
    high = std::min(high, slowest() + 1);
    bool at_high = true;
    while (high > low * kPrecision) {
      const double middle = std::sqrt(low * high);
      at_high = try_cycles(middle);
      (at_high ? high : low) = at_high ? std::min(middle, slowest() + 1) : middle;
    }
    return at_high || try_cycles(high);
  }

 private:
  // Whether a design for so many cycles fits. If not, it may be left half folded.
  bool try_cycles(double cycles) {
    FpgaResources used;
    for (std::size_t i = 0; i < engines_.size(); ++i) {
      fold(i, cycles);
      used += engines_[i].logic;
      used.bram18s += engines_[i].weight_bram18s;
      if (used.luts > limit_.luts || used.dsps > limit_.dsps) return false;
    }
    return used.bram18s <= limit_.bram18s || place_weights(engines_, limit_).used.fits(limit_);
  }

  // Whether all weights fit all memory, were it filled without a gap.
  bool holds_weights() const {
    double bits = 0;
    for (const FpgaEngine& e : engines_)
      bits += static_cast<double>(e.weight_bits) * static_cast<double>(e.n * e.k);
    return bits <= limit_.bram18s * 18432 + limit_.urams * 294912 + limit_.luts * 64;
  }

  void fold(std::size_t i, double cycles) {
    FpgaEngine& e = engines_[i];
    // The least folding for more cycles is the least for these, too, if it is fast enough.
    const bool known = static_cast<double>(e.cycles) < cycles && cycles <= folded_for_[i];
    if (fixed_[i] || known) return;
    fold_for(e, cycles, weight_stream_bits_);
    folded_for_[i] = cycles;
  }

  // Cycles below which no design can fit, by its logic alone.
  double least_cycles() const {
    FpgaResources work;  // LUTs and DSPs times cycles
    double least = 1;
    for (std::size_t i = 0; i < engines_.size(); ++i) {
      if (fixed_[i]) continue;
      const FpgaEngine& e = engines_[i];
      least = std::max(least, static_cast<double>(std::max(e.outputs, e.inputs)));
      if (!e.has_weights()) continue;
      const double macs = static_cast<double>(e.outputs) * static_cast<double>(e.n * e.k);
      const double bits = e.weight_bits + e.activation_bits;
      work.luts += macs * bits;
      if (e.macs_per_dsp > 0) {
        work.dsps += macs / e.macs_per_dsp;
      } else {
        work.luts += macs * (2 * std::ceil(bits / 6) - 1) * bits;
      }
    }
    if (limit_.luts > 0) least = std::max(least, work.luts / limit_.luts);
    if (limit_.dsps > 0) least = std::max(least, work.dsps / limit_.dsps);
    return least;
  }

  double slowest() const {
    std::int64_t cycles = 0;
    for (const FpgaEngine& e : engines_) cycles = std::max(cycles, e.cycles);
    return static_cast<double>(cycles);
  }

  std::span<FpgaEngine> engines_;
  std::span<const char> fixed_;
  FpgaResources limit_;
  int weight_stream_bits_;
  std::vector<double> folded_for_;  // of each engine: the cycles of its last call of fold_for
};

}  // namespace

void fold_for(FpgaEngine& engine, double cycles, int weight_stream_bits) {
  const auto over_n = Divisors::of(engine.n);
  const double in = static_cast<double>(engine.inputs), out = static_cast<double>(engine.outputs);
  const double n = static_cast<double>(engine.n), k = static_cast<double>(engine.k);
  if (!engine.has_weights()) {
    engine.fold(divisor_above(over_n, n * std::max(in, out) / cycles), 1);
    return;
  }
  const auto over_k = Divisors::of(engine.k);
  const double products = out * n * k / cycles;  // in each cycle, at least
  // Outputs that share a DSP come first, then inputs.
  const int packed = divisor_above(over_n, std::min(products, engine.macs_per_dsp - 1));
  const int widest = largest_divisor(over_k, std::max(1, weight_stream_bits / engine.weight_bits));
  int simd = std::min(divisor_above(over_k, products / packed), widest);
  const int pe = std::max(packed, divisor_above(over_n, products / simd));
  if (static_cast<double>(pe) * simd <= products)
    simd = std::max(simd, divisor_above(over_k, products / pe));
  engine.fold(pe, simd);
  const auto taken = static_cast<double>(engine.inputs * engine.per_input);
  if (taken < cycles) return;
  if (engine.depthwise) {
    engine.fold(divisor_above(over_n, in * n / cycles), simd);
  } else {
    engine.fold(pe, divisor_above(over_k, in * static_cast<double>(engine.channels) / cycles));
  }
}

FpgaPlacement place_weights(std::span<const FpgaEngine> engines, const FpgaResources& limit) {
  FpgaPlacement placement;
  placement.weights.reserve(engines.size());
  for (const FpgaEngine& engine : engines) {
    placement.weights.push_back(weights_in_bram(engine));
    placement.used += engine.logic;
    placement.used += placement.weights.back();
  }
  if (placement.used.bram18s <= limit.bram18s) return placement;
  if (limit.urams > 0) {
    spill(engines, placement, limit, [](const FpgaEngine& engine) {
      FpgaResources r;
      r.urams = urams(engine.weight_depth(), engine.weight_width());
      return r;
    });
  }
  if (placement.used.bram18s > limit.bram18s) {
    spill(engines, placement, limit, [](const FpgaEngine& engine) {
      FpgaResources r;
      r.luts = lutram_luts(engine.weight_depth(), engine.weight_width());
      return r;
    });
  }
  return placement;
}

void fold_to_fit(std::span<FpgaEngine> engines, std::span<const char> fixed,
                 const FpgaResources& limit, double usable_share, int weight_stream_bits,
                 double floor_cycles) {
  if (std::find(fixed.begin(), fixed.end(), 0) == fixed.end()) return;
  FpgaResources usable = limit;
  usable.luts *= usable_share;
  usable.dsps *= usable_share;
  Search search(engines, fixed, weight_stream_bits);
  if (search.run(usable, floor_cycles)) return;
  if (usable_share < 1 && search.run(limit, floor_cycles)) return;
  usable.bram18s = usable.urams = std::numeric_limits<double>::infinity();
  search.run(usable, floor_cycles);
}

}  // namespace hwnas
