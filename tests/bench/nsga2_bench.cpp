// Evaluations per CPU second of NSGA-II on ZDT1 with 30 variables, ours and, interleaved in the
// same run, that of pagmo2; medians. And the hypervolume (reference 1.1, 1.1; the true front has
// 0.8767) after as many evaluations, mean of the repeats' seeds.
//
// Ours has genes of 256 options each, x = option / 255, and goes through make_searcher's ask and
// tell with batches of the population's size; it never evaluates a genotype twice. pagmo runs
// twice: with real variables, as ZDT1 is meant (simulated binary crossover, polynomial mutation),
// and with the same genes as ours as its integer variables, where quality compares like with like.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <functional>
#include <pagmo/algorithm.hpp>
#include <pagmo/algorithms/nsga2.hpp>
#include <pagmo/config.hpp>
#include <pagmo/population.hpp>
#include <pagmo/problem.hpp>
#include <pagmo/problems/zdt.hpp>

#include "search/pareto.h"
#include "search/searcher.h"

namespace {

constexpr std::size_t kVariables = 30;
constexpr std::size_t kRepeats = 5;

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

struct Result {
  double seconds = 0;
  double volume = 0;
};

std::vector<double> zdt1(const hwnas::Genotype& genotype) {
  int sum = 0;
  for (std::size_t i = 1; i < kVariables; ++i) sum += genotype.genes[i];
  const double f1 = genotype.genes[0] / 255.0;
  const double g = 1 + 9 * (sum / 255.0) / (kVariables - 1);
  return {f1, g * (1 - std::sqrt(f1 / g))};
}

double volume_of(const std::vector<double>& points) {
  return hwnas::hypervolume(points, std::array{1.1, 1.1});
}

Result ours(std::size_t population, std::size_t generations, std::uint64_t seed) {
  hwnas::SearcherOptions options;
  options.cardinalities = std::vector<int>(kVariables, 256);
  options.aims.resize(2);
  options.population = static_cast<int>(population);
  options.seed = seed;
  std::vector<hwnas::Outcome> outcomes(population);
  std::vector<double> all;
  all.reserve(2 * population * generations);
  hwnas::TrialId id = 0;
  const double start = cpu_seconds();
  const auto searcher = hwnas::make_searcher(options);
  for (std::size_t generation = 0; generation < generations; ++generation) {
    std::vector<hwnas::Proposal> proposals = searcher->ask(options.population);
    for (std::size_t i = 0; i < proposals.size(); ++i) {
      outcomes[i].id = id++;
      outcomes[i].genotype = std::move(proposals[i].genotype);
      outcomes[i].objectives = zdt1(outcomes[i].genotype);
      all.insert(all.end(), outcomes[i].objectives.begin(), outcomes[i].objectives.end());
    }
    searcher->tell(outcomes);
  }
  return {cpu_seconds() - start, volume_of(all)};
}

// ZDT1 over integers; a problem of pagmo.
struct IntegerZdt1 {
  pagmo::vector_double fitness(const pagmo::vector_double& x) const {
    double sum = 0;
    for (std::size_t i = 1; i < kVariables; ++i) sum += x[i];
    const double f1 = x[0] / 255.0;
    const double g = 1 + 9 * (sum / 255.0) / (kVariables - 1);
    return {f1, g * (1 - std::sqrt(f1 / g))};
  }
  std::pair<pagmo::vector_double, pagmo::vector_double> get_bounds() const {
    return {pagmo::vector_double(kVariables, 0), pagmo::vector_double(kVariables, 255)};
  }
  pagmo::vector_double::size_type get_nobj() const { return 2; }
  pagmo::vector_double::size_type get_nix() const { return kVariables; }
};

Result theirs(const pagmo::problem& problem, std::size_t population, std::size_t generations,
              std::uint64_t seed) {
  const double start = cpu_seconds();
  const auto seed32 = static_cast<unsigned>(seed);
  pagmo::population individuals(problem, population, seed32);
  const auto evolutions = static_cast<unsigned>(generations - 1);
  const pagmo::algorithm algorithm(pagmo::nsga2(evolutions, 0.9, 10, 1.0 / kVariables, 20, seed32));
  individuals = algorithm.evolve(individuals);
  const double seconds = cpu_seconds() - start;
  std::vector<double> points;
  for (const pagmo::vector_double& f : individuals.get_f())
    points.insert(points.end(), f.begin(), f.end());
  return {seconds, volume_of(points)};
}

struct Series {
  std::array<double, kRepeats> seconds{};
  double volume = 0;

  void add(std::size_t i, const Result& result) {
    seconds[i] = result.seconds;
    volume += result.volume / kRepeats;
  }
  double rate(std::size_t evaluations) {
    std::sort(seconds.begin(), seconds.end());
    return static_cast<double>(evaluations) / seconds[kRepeats / 2];
  }
};

void compare(std::size_t population, std::size_t generations) {
  const pagmo::problem real{pagmo::zdt(1, kVariables)}, integer{IntegerZdt1{}};
  Series a, b, c;
  for (std::size_t i = 0; i < kRepeats; ++i) {
    a.add(i, ours(population, generations, i + 1));
    b.add(i, theirs(real, population, generations, i + 1));
    c.add(i, theirs(integer, population, generations, i + 1));
  }
  const std::size_t n = population * generations;
  const double rate = a.rate(n), real_rate = b.rate(n), integer_rate = c.rate(n);
  std::printf("population %zu, %zu evaluations\n", population, n);
  std::printf("  hwnas, genes      %8.0f/s          hypervolume %.4f\n", rate, a.volume);
  std::printf("  pagmo, reals      %8.0f/s  x%5.2f  hypervolume %.4f\n", real_rate,
              rate / real_rate, b.volume);
  std::printf("  pagmo, integers   %8.0f/s  x%5.2f  hypervolume %.4f\n", integer_rate,
              rate / integer_rate, c.volume);
}

}  // namespace

int main() {
  std::printf("pagmo %s; ZDT1, %zu variables; CPU time, one thread, medians of %zu\n",
              PAGMO_VERSION, kVariables, kRepeats);
  compare(100, 250);
  compare(200, 200);
  compare(1000, 60);
}
