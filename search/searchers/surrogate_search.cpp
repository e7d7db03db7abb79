#include "search/searchers/surrogate_search.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <limits>
#include <set>
#include <span>
#include <utility>

#include "search/pareto.h"
#include "search/searchers/initial_design.h"
#include "space/operators.h"

namespace hwnas {
namespace {

constexpr std::size_t kPool = 800;   // candidates looked at for a batch
constexpr std::size_t kBeliefs = 8;  // most times that a batch is predicted anew
constexpr int kParentRanks = 2;      // fronts whose members have children
constexpr double kMargin = 0.1;      // of the range: how far beyond the worst a reference lies

}  // namespace

SurrogateSearch::SurrogateSearch(const SearcherOptions& options)
    : aims_(options.aims),
      outlook_(*options.outlook),
      prospector_(*options.outlook),
      rng_(options.seed),
      unasked_(options.cardinalities),
      initial_(options.initial_design) {
  assert(options.outlook && options.initial_design >= 1);
  objectives_ = static_cast<std::size_t>(
      std::count_if(aims_.begin(), aims_.end(), [](const Aim& aim) { return aim.optimised; }));
  assert(objectives_ >= 1 && objectives_ <= 4);
}

std::vector<Proposal> SurrogateSearch::ask(int n) {
  assert(n >= 1);
  prospector_.forget();
  const auto count = static_cast<std::size_t>(n);
  std::vector<Proposal> proposals;
  const auto take = [&](std::optional<Proposal> proposal) {
    if (proposal) proposals.push_back(std::move(*proposal));
    return proposals.size() < count && proposal;
  };
  while (take(propose_from_design())) continue;
  if (proposals.size() < count) propose_from_models(count - proposals.size(), proposals);
  while (proposals.size() < count && take(draw())) continue;
  return proposals;
}

void SurrogateSearch::tell(std::span<const Outcome> outcomes) {
  for (const Outcome& outcome : outcomes) {
    const auto found = index_.find(outcome.genotype);
    if (found == index_.end()) continue;
    Tried& tried = tried_[found->second];
    tried.id = outcome.id;
    tried.state = outcome.state;
    tried.rungs = outcome.rungs;
    for (std::size_t i = 0; i < outcome.values.size(); ++i) {
      if (std::isfinite(outcome.values[i])) tried.values[i] = outcome.values[i];
    }
  }
}

std::optional<Proposal> SurrogateSearch::propose_from_design() {
  if (!design_) {
    design_ = initial_design(prospector_, aims_, unasked_.cardinalities(), initial_, rng_);
  }
  while (!design_->empty()) {
    Genotype genotype = std::move(design_->back());
    design_->pop_back();
    if (claim(genotype)) return Proposal{std::move(genotype), {}, "design"};
  }
  return std::nullopt;
}

std::optional<Proposal> SurrogateSearch::draw() {
  std::optional<Genotype> genotype = unasked_.draw(rng_);
  if (!genotype) return std::nullopt;
  remember(*genotype);
  return Proposal{std::move(*genotype), {}, "sample"};
}

// False where the genotype was proposed before.
bool SurrogateSearch::claim(const Genotype& genotype) {
  if (!unasked_.claim(genotype)) return false;
  remember(genotype);
  return true;
}

void SurrogateSearch::remember(const Genotype& genotype) {
  const Prospect& prospect = *prospector_.look(std::span(&genotype, 1))[0];
  fingerprints_.insert(prospect.fingerprint);
  index_.emplace(genotype, tried_.size());
  Tried& tried = tried_.emplace_back(Tried{genotype, prospect.features, prospect.values, {}});
  tried.values.resize(aims_.size(), std::nan(""));
  for (const double value : tried.values) tried.learned.push_back(std::isnan(value));
}

// A model for each aim that trials told something of and the outlook does not know.
SurrogateSearch::Learned SurrogateSearch::learn() const {
  Learned learned(aims_.size());
  for (std::size_t j = 0; j < aims_.size(); ++j) learned[j] = learn(j);
  return learned;
}

// How many rungs have values of an aim that are not those of the end: none where all know it alike.
std::size_t SurrogateSearch::rungs_below(std::size_t aim) const {
  std::size_t rungs = 0;
  for (const Tried& tried : tried_) {
    if (tried.state != TrialState::complete) continue;
    for (std::size_t r = rungs; r < tried.rungs.size(); ++r) {
      if (tried.rungs[r][aim] != tried.values[aim]) rungs = r + 1;
    }
  }
  return rungs;
}

// With rungs a model for each, the cheapest first, and each over the one before it.
std::unique_ptr<LearnedAim> SurrogateSearch::learn(std::size_t aim) const {
  std::unique_ptr<LearnedAim> model;
  const std::size_t rungs = rungs_below(aim);
  for (std::size_t level = 0; level <= rungs; ++level) {
    std::vector<Features> samples;
    std::vector<double> values, below;
    for (const Tried& tried : tried_) {
      if (!tried.learned[aim] || tried.state == TrialState::running) continue;
      const bool counts = level < rungs ? tried.rungs.size() > level
                                        : rungs == 0 || tried.state != TrialState::stopped;
      if (!counts || (model && tried.rungs.size() < level)) continue;
      const double value = level < rungs ? tried.rungs[level][aim] : tried.values[aim];
      const double before = model ? tried.rungs[level - 1][aim] : 0;
      if (!std::isfinite(value) || !std::isfinite(before)) continue;
      samples.push_back(tried.features);
      values.push_back(value);
      below.push_back(before);
    }
    if (samples.empty()) break;
    const double reference = level == rungs ? aims_[aim].reference : std::nan("");
    model =
        std::make_unique<LearnedAim>(outlook_, samples, values, reference, std::move(model), below);
  }
  return model;
}

// Of the hypervolume: as given, else a little beyond the worst of the complete trials.
std::vector<double> SurrogateSearch::references() const {
  std::vector<double> references;
  for (std::size_t j = 0; j < objectives_; ++j) {
    double best = std::numeric_limits<double>::infinity(), worst = -best;
    for (const Tried& tried : tried_) {
      if (tried.state != TrialState::complete) continue;
      best = std::min(best, tried.values[j]);
      worst = std::max(worst, tried.values[j]);
    }
    double reference = aims_[j].reference;
    if (!std::isfinite(reference)) {
      reference = worst + std::max(kMargin * (worst - best), 1e-9 * std::fabs(worst));
    }
    references.push_back(std::min(reference, aims_[j].bound));
  }
  return references;
}

// The members of the first fronts; before anything is complete all that was told.
std::vector<const SurrogateSearch::Tried*> SurrogateSearch::parents() const {
  std::vector<const Tried*> parents, told;
  std::vector<double> points;
  for (const Tried& tried : tried_) {
    if (tried.state == TrialState::running || tried.state == TrialState::failed) continue;
    told.push_back(&tried);
    if (tried.state != TrialState::complete) continue;
    parents.push_back(&tried);
    points.insert(points.end(), tried.values.begin(),
                  tried.values.begin() + static_cast<std::ptrdiff_t>(objectives_));
  }
  if (parents.empty()) return told;
  const std::vector<int> ranks = non_dominated_sort(points, static_cast<int>(objectives_));
  std::vector<const Tried*> best;
  for (std::size_t i = 0; i < parents.size(); ++i) {
    if (ranks[i] < kParentRanks) best.push_back(parents[i]);
  }
  return best;
}

// Children of the front, and some at random: possible, within the known bounds, never tried, all
// different.
std::vector<SurrogateSearch::Member> SurrogateSearch::make_pool() {
  const std::vector<const Tried*> front = parents();
  const std::span<const int> cardinalities = unasked_.cardinalities();
  const double gene = 1.0 / static_cast<double>(std::max<std::size_t>(1, cardinalities.size()));
  const auto parent = [&]() -> const Tried& {
    return *front[rng_.below(static_cast<std::uint32_t>(front.size()))];
  };
  std::vector<Genotype> genotypes;
  std::vector<std::vector<TrialId>> parents_of;
  std::set<Genotype> different;
  for (std::size_t i = 0; i < kPool; ++i) {
    Genotype child;
    std::vector<TrialId> from;
    const double kind = rng_.uniform();
    if (front.empty() || kind < 0.1) {
      child = sample(cardinalities, rng_);
    } else if (kind < 0.8) {
      const Tried& a = parent();
      child = mutate(a.genotype, cardinalities, kind < 0.5 ? gene / 4 : 2 * gene, rng_);
      from = {a.id};
    } else {
      const Tried& a = parent();
      const Tried& b = parent();
      child = mutate(crossover(a.genotype, b.genotype, rng_), cardinalities, gene, rng_);
      from = {a.id, b.id};
    }
    if (index_.contains(child) || !different.insert(child).second) continue;
    genotypes.push_back(std::move(child));
    parents_of.push_back(std::move(from));
  }
  std::unordered_set<std::uint64_t> met = fingerprints_;
  std::vector<Member> pool;
  const std::vector<const Prospect*> prospects = prospector_.look(genotypes);
  for (std::size_t i = 0; i < genotypes.size(); ++i) {
    const Prospect& p = *prospects[i];
    if (!p.possible || known_violation(p, aims_) > 0 || !met.insert(p.fingerprint).second) continue;
    pool.push_back({std::move(genotypes[i]), &p, std::move(parents_of[i])});
  }
  return pool;
}

// One ask of the models: what they believe of a pool, and of what is on its way.
struct SurrogateSearch::Round {
  Learned learned;
  std::vector<Aim> aims;
  std::vector<double> reference;
  std::vector<double> front;  // complete trials and believed ones, row-major
  std::vector<Member> pool;
  std::vector<Features> features;
  std::vector<std::vector<Belief>> beliefs;  // of the pool, one row for each learned aim

  void predict() {
    beliefs.assign(learned.size(), {});
    for (std::size_t j = 0; j < learned.size(); ++j) {
      if (learned[j]) beliefs[j] = learned[j]->predict(features);
    }
  }

  // Takes candidates on their way as if they had come out as believed.
  void assume(std::span<const Features> samples,
              std::span<const std::vector<double>* const> values) {
    std::vector<std::vector<Belief>> believed(learned.size());
    for (std::size_t j = 0; j < learned.size(); ++j) {
      if (!learned[j]) continue;
      believed[j] = learned[j]->predict(samples);
      learned[j]->assume(samples, believed[j]);
    }
    for (std::size_t i = 0; i < samples.size(); ++i) {
      std::vector<double> point;
      for (std::size_t j = 0; j < reference.size(); ++j) {
        point.push_back(learned[j] ? learned[j]->expected(believed[j][i]) : (*values[i])[j]);
      }
      const bool finite = std::all_of(point.begin(), point.end(),
                                      [](double value) { return std::isfinite(value); });
      if (finite) front.insert(front.end(), point.begin(), point.end());
    }
  }

  // The members with the highest merit, at most so many; none where nothing promises any
  // improvement.
  std::vector<std::size_t> best(std::size_t most) const {
    const UndominatedBoxes boxes(front, reference);
    std::vector<std::pair<double, std::size_t>> merits;
    for (std::size_t i = 0; i < pool.size(); ++i) {
      const double merit = pool[i].prospect ? this->merit(boxes, i) : 0;
      if (merit > 0) merits.emplace_back(-merit, i);
    }
    most = std::min(most, merits.size());
    std::partial_sort(merits.begin(), merits.begin() + static_cast<std::ptrdiff_t>(most),
                      merits.end());
    std::vector<std::size_t> best;
    for (std::size_t i = 0; i < most; ++i) best.push_back(merits[i].second);
    return best;
  }

  double merit(const UndominatedBoxes& boxes, std::size_t member) const {
    std::array<Marginal, 4> marginals;
    double probability = 1;
    for (std::size_t j = 0; j < aims.size(); ++j) {
      const double known = pool[member].prospect->values[j];
      if (j < reference.size()) {
        marginals[j] =
            learned[j] ? learned[j]->marginal(beliefs[j][member]) : Marginal::known(known);
        if (!learned[j] && !std::isfinite(known)) return 0;  // no trial told of it yet
      }
      if (learned[j] && std::isfinite(aims[j].bound)) {
        probability *= learned[j]->probability_below(beliefs[j][member], aims[j].bound);
      }
    }
    return probability * expected_improvement(boxes, std::span(marginals.data(), reference.size()));
  }
};

void SurrogateSearch::propose_from_models(std::size_t n, std::vector<Proposal>& proposals) {
  Round round{learn(), aims_, references(), {}, {}, {}, {}};
  std::vector<Features> pending;
  std::vector<const std::vector<double>*> pending_values;
  for (const Tried& tried : tried_) {
    if (tried.state == TrialState::running) {
      pending.push_back(tried.features);
      pending_values.push_back(&tried.values);
    } else if (tried.state == TrialState::complete) {
      round.front.insert(round.front.end(), tried.values.begin(),
                         tried.values.begin() + static_cast<std::ptrdiff_t>(objectives_));
    }
  }
  if (round.front.empty()) return;  // nothing to go by: keep drawing
  if (!pending.empty()) round.assume(pending, pending_values);
  round.pool = make_pool();
  for (const Member& member : round.pool) round.features.push_back(member.prospect->features);
  // Believing takes time: in a large batch several are chosen between two beliefs.
  const std::size_t at_once = (n + kBeliefs - 1) / kBeliefs;
  for (std::size_t i = 0; i < n;) {
    round.predict();
    const std::vector<std::size_t> best = round.best(std::min(at_once, n - i));
    if (best.empty()) return;
    std::vector<Features> features;
    std::vector<const std::vector<double>*> values;
    for (const std::size_t member : best) {
      features.push_back(round.pool[member].prospect->features);
      values.push_back(&round.pool[member].prospect->values);
    }
    i += best.size();
    if (i < n) round.assume(features, values);
    for (const std::size_t at : best) {
      Member& member = round.pool[at];
      member.prospect = nullptr;
      claim(member.genotype);
      proposals.push_back({std::move(member.genotype), std::move(member.parents), "surrogate"});
    }
  }
}

}  // namespace hwnas
