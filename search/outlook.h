// Outlook: what can be told of candidates before any money is spent on them.
//
// Decodes genotypes, asks the cost models and computes features: pure, quick, deterministic. A
// searcher that has one looks at thousands of candidates for each that it proposes.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "search/surrogate.h"
#include "space/features.h"
#include "space/genotype.h"

namespace hwnas {

struct Prospect {
  // False: it decodes to nothing, a device cannot run it, or it misses a bound with a probability.
  bool possible = false;
  std::uint64_t fingerprint = 0;  // as the trial will have; equal: one and the same candidate
  Features features;
  // One for each of the run's objectives, then bounds (Outcome::values), minimised; NaN where only
  // evaluation tells.
  std::vector<double> values;
};

class Outlook {
 public:
  virtual ~Outlook() = default;

  virtual std::vector<Prospect> look(std::span<const Genotype> genotypes) const = 0;

  // Of zero-cost proxies of what is trained, higher is better, as many for each genotype; NaN where
  // one is missing. May take a second each: for the few that are to be compared.
  virtual std::vector<std::vector<double>> scores(std::span<const Genotype> genotypes) const = 0;

  // An untrained model for one objective that expects about `trials` samples: a Gaussian process,
  // or a tree ensemble where a Gaussian process would take too long.
  virtual std::unique_ptr<Surrogate> surrogate(std::size_t trials) const = 0;
};

}  // namespace hwnas
