// An Outlook for tests: genes are the features, a nearest neighbour is the model, and what is known
// of a candidate is what the test says.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "search/outlook.h"

namespace hwnas {

class NearestNeighbour : public Surrogate {
 public:
  void fit(std::span<const Features> samples, std::span<const double> values) override {
    samples_.assign(samples.begin(), samples.end());
    values_.assign(values.begin(), values.end());
  }
  void assume(std::span<const Features> samples, std::span<const double> values) override {
    samples_.insert(samples_.end(), samples.begin(), samples.end());
    values_.insert(values_.end(), values.begin(), values.end());
  }
  std::vector<Belief> predict(std::span<const Features> samples) const override {
    std::vector<Belief> beliefs;
    for (const Features& sample : samples) {
      std::size_t best = 0, fewest = sample.choices.size() + 1;
      // The latest few are enough here, and quick.
      for (std::size_t i = samples_.size() - std::min<std::size_t>(samples_.size(), 32);
           i < samples_.size(); ++i) {
        std::size_t differ = 0;
        for (std::size_t g = 0; g < sample.choices.size(); ++g) {
          differ += sample.choices[g] != samples_[i].choices[g];
        }
        if (differ >= fewest) continue;
        fewest = differ;
        best = i;
      }
      beliefs.push_back({values_[best], 0.01 + 0.1 * static_cast<double>(fewest)});
    }
    return beliefs;
  }

 private:
  std::vector<Features> samples_;
  std::vector<double> values_;
};

class FakeOutlook : public Outlook {
 public:
  // Fills a prospect whose features, fingerprint and values (all unknown) are set.
  using Knowledge = std::function<void(const Genotype&, Prospect&)>;
  explicit FakeOutlook(std::size_t aims, Knowledge knowledge = {})
      : aims_(aims), knowledge_(std::move(knowledge)) {}

  std::vector<Prospect> look(std::span<const Genotype> genotypes) const override {
    std::vector<Prospect> prospects;
    for (const Genotype& genotype : genotypes) {
      Prospect& p = prospects.emplace_back();
      p.possible = true;
      p.fingerprint = hash(genotype);
      p.features.choices = genotype.genes;
      p.features.numbers.assign(genotype.genes.begin(), genotype.genes.end());
      p.values.assign(aims_, std::nan(""));
      if (knowledge_) knowledge_(genotype, p);
    }
    looked_at += genotypes.size();
    return prospects;
  }
  std::vector<std::vector<double>> scores(std::span<const Genotype> genotypes) const override {
    std::vector<std::vector<double>> all(genotypes.size());
    for (std::size_t i = 0; score && i < genotypes.size(); ++i) all[i] = {score(genotypes[i])};
    return all;
  }
  std::unique_ptr<Surrogate> surrogate(std::size_t) const override {
    if (model) return model();
    return std::make_unique<NearestNeighbour>();
  }

  std::function<double(const Genotype&)> score;       // none: no scores
  std::function<std::unique_ptr<Surrogate>()> model;  // instead of the neighbour
  mutable std::size_t looked_at = 0;

 private:
  std::size_t aims_;
  Knowledge knowledge_;
};

}  // namespace hwnas
