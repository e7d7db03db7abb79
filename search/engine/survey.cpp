#include "search/engine/survey.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <optional>
#include <unordered_set>
#include <utility>

#include "search/store/front.h"
#include "space/operators.h"
#include "space/rng.h"

namespace hwnas {
namespace {

constexpr int kSample = 256;
constexpr int kParents = 32;
constexpr int kGenerations = 40;  // in search of something feasible
constexpr int kForIdeal = 12;     // generations for the best value of one metric

// A candidate that was looked at and could be evaluated.
struct Look {
  Genotype genotype;
  Trial trial;  // its measurements
  double violation = 0;
};

// Smaller is better; compared in order.
using Score = std::pair<double, double>;
using ScoreOf = std::function<Score(const Look&)>;

class Surveyor {
 public:
  Surveyor(const SearchSpace& space, Evaluator& cheap, std::span<const Objective> objectives,
           std::uint64_t seed, std::stop_token stop)
      : space_(space), cheap_(cheap), objectives_(objectives), rng_(seed), stop_(std::move(stop)) {}

  void sample();
  // (mu + lambda) from the best of all that was looked at, until `enough` or the generations are
  // over.
  void evolve(const ScoreOf& score, int generations, const std::function<bool()>& enough);

  bool knows(const MetricKey& key) const;
  const Look* best(const ScoreOf& score) const;  // nullptr: none; ties: the first
  Survey& result() { return result_; }
  const std::vector<Look>& looks() const { return looks_; }
  double value(const Look& look, const MetricKey& key) const;  // infinite where unknown

 private:
  void look_at(std::vector<Genotype> genotypes);

  const SearchSpace& space_;
  Evaluator& cheap_;
  std::span<const Objective> objectives_;
  Rng rng_;
  std::stop_token stop_;
  Survey result_;
  std::vector<Look> looks_;
  std::unordered_set<std::uint64_t> seen_;  // hashes of genotypes; asked only
};

void Surveyor::look_at(std::vector<Genotype> genotypes) {
  std::vector<Candidate> candidates;
  for (Genotype& genotype : genotypes) {
    if (!seen_.insert(hash(genotype)).second) continue;
    try {
      Candidate candidate = space_.decode(genotype);
      std::optional<Network> network = live(std::move(candidate.network));
      if (!network) throw std::runtime_error("no path from input to output");
      candidate.genotype = std::move(genotype);
      candidate.network = std::move(*network);
      candidates.push_back(std::move(candidate));
    } catch (const std::exception& error) {
      if (result_.first_failure.empty()) result_.first_failure = error.what();
    }
  }
  std::vector<Job> jobs;
  for (const Candidate& candidate : candidates) {
    const auto number = static_cast<TrialId>(jobs.size());
    jobs.push_back({number, hash_combine(0, static_cast<std::uint64_t>(number)), &candidate});
  }
  std::vector<Evaluation> evaluations(jobs.size());
  cheap_.evaluate(
      jobs, [&](std::size_t i, Evaluation e) { evaluations[i] = std::move(e); }, stop_);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    Evaluation& evaluation = evaluations[i];
    if (evaluation.interrupted) continue;
    ++result_.looked_at;
    const auto finite = [](const Measurement& m) { return std::isfinite(m.value); };
    if (evaluation.failure.empty() &&
        !std::all_of(evaluation.measurements.begin(), evaluation.measurements.end(), finite)) {
      evaluation.failure = "a measurement is not finite";
    }
    if (!evaluation.failure.empty()) {
      if (result_.first_failure.empty()) result_.first_failure = evaluation.failure;
      continue;
    }
    Look look{std::move(candidates[i].genotype), {}, 0};
    look.trial.measurements = std::move(evaluation.measurements);
    for (const Objective& objective : objectives_) {
      const Measurement* m = find(look.trial, objective.key);
      if (m) look.violation += objective.violation(m->value);
    }
    result_.any_feasible = result_.any_feasible || look.violation == 0;
    looks_.push_back(std::move(look));
  }
}

void Surveyor::sample() {
  std::vector<Genotype> genotypes;
  for (int i = 0; i < kSample; ++i)
    genotypes.push_back(hwnas::sample(space_.cardinalities(), rng_));
  look_at(std::move(genotypes));
  result_.sampled = result_.looked_at;
  result_.feasible = std::count_if(looks_.begin(), looks_.end(),
                                   [](const Look& look) { return look.violation == 0; });
}

void Surveyor::evolve(const ScoreOf& score, int generations, const std::function<bool()>& enough) {
  const double rate = 1.0 / std::max<double>(1, static_cast<double>(space_.cardinalities().size()));
  std::vector<std::pair<Score, std::size_t>> ranked;
  std::size_t scored = 0;
  for (int g = 0; g < generations && !enough() && !stop_.stop_requested(); ++g) {
    for (; scored < looks_.size(); ++scored) ranked.emplace_back(score(looks_[scored]), scored);
    if (ranked.empty()) return;
    std::sort(ranked.begin(), ranked.end());
    ranked.resize(std::min<std::size_t>(ranked.size(), kParents));
    const auto parent = [&]() -> const Genotype& {
      return looks_[ranked[rng_.below(static_cast<std::uint32_t>(ranked.size()))].second].genotype;
    };
    std::vector<Genotype> children;
    for (int i = 0; i < kParents; ++i) {
      const Genotype& a = parent();
      const Genotype& b = parent();
      children.push_back(mutate(crossover(a, b, rng_), space_.cardinalities(), rate, rng_));
    }
    look_at(std::move(children));
  }
}

bool Surveyor::knows(const MetricKey& key) const {
  return std::any_of(looks_.begin(), looks_.end(),
                     [&](const Look& look) { return find(look.trial, key) != nullptr; });
}

const Look* Surveyor::best(const ScoreOf& score) const {
  const Look* best = nullptr;
  Score best_score;
  for (const Look& look : looks_) {
    const Score s = score(look);
    if (best && !(s < best_score)) continue;
    best = &look;
    best_score = s;
  }
  return best;
}

double Surveyor::value(const Look& look, const MetricKey& key) const {
  const Measurement* m = find(look.trial, key);
  return m ? m->value : std::numeric_limits<double>::infinity();
}

// Minimised; infinite where it is unknown.
double minimised(const Objective& objective, const Look& look) {
  const Measurement* m = find(look.trial, objective.key);
  return m ? objective.minimised(m->value) : std::numeric_limits<double>::infinity();
}

void survey_bounds(Surveyor& surveyor, std::span<const Objective> objectives) {
  std::vector<Objective> bounded;
  for (const Objective& objective : objectives) {
    if (objective.bound && surveyor.knows(objective.key)) bounded.push_back(objective);
  }
  const auto alone = [](const Objective& objective) -> ScoreOf {
    return [&objective](const Look& look) { return Score{minimised(objective, look), 0}; };
  };
  if (!surveyor.result().any_feasible) {
    for (const Objective& objective : bounded) {
      surveyor.evolve(alone(objective), kForIdeal, [] { return false; });
    }
  }
  for (const Objective& objective : bounded) {
    const Look& nearest = *surveyor.best([](const Look& look) { return Score{look.violation, 0}; });
    const double value = surveyor.value(nearest, objective.key);
    const double best = surveyor.value(*surveyor.best(alone(objective)), objective.key);
    surveyor.result().bounds.push_back({objective, value, best, objective.violation(value) > 0});
  }
}

void survey_range(Surveyor& surveyor, const Objective& objective) {
  Survey& result = surveyor.result();
  const bool accuracy = objective.key.metric == Metric::accuracy;
  double ideal = accuracy ? 0 : std::nan(""), reference = accuracy ? 1 : std::nan("");
  if (!accuracy && surveyor.knows(objective.key)) {
    const ScoreOf within_bounds = [&](const Look& look) {
      return Score{look.violation, minimised(objective, look)};
    };
    surveyor.evolve(within_bounds, kForIdeal, [] { return false; });
    ideal = within_bounds(*surveyor.best(within_bounds)).second;
    reference = ideal;
    for (const Look& look : surveyor.looks()) {
      const Score score = within_bounds(look);
      if (score.first == 0 && std::isfinite(score.second))
        reference = std::max(reference, score.second);
    }
    // One value only: any box will do, but it needs a width.
    if (!(reference > ideal)) reference = ideal + std::max(std::fabs(ideal), 1e-9);
  }
  if (objective.bound) reference = objective.minimised(*objective.bound);
  if (objective.reference) reference = objective.minimised(*objective.reference);
  result.ideal.push_back(ideal);
  result.reference.push_back(reference);
}

}  // namespace

Survey survey(const SearchSpace& space, Evaluator& cheap, std::span<const Objective> objectives,
              std::uint64_t seed, std::stop_token stop) {
  Surveyor surveyor(space, cheap, objectives, seed, std::move(stop));
  surveyor.sample();
  surveyor.evolve(
      [](const Look& look) {
        return Score{look.violation, 0};
      },
      kGenerations, [&] { return surveyor.result().any_feasible; });
  if (!surveyor.looks().empty()) surveyor.result().first_failure.clear();
  survey_bounds(surveyor, objectives);
  if (surveyor.result().any_feasible) {
    for (const Objective& objective : objectives) {
      if (objective.optimised) survey_range(surveyor, objective);
    }
  }
  return std::move(surveyor.result());
}

}  // namespace hwnas
