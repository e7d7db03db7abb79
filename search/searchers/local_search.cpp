#include "search/searchers/local_search.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace hwnas {
namespace {

// As good as b in every respect, by Deb's rule; what is complete covers what was stopped at a rung.
bool covers(const Individual& a, const Individual& b) {
  if (a.violation > 0 || b.violation > 0) return a.violation <= b.violation;
  if (a.rung != b.rung) return came_farther(a, b);
  return std::equal(a.objectives.begin(), a.objectives.end(), b.objectives.begin(),
                    std::less_equal<>());
}

}  // namespace

LocalSearch::LocalSearch(const SearcherOptions& options)
    : rng_(options.seed), unasked_(options.cardinalities) {}

std::vector<Proposal> LocalSearch::ask(int n) {
  assert(n >= 1);
  std::vector<Proposal> proposals;
  while (static_cast<int>(proposals.size()) < n) {
    std::optional<Proposal> proposal = propose();
    if (!proposal) break;
    proposals.push_back(std::move(*proposal));
  }
  return proposals;
}

void LocalSearch::tell(std::span<const Outcome> outcomes) {
  told_ += static_cast<std::int64_t>(outcomes.size());
  for (Individual& individual : intake_.take(outcomes)) {
    Visit& visit = visits_[individual.genotype];
    if (visit.climb == climb_) consider(individual);
    if (visit.climb > climb_) starts_.push_back(individual);
    visit.individual = std::move(individual);
  }
}

// A climb is over when all around its archive is known, or was in flight and should be told by now:
// outcomes may come in any order, but as many have come as were asked until it last asked. Until
// then what is asked are starts of the next one.
std::optional<Proposal> LocalSearch::propose() {
  if (unasked_.empty()) return std::nullopt;
  for (;;) {
    if (std::optional<Proposal> proposal = neighbour()) return proposal;
    if (archive_.empty()) return start(climb_);
    if (told_ < last_asked_) return start(climb_ + 1);
    ++climb_;
    archive_.clear();
    for (const Individual& individual : std::exchange(starts_, {})) consider(individual);
  }
}

std::optional<Proposal> LocalSearch::neighbour() {
  while (Member* member = next_member()) {
    Genotype genotype = member->individual.genotype;
    const Move move = member->moves.back();
    member->moves.pop_back();
    genotype.genes[move.gene] = move.option;
    if (unasked_.claim(genotype)) {
      visits_[genotype].climb = climb_;
      last_asked_ = ++asked_;
      return Proposal{std::move(genotype), {member->individual.id}, "neighbour"};
    }
    if (const auto& known = visits_[genotype].individual) consider(*known);
  }
  return std::nullopt;
}

std::optional<Proposal> LocalSearch::start(std::int64_t climb) {
  std::optional<Genotype> genotype = unasked_.draw(rng_);
  if (!genotype) return std::nullopt;
  visits_[*genotype].climb = climb;
  ++asked_;
  if (climb == climb_) last_asked_ = asked_;
  return Proposal{std::move(*genotype), {}, "sample"};
}

void LocalSearch::consider(const Individual& individual) {
  const bool covered = std::any_of(archive_.begin(), archive_.end(), [&](const Member& member) {
    return covers(member.individual, individual);
  });
  if (covered) return;
  std::erase_if(archive_,
                [&](const Member& member) { return covers(individual, member.individual); });
  archive_.push_back({individual, moves(individual.genotype)});
  std::vector<Individual*> front;
  for (Member& member : archive_) front.push_back(&member.individual);
  set_crowding(front);
}

std::vector<LocalSearch::Move> LocalSearch::moves(const Genotype& genotype) {
  std::vector<Move> moves;
  for (std::size_t gene = 0; gene < genotype.genes.size(); ++gene) {
    for (int option = 0; option < unasked_.cardinalities()[gene]; ++option) {
      if (option == genotype.genes[gene]) continue;
      moves.push_back({static_cast<std::uint16_t>(gene), static_cast<std::uint8_t>(option)});
    }
  }
  rng_.shuffle(moves);
  return moves;
}

// Of those with moves left the least crowded; ties: whoever entered first.
LocalSearch::Member* LocalSearch::next_member() {
  Member* next = nullptr;
  for (Member& member : archive_) {
    if (member.moves.empty()) continue;
    if (!next || member.individual.crowding > next->individual.crowding) next = &member;
  }
  return next;
}

}  // namespace hwnas
