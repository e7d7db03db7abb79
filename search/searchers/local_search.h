// Local search: descent over all neighbours, the genotypes that differ in one gene.
//
// A climb starts at a random genotype. Neighbours of what it has found best are asked in random
// order, a better one takes over at once (first improvement), and where no neighbour is better the
// next climb starts. With several objectives a climb keeps all that nothing beats, Pareto local
// search (Paquete et al. 2004, doi:10.1007/978-3-642-17144-4_7), and explores next to those with
// the most room around them in the objectives. Broken bounds count by Deb's rule. Outcomes that
// earlier climbs were told are used without being asked again.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "search/searcher.h"
#include "search/searchers/individual.h"
#include "search/searchers/unasked.h"

namespace hwnas {

class LocalSearch : public Searcher {
 public:
  explicit LocalSearch(const SearcherOptions& options);

  std::vector<Proposal> ask(int n) override;
  void tell(std::span<const Outcome> outcomes) override;

 private:
  struct Move {
    std::uint16_t gene;
    std::uint8_t option;
  };
  struct Member {
    Individual individual;
    std::vector<Move> moves;  // not looked at yet, in random order
  };
  struct Visit {
    std::int64_t climb = 0;                // that it was asked for
    std::optional<Individual> individual;  // once told
  };

  std::optional<Proposal> propose();
  std::optional<Proposal> neighbour();
  std::optional<Proposal> start(std::int64_t climb);
  void consider(const Individual& individual);
  std::vector<Move> moves(const Genotype& genotype);
  Member* next_member();

  Rng rng_;
  Unasked unasked_;
  Intake intake_;
  std::map<Genotype, Visit> visits_;
  std::vector<Member> archive_;     // what the climb has found and nothing beats
  std::vector<Individual> starts_;  // of the next climb
  std::int64_t climb_ = 0;
  std::int64_t asked_ = 0, told_ = 0;
  std::int64_t last_asked_ = 0;  // asked_ when the climb last asked
};

}  // namespace hwnas
