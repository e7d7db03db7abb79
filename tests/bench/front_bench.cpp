// How close searchers come to a front that is known, in the space of FBNet (9^22 networks): a
// synthetic error and a cost, both sums over positions with a term for neighbours, so that dynamic
// programming gives the exact front. Prints the mean hypervolume ratio and its standard deviation.
//   front_bench [SEEDS] [TRIALS]
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "predictors/gaussian_process.h"
#include "search/outlook.h"
#include "search/pareto.h"
#include "search/searcher.h"
#include "space/operators.h"
#include "space/rng.h"
#include "space/search_space.h"

using namespace hwnas;

namespace {

constexpr int kPositions = 22, kOps = 9;

// Cost in whole units; error falls with an op's size, the more the earlier a stage, with luck of
// its own for each position and a penalty where neighbours differ in kernel size.
struct Problem {
  int cost[kPositions][kOps];
  double gain[kPositions][kOps];
  static constexpr int kSize[kOps] = {2, 1, 5, 10, 3, 2, 7, 14, 0};  // as the ops of fbnet.toml
  static constexpr bool kWide[kOps] = {0, 0, 0, 0, 1, 1, 1, 1, 0};

  explicit Problem(std::uint64_t seed) {
    Rng rng(seed);
    for (int p = 0; p < kPositions; ++p) {
      const double weight = 0.5 + rng.uniform();
      for (int o = 0; o < kOps; ++o) {
        cost[p][o] = kSize[o] * (2 + p % 3);
        gain[p][o] = weight * (std::sqrt(kSize[o]) + 0.5 * rng.normal());
      }
    }
  }
  double step(int p, int before, int op) const {
    return -gain[p][op] + (p > 0 && before != 8 && op != 8 && kWide[before] != kWide[op] ? 0.4 : 0);
  }
  std::vector<double> operator()(const Genotype& g) const {
    double error = 150;
    int total = 0;
    for (int p = 0; p < kPositions; ++p) {
      const auto at = static_cast<std::size_t>(p);
      error += step(p, p > 0 ? g.genes[at - 1] : 8, g.genes[at]);
      total += cost[p][g.genes[at]];
    }
    return {error, static_cast<double>(total)};
  }
  std::vector<double> front() const {
    constexpr int kMost = kPositions * 14 * 4;
    using Row = std::vector<double>;
    std::vector<Row> best(kOps, Row(kMost + 1, HUGE_VAL));
    for (int o = 0; o < kOps; ++o) best[o][cost[0][o]] = 150 + step(0, 8, o);
    for (int p = 1; p < kPositions; ++p) {
      std::vector<Row> next(kOps, Row(kMost + 1, HUGE_VAL));
      for (int b = 0; b < kOps; ++b) {
        for (int c = 0; c <= kMost; ++c) {
          if (best[b][c] == HUGE_VAL) continue;
          for (int o = 0; o < kOps; ++o) {
            double& to = next[o][c + cost[p][o]];
            to = std::min(to, best[b][c] + step(p, b, o));
          }
        }
      }
      best = std::move(next);
    }
    std::vector<double> points;
    for (const Row& row : best) {
      for (int c = 0; c <= kMost; ++c) {
        if (row[c] != HUGE_VAL) points.insert(points.end(), {row[c], static_cast<double>(c)});
      }
    }
    return points;
  }
};

class PredictorSurrogate : public Surrogate {
 public:
  explicit PredictorSurrogate(std::unique_ptr<Predictor> predictor)
      : predictor_(std::move(predictor)) {}
  void fit(std::span<const Features> samples, std::span<const double> values) override {
    predictor_->fit(samples, values);
  }
  void assume(std::span<const Features> samples, std::span<const double> values) override {
    predictor_->assume(samples, values);
  }
  std::vector<Belief> predict(std::span<const Features> samples) const override {
    std::vector<Belief> beliefs;
    for (const auto& [mean, stddev] : predictor_->predict(samples)) {
      beliefs.push_back({mean, stddev});
    }
    return beliefs;
  }

 private:
  std::unique_ptr<Predictor> predictor_;
};

// The networks of the real space; the cost is known beforehand.
class BenchOutlook : public Outlook {
 public:
  BenchOutlook(const SearchSpace& space, const Problem& problem)
      : space_(space), problem_(problem) {
    Rng rng(99);
    std::vector<Genotype> genotypes;
    for (int i = 0; i < 256; ++i) genotypes.push_back(sample(space.cardinalities(), rng));
    for (Prospect& p : look(genotypes)) population_.push_back(std::move(p.features));
  }
  std::vector<Prospect> look(std::span<const Genotype> genotypes) const override {
    std::vector<Prospect> prospects;
    for (const Genotype& genotype : genotypes) {
      Prospect& p = prospects.emplace_back();
      Candidate candidate = space_.decode(genotype);
      p.fingerprint = fingerprint(candidate);
      candidate.network = *live(std::move(candidate.network));
      p.possible = true;
      p.features = features(space_, candidate);
      p.values = {std::nan(""), problem_(genotype)[1]};
    }
    return prospects;
  }
  // MACs, where training would be guessed at.
  std::vector<std::vector<double>> scores(std::span<const Genotype> genotypes) const override {
    std::vector<std::vector<double>> scores;
    for (const Genotype& genotype : genotypes) {
      scores.push_back({static_cast<double>(macs(*live(space_.decode(genotype).network)))});
    }
    return scores;
  }
  std::unique_ptr<Surrogate> surrogate(std::size_t) const override {
    return std::make_unique<PredictorSurrogate>(make_gaussian_process(population_, options));
  }
  GaussianProcessOptions options;

 private:
  const SearchSpace& space_;
  const Problem& problem_;
  std::vector<Features> population_;
};

double ratio(const Problem& problem, const BenchOutlook& outlook, Algorithm algorithm,
             std::uint64_t seed, int trials) {
  const std::vector<double> front = problem.front(), reference{150, 800};
  SearcherOptions options;
  options.algorithm = algorithm;
  options.cardinalities = std::vector<int>(kPositions, kOps);
  options.aims = {{.reference = reference[0]}, {.reference = reference[1]}};
  options.outlook = &outlook;
  options.seed = seed;
  const auto searcher = make_searcher(options);
  std::vector<double> points;
  for (TrialId id = 0; id < trials;) {
    std::vector<Outcome> outcomes;
    for (const Proposal& proposal : searcher->ask(5)) {
      const std::vector<double> values = problem(proposal.genotype);
      points.insert(points.end(), values.begin(), values.end());
      outcomes.push_back({id++, proposal.genotype, TrialState::complete, values, 0, values});
    }
    searcher->tell(outcomes);
  }
  return hypervolume(points, reference) / hypervolume(front, reference);
}

}  // namespace

int main(int argc, char** argv) {
  const int seeds = argc > 1 ? std::atoi(argv[1]) : 5;
  const int trials = argc > 2 ? std::atoi(argv[2]) : 200;
  const SearchSpace space =
      SearchSpace::load(std::string(HWNAS_SOURCE_DIR) + "/space/spaces/fbnet.toml");
  std::printf("hypervolume ratio after %d trials in the space of FBNet, %d seeds\n", trials, seeds);
  for (const std::string& name : algorithm_names()) {
    double sum = 0, squares = 0;
    for (int seed = 1; seed <= seeds; ++seed) {
      const Problem problem(static_cast<std::uint64_t>(seed));
      const BenchOutlook outlook(space, problem);
      const double r =
          ratio(problem, outlook, *parse_algorithm(name), static_cast<std::uint64_t>(seed), trials);
      sum += r;
      squares += r * r;
    }
    const double mean = sum / seeds;
    std::printf("%-24s%.4f  sd %.4f\n", name.c_str(), mean,
                std::sqrt(std::max(0.0, squares / seeds - mean * mean)));
    std::fflush(stdout);
  }
}
