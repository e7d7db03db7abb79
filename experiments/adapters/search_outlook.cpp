#include "experiments/adapters/search_outlook.h"

#include <cmath>
#include <optional>
#include <utility>

#include "predictors/boosted_trees.h"
#include "predictors/gaussian_process.h"
#include "search/engine/scheduler.h"
#include "space/operators.h"
#include "space/rng.h"

namespace hwnas {
namespace {

constexpr int kPopulation = 256;  // random candidates that scale the features

// A Gaussian process takes time with the cube of the trials; beyond these trees take over.
constexpr std::size_t kMostForProcess = 500;
constexpr BoostedTreesOptions kQuickTrees{
    .models = 4, .rounds = 60, .depth = 4, .learning_rate = 0.15};

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

class SearchOutlook : public Outlook {
 public:
  explicit SearchOutlook(OutlookSources sources) : sources_(std::move(sources)) {
    Rng rng(sources_.seed, 1);
    std::vector<Genotype> genotypes;
    for (int i = 0; i < kPopulation; ++i) {
      genotypes.push_back(sample(sources_.space->cardinalities(), rng));
    }
    for (Prospect& prospect : look(genotypes)) {
      if (prospect.possible) population_.push_back(std::move(prospect.features));
    }
  }

  std::vector<Prospect> look(std::span<const Genotype> genotypes) const override;
  // Of possible candidates only.
  std::vector<std::vector<double>> scores(std::span<const Genotype> genotypes) const override;
  std::unique_ptr<Surrogate> surrogate(std::size_t trials) const override;

 private:
  Prospect look_at(const Genotype& genotype) const;

  OutlookSources sources_;
  std::vector<Features> population_;
};

Prospect SearchOutlook::look_at(const Genotype& genotype) const {
  Prospect prospect;
  prospect.values.assign(sources_.objectives.size(), std::nan(""));
  Candidate candidate;
  try {
    candidate = sources_.space->decode(genotype);
  } catch (const std::exception&) {
    return prospect;
  }
  prospect.fingerprint = sources_.identity(candidate);
  std::optional<Network> network = live(std::move(candidate.network));
  if (!network) return prospect;
  candidate.network = std::move(*network);
  Trial trial;
  Evaluation priced = sources_.pricing->price(candidate);
  trial.measurements = std::move(priced.measurements);
  prospect.possible = priced.failure.empty();
  for (std::size_t i = 0; i < sources_.objectives.size(); ++i) {
    const Objective& objective = sources_.objectives[i];
    const Measurement* m = find(trial, objective.key);
    if (!m) continue;
    prospect.values[i] = objective.minimised(m->value);
    // Whether a bound with a probability is kept, the value alone does not tell.
    if (objective.probability > 0 && (objective.violation(*m) > 0 || objective.undecided(*m)))
      prospect.possible = false;
  }
  prospect.features = features(*sources_.space, candidate);
  return prospect;
}

std::vector<std::vector<double>> SearchOutlook::scores(std::span<const Genotype> genotypes) const {
  std::vector<std::vector<double>> all;
  std::vector<Network> networks;
  for (const Genotype& genotype : genotypes) {
    networks.push_back(*live(sources_.space->decode(genotype).network));
    std::vector<double>& mine = all.emplace_back();
    mine = {static_cast<double>(parameters(networks.back())),
            static_cast<double>(macs(networks.back()))};
    const std::vector<double> more = sources_.pricing->scores(genotype);
    mine.insert(mine.end(), more.begin(), more.end());
  }
  if (!sources_.proxies) return all;
  const std::vector<std::vector<double>> proxies = sources_.proxies(networks);
  for (std::size_t i = 0; i < all.size(); ++i)
    all[i].insert(all[i].end(), proxies[i].begin(), proxies[i].end());
  return all;
}

std::vector<Prospect> SearchOutlook::look(std::span<const Genotype> genotypes) const {
  std::vector<Prospect> prospects(genotypes.size());
  parallel_for(static_cast<int>(genotypes.size()), sources_.threads, [&](int i) {
    const auto at = static_cast<std::size_t>(i);
    prospects[at] = look_at(genotypes[at]);
  });
  return prospects;
}

std::unique_ptr<Surrogate> SearchOutlook::surrogate(std::size_t trials) const {
  return std::make_unique<PredictorSurrogate>(trials > kMostForProcess && has_boosted_trees()
                                                  ? make_boosted_trees(kQuickTrees)
                                                  : make_gaussian_process(population_));
}

}  // namespace

std::unique_ptr<Outlook> make_search_outlook(OutlookSources sources) {
  return std::make_unique<SearchOutlook>(std::move(sources));
}

}  // namespace hwnas
