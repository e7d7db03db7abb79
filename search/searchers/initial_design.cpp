#include "search/searchers/initial_design.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <unordered_set>

#include "space/operators.h"

namespace hwnas {
namespace {

constexpr int kPerPlace = 8;      // candidates looked at for each that is chosen
constexpr int kGenerations = 30;  // of evolution towards the bounds
constexpr std::size_t kParents = 32;

struct Entrant {
  Genotype genotype;
  double violation = 0;
  double known = 0;  // the first objective that is known
  std::vector<double> scores;
  double merit = 0;
};

double first_known(const Prospect& prospect, std::span<const Aim> aims) {
  for (std::size_t i = 0; i < aims.size(); ++i) {
    if (aims[i].optimised && std::isfinite(prospect.values[i])) return prospect.values[i];
  }
  return 0;
}

class Draw {
 public:
  Draw(Prospector& prospector, std::span<const Aim> aims, std::span<const int> cardinalities,
       Rng& rng)
      : prospector_(prospector), aims_(aims), cardinalities_(cardinalities), rng_(rng) {}

  std::vector<Entrant> within_bounds(std::size_t count) {
    std::vector<Genotype> genotypes;
    for (std::size_t i = 0; i < count; ++i) genotypes.push_back(sample(cardinalities_, rng_));
    admit(std::move(genotypes));
    for (int g = 0; g < kGenerations && feasible() < count && !all_.empty(); ++g) breed(count);
    std::erase_if(all_, [](const Entrant& e) { return e.violation > 0; });
    if (all_.size() > count) all_.resize(count);
    return std::move(all_);
  }

 private:
  std::size_t feasible() const {
    return static_cast<std::size_t>(
        std::count_if(all_.begin(), all_.end(), [](const Entrant& e) { return e.violation <= 0; }));
  }

  void admit(std::vector<Genotype> genotypes) {
    const std::vector<const Prospect*> prospects = prospector_.look(genotypes);
    for (std::size_t i = 0; i < genotypes.size(); ++i) {
      const Prospect& p = *prospects[i];
      if (!p.possible || !met_.insert(p.fingerprint).second) continue;
      all_.push_back(
          {std::move(genotypes[i]), known_violation(p, aims_), first_known(p, aims_), {}, 0});
    }
  }

  // Where random candidates suffice, children only make up for duplicates among them.
  void breed(std::size_t count) {
    std::stable_sort(all_.begin(), all_.end(),
                     [](const Entrant& a, const Entrant& b) { return a.violation < b.violation; });
    const std::size_t good = std::max(feasible(), std::min(all_.size(), kParents));
    const double rate = 1.0 / static_cast<double>(std::max<std::size_t>(1, cardinalities_.size()));
    const auto parent = [&]() -> const Genotype& {
      return all_[rng_.below(static_cast<std::uint32_t>(good))].genotype;
    };
    std::vector<Genotype> children;
    for (std::size_t i = 0; i < count; ++i) {
      const Genotype& a = parent();
      const Genotype& b = parent();
      children.push_back(mutate(crossover(a, b, rng_), cardinalities_, rate, rng_));
    }
    admit(std::move(children));
  }

  Prospector& prospector_;
  std::span<const Aim> aims_;
  std::span<const int> cardinalities_;
  Rng& rng_;
  std::vector<Entrant> all_;
  std::unordered_set<std::uint64_t> met_;  // fingerprints; never iterated
};

// Missing scores rank last; without scores all are alike.
void set_merits(std::vector<Entrant>& entrants, const Prospector& prospector) {
  std::vector<Genotype> genotypes;
  for (const Entrant& entrant : entrants) genotypes.push_back(entrant.genotype);
  std::vector<std::vector<double>> found = prospector.scores(genotypes);
  for (std::size_t i = 0; i < entrants.size(); ++i) entrants[i].scores = std::move(found[i]);
  const std::size_t scores = entrants.empty() ? 0 : entrants[0].scores.size();
  const auto n = static_cast<double>(entrants.size());
  std::vector<std::size_t> order(entrants.size());
  for (std::size_t s = 0; s < scores; ++s) {
    const auto value = [&](std::size_t i) {
      const double v = entrants[i].scores[s];
      return std::isnan(v) ? -std::numeric_limits<double>::infinity() : v;
    };
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return value(a) < value(b); });
    for (std::size_t r = 0; r < order.size(); ++r) {
      entrants[order[r]].merit += std::log(static_cast<double>(r + 1) / n);
    }
  }
}

}  // namespace

double known_violation(const Prospect& prospect, std::span<const Aim> aims) {
  double violation = 0;
  for (std::size_t i = 0; i < aims.size(); ++i) {
    if (!(prospect.values[i] > aims[i].bound)) continue;
    const double excess = prospect.values[i] - aims[i].bound;
    violation += aims[i].bound == 0 ? excess : excess / std::fabs(aims[i].bound);
  }
  return violation;
}

std::vector<Genotype> initial_design(Prospector& prospector, std::span<const Aim> aims,
                                     std::span<const int> cardinalities, int count, Rng& rng) {
  const auto places = static_cast<std::size_t>(count);
  std::vector<Entrant> entrants =
      Draw(prospector, aims, cardinalities, rng).within_bounds(places * kPerPlace);
  set_merits(entrants, prospector);
  std::stable_sort(entrants.begin(), entrants.end(),
                   [](const Entrant& a, const Entrant& b) { return a.known < b.known; });
  const std::size_t strata = std::min(places, entrants.size());
  std::vector<Genotype> chosen;
  for (std::size_t s = 0; s < strata; ++s) {
    const auto at = [&](std::size_t stratum) {
      return entrants.begin() + static_cast<std::ptrdiff_t>(stratum * entrants.size() / strata);
    };
    const auto best = std::max_element(
        at(s), at(s + 1), [](const Entrant& a, const Entrant& b) { return a.merit < b.merit; });
    chosen.push_back(std::move(best->genotype));
  }
  rng.shuffle(chosen);  // a search that ends early has seen the whole range
  return chosen;
}

}  // namespace hwnas
