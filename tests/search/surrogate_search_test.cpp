#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "predictors/gaussian_process.h"
#include "search/pareto.h"
#include "search/searchers/initial_design.h"
#include "search/searchers/learned_aim.h"
#include "search/searchers/rung_forecast.h"
#include "tests/search/exchange.h"
#include "tests/search/fake_outlook.h"

namespace hwnas {
namespace {

using testing::DoubleNear;
using testing::Each;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

double sum(const Genotype& genotype) {
  double total = 0;
  for (const std::uint8_t gene : genotype.genes) total += gene;
  return total;
}

// The sum of the genes is the known second value.
FakeOutlook known_sum() {
  return FakeOutlook(2, [](const Genotype& genotype, Prospect& p) { p.values[1] = sum(genotype); });
}

TEST(InitialDesign, TakesOneFromEveryStratumOfTheKnownObjective) {
  const FakeOutlook outlook = known_sum();
  Prospector prospector(outlook);
  Rng rng(3);
  const std::vector<Aim> aims(2);
  const std::vector<int> cardinalities(6, 5);
  const std::vector<Genotype> design = initial_design(prospector, aims, cardinalities, 10, rng);
  ASSERT_EQ(design.size(), 10u);
  EXPECT_EQ(outlook.looked_at, 80u);
  // The 80 random sums have the quantiles of a sum of six uniform values 0-4: mean 12, stddev 3.5.
  std::vector<double> sums;
  for (const Genotype& genotype : design) sums.push_back(sum(genotype));
  std::sort(sums.begin(), sums.end());
  EXPECT_LE(sums[0], 8);
  EXPECT_GE(sums[9], 16);
  for (std::size_t i = 1; i < sums.size(); ++i) EXPECT_LE(sums[i] - sums[i - 1], 4);
}

TEST(InitialDesign, TakesTheHighestScoresOfAStratumMissingOnesLast) {
  // One gene of 16 options, all in one stratum; the score is the option, none for those above 9.
  FakeOutlook outlook(1);
  outlook.score = [](const Genotype& genotype) {
    const double gene = genotype.genes[0];
    return gene > 9 ? std::nan("") : gene;
  };
  Prospector prospector(outlook);
  Rng rng(1);
  const std::vector<Aim> aims(1);
  // Of eight candidates (generations make up for duplicates) one is chosen.
  const std::vector<int> cardinalities{16};
  std::set<int> chosen;
  for (int i = 0; i < 20; ++i) {
    chosen.insert(initial_design(prospector, aims, cardinalities, 1, rng)[0].genes[0]);
  }
  for (const int option : chosen) EXPECT_LE(option, 9);
  EXPECT_TRUE(chosen.contains(9));
  EXPECT_FALSE(chosen.contains(0));
}

TEST(InitialDesign, FindsWhatFewRandomCandidatesMeet) {
  // Sum of 12 genes 0-8 at most 8: one random candidate in 3e6; evolution gets there.
  const FakeOutlook outlook = known_sum();
  Prospector prospector(outlook);
  Rng rng(5);
  const std::vector<Aim> aims{{}, {.optimised = true, .bound = 8}};
  const std::vector<Genotype> design =
      initial_design(prospector, aims, std::vector<int>(12, 9), 6, rng);
  ASSERT_EQ(design.size(), 6u);
  for (const Genotype& genotype : design) EXPECT_LE(sum(genotype), 8);
}

TEST(InitialDesign, EndsWhereNothingIsPossibleOrWithinTheBounds) {
  Rng rng(5);
  const std::vector<int> cardinalities(4, 3);
  const FakeOutlook impossible(1, [](const Genotype&, Prospect& p) { p.possible = false; });
  Prospector nothing(impossible);
  EXPECT_TRUE(initial_design(nothing, std::vector<Aim>(1), cardinalities, 5, rng).empty());
  const FakeOutlook outlook = known_sum();
  Prospector prospector(outlook);
  const std::vector<Aim> aims{{}, {.optimised = false, .bound = -1}};
  EXPECT_TRUE(initial_design(prospector, aims, cardinalities, 5, rng).empty());
}

TEST(KnownViolation, CountsWhatIsKnownOnly) {
  Prospect prospect;
  prospect.values = {std::nan(""), 15, 3};
  const std::vector<Aim> aims{{true, 0.1}, {true, 10}, {false, 2}};
  EXPECT_DOUBLE_EQ(known_violation(prospect, aims), 5.0 / 10 + 1.0 / 2);
}

// z = ln(min((y - best) / scale, 1.5) + 0.25) and back. The neighbour of a sample is itself.
TEST(LearnedAim, ReturnsWhatItWasTold) {
  const FakeOutlook outlook(1);
  std::vector<Features> samples(3);
  for (std::uint8_t i = 0; i < 3; ++i) samples[i].choices = {i};
  const std::vector<double> values{0.10, 0.16, 0.9};
  const LearnedAim aim(outlook, samples, values, 0.2);  // scale 0.1
  const std::vector<Belief> beliefs = aim.predict(samples);
  EXPECT_DOUBLE_EQ(beliefs[0].mean, std::log(0.25));
  EXPECT_DOUBLE_EQ(beliefs[1].mean, std::log(0.6 + 0.25));
  EXPECT_DOUBLE_EQ(beliefs[2].mean, std::log(1.5 + 0.25));  // far beyond: 8 scales
  EXPECT_NEAR(aim.expected(beliefs[0]), 0.10, 1e-12);
  EXPECT_NEAR(aim.expected(beliefs[1]), 0.16, 1e-12);
  EXPECT_NEAR(aim.expected(beliefs[2]), 0.25, 1e-12);
  // Half of a log-normal lies below its median.
  EXPECT_NEAR(aim.probability_below(beliefs[1], 0.16), 0.5, 1e-12);
  EXPECT_EQ(aim.probability_below(beliefs[2], 0.3), 1);  // a bound where all is alike says nothing
}

// One epoch said .3, .4 and .9: best .3, nine in ten within .1 of it, so z is ln of .25, 1.25 and
// 1.75. The end said .1 and .15 of the first two; with reference .2 their z is ln .25 and ln .75.
// Two pairs give the mean shift, s = (ln .75 - ln 1.25) / 2; the model at the end learns what is
// left, -s and s.
TEST(LearnedAim, LearnsWhatTheEndAddsToARung) {
  const FakeOutlook outlook(1);
  std::vector<Features> samples(3);
  for (std::uint8_t i = 0; i < 3; ++i) samples[i].choices = {i};
  const std::vector<double> at_rung{0.3, 0.4, 0.9}, end{0.1, 0.15};
  auto rung = std::make_unique<LearnedAim>(outlook, samples, at_rung, std::nan(""));
  const double rung_stddev = rung->predict(samples)[2].stddev;
  EXPECT_DOUBLE_EQ(rung->predict(samples)[1].mean, std::log(1.25));
  LearnedAim aim(outlook, std::span(samples).first(2), end, 0.2, std::move(rung),
                 std::span(at_rung).first(2));
  const double s = (std::log(0.75) - std::log(1.25)) / 2;
  const std::vector<Belief> beliefs = aim.predict(samples);
  EXPECT_NEAR(aim.expected(beliefs[0]), 0.1, 1e-12);
  EXPECT_NEAR(aim.expected(beliefs[1]), 0.15, 1e-12);
  // Stopped there: what the rung says, shifted, and what is left of its neighbour, the first.
  EXPECT_NEAR(beliefs[2].mean, std::log(1.75) + s - s, 1e-12);
  EXPECT_NEAR(beliefs[2].stddev, std::hypot(rung_stddev, 0.11), 1e-12);
  // What is assumed of a new one is believed from then on, at both levels.
  Features fresh;
  fresh.choices = {7};
  const Belief before = aim.predict({&fresh, 1})[0];
  aim.assume({&fresh, 1}, {&before, 1});
  EXPECT_NEAR(aim.predict({&fresh, 1})[0].mean, before.mean, 1e-12);
  EXPECT_LT(aim.predict({&fresh, 1})[0].stddev, before.stddev);
}

TEST(RungForecast, IsTheLineThroughThePairs) {
  EXPECT_EQ(rung_forecast({}, {})(0.7), 0.7);
  const std::vector<double> lower{1, 2, 3, 4};
  // Slope 0.5 through (1, 2), (2, 2.5), ...; of the first two the mean shift is (1 + 0.5) / 2.
  const std::vector<double> half{2, 2.5, 3, 3.5}, opposite{4, 3, 2, 1}, steep{0, 10, 20, 30};
  EXPECT_DOUBLE_EQ(rung_forecast(lower, half)(10), 6.5);
  EXPECT_DOUBLE_EQ(rung_forecast(std::span(lower).first(2), std::span(half).first(2))(10), 10.75);
  EXPECT_DOUBLE_EQ(rung_forecast(lower, opposite)(10), 2.5);  // no slope: their mean
  EXPECT_DOUBLE_EQ(rung_forecast(lower, steep).slope, 1.5);
}

// What stopped trials taught decides what is asked: the same run with other values at the rung asks
// for others.
TEST(SurrogateSearch, LearnsFromStoppedTrials) {
  const FakeOutlook outlook = known_sum();
  const auto asked = [&outlook](double sign) {
    SearcherOptions options;
    options.algorithm = Algorithm::surrogate;
    options.cardinalities.assign(6, 5);
    options.aims.resize(2);
    options.outlook = &outlook;
    options.initial_design = 12;
    const auto searcher = make_searcher(options);
    return texts(exchange(*searcher, 30, 6, [&](TrialId id, const Genotype& genotype) {
      const double rung = 20 + sign * genotype.genes[0], other = sum(genotype);
      if (id % 3 == 0) {
        Outcome outcome = complete(id, genotype, {rung - 10, other});
        outcome.values = outcome.objectives;
        outcome.rungs = {{rung, other}};
        return outcome;
      }
      Outcome outcome{id, genotype, TrialState::stopped, {rung, other}, 0, {rung, other}};
      outcome.rungs = {{rung, other}};
      return outcome;
    }));
  };
  EXPECT_EQ(asked(1), asked(1));
  EXPECT_NE(asked(1), asked(-1));
}

// The model that the program uses.
class Process : public Surrogate {
 public:
  void fit(std::span<const Features> samples, std::span<const double> values) override {
    process_->fit(samples, values);
  }
  void assume(std::span<const Features> samples, std::span<const double> values) override {
    process_->assume(samples, values);
  }
  std::vector<Belief> predict(std::span<const Features> samples) const override {
    std::vector<Belief> beliefs;
    for (const Prediction& p : process_->predict(samples)) beliefs.push_back({p.mean, p.stddev});
    return beliefs;
  }

 private:
  std::unique_ptr<Predictor> process_ = make_gaussian_process();
};

FakeOutlook with_process(FakeOutlook outlook) {
  outlook.model = [] { return std::make_unique<Process>(); };
  return outlook;
}

struct Log {
  std::vector<Proposal> proposals;
  std::vector<double> points;  // of complete trials
};

// Error (4 - gene) summed over the even genes, cost the sum: the front trades them off.
Log search(const FakeOutlook& outlook, std::vector<Aim> aims, std::size_t trials, int batch) {
  SearcherOptions options;
  options.algorithm = Algorithm::surrogate;
  options.cardinalities = std::vector<int>(8, 5);
  options.aims = aims;
  options.outlook = &outlook;
  options.seed = 4;
  const auto searcher = make_searcher(options);
  Log run;
  run.proposals = exchange(*searcher, trials, batch, [&](TrialId id, const Genotype& genotype) {
                    double error = 0;
                    for (std::size_t i = 0; i < 8; i += 2) error += 4 - genotype.genes[i];
                    Outcome outcome = complete(id, genotype, {error, sum(genotype)});
                    for (std::size_t i = 0; i < aims.size(); ++i) {
                      if (outcome.values[i] > aims[i].bound) outcome.violation += 1;
                    }
                    if (outcome.violation > 0) {
                      outcome.state = TrialState::infeasible;
                      outcome.objectives.clear();
                    } else {
                      run.points.push_back(error);
                      run.points.push_back(sum(genotype));
                    }
                    return outcome;
                  }).proposals;
  return run;
}

double share(const Log& run) {
  // The front: odd genes 0, error e for cost 16 - e, e = 0..16.
  std::vector<double> front;
  for (int e = 0; e <= 16; ++e) front.insert(front.end(), {1.0 * e, 16.0 - e});
  const std::vector<double> reference{17, 33};
  return hypervolume(run.points, reference) / hypervolume(front, reference);
}

TEST(SurrogateSearch, FindsTheFrontInFewerTrialsThanEvolution) {
  const FakeOutlook outlook = with_process(known_sum());
  const Log run = search(outlook, std::vector<Aim>(2), 100, 5);
  SearcherOptions options;
  options.algorithm = Algorithm::nsga2;
  options.cardinalities = std::vector<int>(8, 5);
  options.aims.resize(2);
  options.seed = 4;
  Log evolution;
  const auto nsga2 = make_searcher(options);
  exchange(*nsga2, 100, 5, [&](TrialId id, const Genotype& genotype) {
    double error = 0;
    for (std::size_t i = 0; i < 8; i += 2) error += 4 - genotype.genes[i];
    evolution.points.insert(evolution.points.end(), {error, sum(genotype)});
    return complete(id, genotype, {error, sum(genotype)});
  });
  EXPECT_GT(share(run), 0.97);
  EXPECT_LT(share(evolution), 0.94);
}

TEST(SurrogateSearch, ProposesNothingThatIsKnownToBreakABound) {
  const FakeOutlook outlook = known_sum();
  const std::vector<Aim> aims{{}, {.optimised = true, .bound = 10}};
  for (const Proposal& proposal : search(outlook, aims, 80, 4).proposals) {
    EXPECT_LE(sum(proposal.genotype), 10) << to_text(proposal.genotype);
  }
}

// The cost is not known beforehand: the models learn where the bound lies.
TEST(SurrogateSearch, LearnsABoundThatOnlyTrialsTell) {
  const FakeOutlook outlook = with_process(FakeOutlook(2));
  const std::vector<Aim> aims{{}, {.optimised = true, .bound = 14}};
  const Log run = search(outlook, aims, 120, 4);
  // Of random genotypes 40 % keep it (mean 16, stddev 4).
  EXPECT_GT(run.points.size() / 2, 80u);
}

TEST(SurrogateSearch, ProposesNothingImpossibleAndNoFingerprintTwice) {
  const FakeOutlook outlook(2, [](const Genotype& genotype, Prospect& p) {
    p.possible = genotype.genes[0] != 0;
    Genotype network = genotype;
    network.genes[7] = 0;  // decides nothing
    p.fingerprint = hash(network);
  });
  std::set<std::vector<std::uint8_t>> networks;
  for (const Proposal& proposal : search(outlook, std::vector<Aim>(2), 100, 4).proposals) {
    EXPECT_NE(proposal.genotype.genes[0], 0);
    std::vector<std::uint8_t> network(proposal.genotype.genes.begin(),
                                      proposal.genotype.genes.end() - 1);
    EXPECT_TRUE(networks.insert(network).second);
  }
}

}  // namespace
}  // namespace hwnas
