// Evolution: what the evolutionary searchers share.
//
// The population is a random sample at first. Once it is full, counting what is asked and not yet
// told, every proposal is a mutated child of its members. Outcomes join it as they are told, then
// survive() decides who stays. There are no generations, so batches of any size work. No genotype
// is asked twice: a child that was is mutated on, and after some steps replaced by a random sample.
#pragma once

#include "search/searcher.h"
#include "search/searchers/individual.h"
#include "search/searchers/unasked.h"

namespace hwnas {

class Evolution : public Searcher {
 public:
  std::vector<Proposal> ask(int n) override;
  void tell(std::span<const Outcome> outcomes) override;

 protected:
  explicit Evolution(const SearcherOptions& options);

  // A child before its mutation, of one member of the population ("mutate") or two ("crossover").
  virtual Proposal conceive() = 0;
  // Cuts the population, to which the newcomers were appended, down to its size.
  virtual void survive() = 0;

  std::size_t size() const { return size_; }
  std::vector<Individual>& population() { return population_; }
  const Individual& any();  // a member drawn uniformly
  Rng& rng() { return rng_; }

 private:
  std::optional<Proposal> propose();
  std::optional<Proposal> breed();

  std::size_t size_;
  double mutation_rate_;
  Rng rng_;
  Unasked unasked_;
  Intake intake_;
  std::vector<Individual> population_;
  std::int64_t pending_ = 0;  // asked and not told
};

}  // namespace hwnas
