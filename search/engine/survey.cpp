#include "search/engine/survey.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <unordered_set>
#include <utility>

#include "search/store/front.h"
#include "space/operators.h"
#include "space/rng.h"

namespace hwnas {
namespace {

constexpr int kParents = 32;
constexpr int kGenerations = 40;  // in search of something feasible
constexpr int kForIdeal = 12;     // generations for the best value of one metric

// A candidate that was looked at and could be evaluated.
struct Look {
  Trial trial;  // its genotype and measurements
  double violation = 0;
};

// What reasons have in common that differ only in their numbers and layers.
std::string kind_of(std::string_view reason) {
  constexpr std::string_view kLayer = "layer '";
  std::string kind;
  bool in_name = false;
  for (const char c : reason) {
    if (in_name && c == '\'') in_name = false;
    const bool digit = c >= '0' && c <= '9';
    if (!in_name && !digit) kind += c;
    if (!in_name && digit && (kind.empty() || kind.back() != '#')) kind += '#';
    in_name = in_name || kind.ends_with(kLayer);
  }
  return kind;
}

// Every genotype; nothing where there are more than `most`.
std::vector<Genotype> all_genotypes(const std::vector<int>& cardinalities, int most) {
  double size = 1;
  for (const int n : cardinalities) size *= n;
  std::vector<Genotype> all;
  if (size > most) return all;
  Genotype genotype;
  genotype.genes.assign(cardinalities.size(), 0);
  for (;;) {
    all.push_back(genotype);
    std::size_t g = 0;
    while (g < cardinalities.size() && ++genotype.genes[g] == cardinalities[g])
      genotype.genes[g++] = 0;
    if (g == cardinalities.size()) return all;
  }
}

// Smaller is better; compared in order.
using Score = std::pair<double, double>;
using ScoreOf = std::function<Score(const Look&)>;

class Surveyor {
 public:
  Surveyor(const SearchSpace& space, Evaluator& cheap, std::span<const Objective> objectives,
           std::uint64_t seed, std::stop_token stop)
      : space_(space),
        cheap_(cheap),
        objectives_(objectives),
        rng_(seed),
        stop_(std::move(stop)),
        has_error_(objectives.size(), false) {}

  void sample(int samples);
  // (mu + lambda) from the best of all that was looked at, until `enough` or the generations are
  // over.
  void evolve(const ScoreOf& score, int generations, const std::function<bool()>& enough);

  bool knows(const MetricKey& key) const;
  int classes() const { return space_.task().classes; }
  const Look* best(const ScoreOf& score) const;  // nullptr: none; ties: the first
  Survey& result() { return result_; }
  const std::vector<Look>& looks() const { return looks_; }

 private:
  void look_at(std::vector<Genotype> genotypes);
  void judge(Look look);
  void refuse(const std::string& reason);

  const SearchSpace& space_;
  Evaluator& cheap_;
  std::span<const Objective> objectives_;
  Rng rng_;
  std::stop_token stop_;
  Survey result_;
  std::vector<Look> looks_;
  std::unordered_set<std::uint64_t> seen_;   // hashes of genotypes; asked only
  std::vector<bool> has_error_;              // of each objective: some value has a standard error
  std::map<std::string, Refusal> refusals_;  // by their kind
};

void Surveyor::refuse(const std::string& reason) {
  if (result_.first_failure.empty()) result_.first_failure = reason;
  Refusal& refusal = refusals_[kind_of(reason)];
  if (refusal.count++ == 0) refusal.reason = reason;
}

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
      refuse(error.what());
    }
  }
  std::vector<Job> jobs;
  for (const Candidate& candidate : candidates) {
    const auto number = static_cast<TrialId>(jobs.size());
    jobs.push_back({number, hash_combine(0, static_cast<std::uint64_t>(number)), &candidate, {}});
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
      refuse(evaluation.failure);
      continue;
    }
    Look look;
    look.trial.genotype = std::move(candidates[i].genotype);
    look.trial.measurements = std::move(evaluation.measurements);
    judge(std::move(look));
  }
}

void Surveyor::judge(Look look) {
  std::string undecided;
  for (std::size_t k = 0; k < objectives_.size(); ++k) {
    const Measurement* m = find(look.trial, objectives_[k].key);
    if (!m) continue;
    look.violation += objectives_[k].violation(*m);
    has_error_[k] = has_error_[k] || m->stddev;
    if (objectives_[k].undecided(*m)) undecided = objectives_[k].why_undecided();
  }
  if (look.violation == 0 && !undecided.empty()) return refuse(undecided);
  result_.any_feasible = result_.any_feasible || look.violation == 0;
  looks_.push_back(std::move(look));
}

void Surveyor::sample(int samples) {
  std::vector<Genotype> genotypes = all_genotypes(space_.cardinalities(), samples);
  result_.whole = !genotypes.empty();
  if (!result_.whole) {
    for (int i = 0; i < samples; ++i)
      genotypes.push_back(hwnas::sample(space_.cardinalities(), rng_));
  }
  look_at(std::move(genotypes));
  result_.drawn = static_cast<std::int64_t>(seen_.size());
  result_.sampled = result_.looked_at;
  for (const Look& look : looks_) result_.sample.push_back(look.trial);
  for (const auto& [kind, refusal] : refusals_) result_.refusals.push_back(refusal);
  std::stable_sort(result_.refusals.begin(), result_.refusals.end(),
                   [](const Refusal& a, const Refusal& b) { return a.count > b.count; });
  for (std::size_t k = 0; k < objectives_.size(); ++k) {
    const bool asked = objectives_[k].bound && objectives_[k].probability > 0;
    if (asked && !has_error_[k]) result_.no_error.push_back(objectives_[k]);
  }
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
      const auto at = rng_.below(static_cast<std::uint32_t>(ranked.size()));
      return looks_[ranked[at].second].trial.genotype;
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

// Minimised, as the bound judges it; infinite where it is unknown.
double judged(const Objective& objective, const Look& look) {
  const Measurement* m = find(look.trial, objective.key);
  return m ? objective.minimised(objective.judged(*m)) : std::numeric_limits<double>::infinity();
}

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
    return [&objective](const Look& look) { return Score{judged(objective, look), 0}; };
  };
  const auto within_others = [&bounded](const Objective& objective) -> ScoreOf {
    return [&](const Look& look) {
      double violation = 0;
      for (const Objective& other : bounded) {
        const Measurement* m = find(look.trial, other.key);
        if (&other != &objective && m) violation += other.violation(*m);
      }
      return Score{violation, judged(objective, look)};
    };
  };
  if (!surveyor.result().any_feasible) {
    for (const Objective& objective : bounded) {
      surveyor.evolve(alone(objective), kForIdeal, [] { return false; });
      if (bounded.size() > 1)
        surveyor.evolve(within_others(objective), kForIdeal, [] { return false; });
    }
  }
  for (const Objective& objective : bounded) {
    const Look& nearest = *surveyor.best([](const Look& look) { return Score{look.violation, 0}; });
    const double value = objective.restored(judged(objective, nearest));
    const double best = judged(objective, *surveyor.best(alone(objective)));
    const ScoreOf score = within_others(objective);
    const auto [violation, within] = score(*surveyor.best(score));
    surveyor.result().bounds.push_back(
        {objective, value, objective.restored(best),
         violation == 0 && std::isfinite(within) ? objective.restored(within) : std::nan(""),
         objective.violation(value) > 0});
  }
}

void survey_range(Surveyor& surveyor, const Objective& objective) {
  Survey& result = surveyor.result();
  double ideal = std::nan(""), reference = std::nan("");
  if (objective.key.metric == Metric::accuracy) {
    ideal = 0;
    reference = 1;
  } else if (objective.key.metric == Metric::perplexity) {
    ideal = 1;
    reference = surveyor.classes();  // of who knows nothing
  } else if (surveyor.knows(objective.key)) {
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
              std::uint64_t seed, std::stop_token stop, int samples) {
  Surveyor surveyor(space, cheap, objectives, seed, std::move(stop));
  surveyor.sample(samples);
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
