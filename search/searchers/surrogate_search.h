// Surrogate-assisted evolution: few trials, each chosen with care.
//
// A stratified initial design (initial_design.h); then models learn what only trials tell
// (learned_aim.h), evolution around the front makes a pool of candidates, and the one with the
// highest expected hypervolume improvement times the probability of keeping the bounds is proposed.
// What the cost models know is taken as it is; rungs have models of their own, which the few
// trials that went on correct (learned_aim.h). In a batch, and for trials that are on
// their way, the models believe themselves (kriging believer, Ginsbourger et al. 2010,
// doi:10.1007/978-3-642-10701-6_6). One to four objectives, any bounds.
#pragma once

#include <map>
#include <optional>
#include <unordered_set>
#include <vector>

#include "search/searcher.h"
#include "search/searchers/learned_aim.h"
#include "search/searchers/prospector.h"
#include "search/searchers/unasked.h"
#include "space/rng.h"

namespace hwnas {

class SurrogateSearch : public Searcher {
 public:
  explicit SurrogateSearch(const SearcherOptions& options);

  std::vector<Proposal> ask(int n) override;
  void tell(std::span<const Outcome> outcomes) override;

 private:
  struct Tried {
    Genotype genotype;
    Features features;
    std::vector<double> values;  // of the aims; what only evaluation tells is NaN until told
    std::vector<bool> learned;   // of the aims: only evaluation tells
    std::vector<std::vector<double>> rungs = {};  // Outcome::rungs
    TrialId id = 0;
    TrialState state = TrialState::running;
  };
  struct Member {
    Genotype genotype;
    const Prospect* prospect = nullptr;
    std::vector<TrialId> parents;
  };
  using Learned = std::vector<std::unique_ptr<LearnedAim>>;  // one for each aim; none: it is known
  struct Round;                                              // one ask of the models

  std::optional<Proposal> propose_from_design();
  std::optional<Proposal> draw();
  bool claim(const Genotype& genotype);
  void remember(const Genotype& genotype);

  Learned learn() const;
  std::unique_ptr<LearnedAim> learn(std::size_t aim) const;
  std::size_t rungs_below(std::size_t aim) const;
  std::vector<double> references() const;
  std::vector<const Tried*> parents() const;
  std::vector<Member> make_pool();
  void propose_from_models(std::size_t n, std::vector<Proposal>& proposals);

  std::vector<Aim> aims_;
  std::size_t objectives_ = 0;  // the first of the aims
  const Outlook& outlook_;
  Prospector prospector_;
  Rng rng_;
  Unasked unasked_;
  int initial_;
  std::optional<std::vector<Genotype>> design_;  // what is left of it
  std::vector<Tried> tried_;                     // in the order of the proposals
  std::map<Genotype, std::size_t> index_;
  std::unordered_set<std::uint64_t> fingerprints_;  // of tried_; never iterated
};

}  // namespace hwnas
