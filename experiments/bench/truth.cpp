#include "experiments/bench/truth.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <unordered_set>

#include "search/engine/scheduler.h"
#include "search/pareto.h"
#include "search/trial.h"
#include "space/input_error.h"

namespace hwnas {
namespace {

constexpr std::int64_t kLargest = 2'000'000;  // genotypes

struct Scanned {
  enum class Kind : std::uint8_t { feasible, infeasible, impossible, failed, lacking };
  std::uint64_t identity = 0;
  Kind kind = Kind::feasible;
  std::vector<double> point;  // minimised; of the feasible
  std::string reason;         // of the failed and the lacking
};

Genotype genotype_at(std::int64_t index, const std::vector<int>& cardinalities) {
  Genotype genotype;
  genotype.genes.resize(cardinalities.size());
  for (std::size_t g = cardinalities.size(); g-- > 0;) {
    genotype.genes[g] = static_cast<std::uint8_t>(index % cardinalities[g]);
    index /= cardinalities[g];
  }
  return genotype;
}

// Everything that a trial would be told, for nothing.
Scanned look(const Experiment& experiment, const std::vector<ArchitectureTables::Column>& columns,
             const Genotype& genotype) {
  using Kind = Scanned::Kind;
  Scanned result;
  Candidate candidate;
  try {
    candidate = experiment.space().decode(genotype);
  } catch (const std::exception& error) {
    return {hash(genotype), Kind::failed, {}, error.what()};
  }
  result.identity = experiment.candidate_identity(candidate);
  std::optional<Network> network = live(std::move(candidate.network));
  if (!network) return {result.identity, Kind::impossible, {}, ""};
  candidate.network = std::move(*network);
  Evaluation known;
  if (experiment.tables()) experiment.tables()->look_up(columns, genotype, known);
  if (!known.failure.empty()) return {result.identity, Kind::lacking, {}, known.failure};
  const Evaluation price = experiment.pricing().price(candidate);
  if (!price.failure.empty()) return {result.identity, Kind::failed, {}, price.failure};
  Trial trial;
  trial.measurements = price.measurements;
  trial.measurements.insert(trial.measurements.end(), known.measurements.begin(),
                            known.measurements.end());
  for (const Objective& o : experiment.objectives()) {
    const Measurement* m = find(trial, o.key);
    if (!m || !std::isfinite(m->value))
      return {result.identity, Kind::failed, {}, "no stage gave " + to_text(o.key)};
    if (o.violation(m->value) > 0) result.kind = Kind::infeasible;
    if (o.optimised) result.point.push_back(o.minimised(m->value));
  }
  return result;
}

std::vector<ArchitectureTables::Column> needed_columns(const Experiment& experiment) {
  std::vector<ArchitectureTables::Column> columns;
  const ArchitectureTables* tables = experiment.tables();
  if (!tables) return columns;
  for (const auto& stage : tables->stages(experiment.objectives(), {}))
    columns.insert(columns.end(), stage.columns.begin(), stage.columns.end());
  for (const auto& column : tables->known(experiment.objectives()))
    if (column.required) columns.push_back(column);
  return columns;
}

void check(const Experiment& experiment) {
  const std::string& file = experiment.config().file;
  if (experiment.config().training)
    throw InputError(file, 0, "", "",
                     "trains its candidates; a bench needs a space whose every architecture is in "
                     "[[tables]] or known to cost models");
  if (experiment.space().log10_size() <= std::log10(kLargest)) return;
  char size[32];
  std::snprintf(size, sizeof size, "10^%.1f", experiment.space().log10_size());
  std::size_t rows = 0;
  if (experiment.tables()) {
    for (const ArchitectureTable& table : experiment.tables()->tables())
      rows = std::max(rows, table.rows());
  }
  throw InputError(file, 0, "", "",
                   "space '" + experiment.space().name() + "' has " + size + " architectures" +
                       (rows > 0 ? ", the tables hold at most " + std::to_string(rows) : "") +
                       "; a bench needs the truth about all of them, and 2 million at most");
}

void add_front(Truth& truth, const Experiment& experiment, const std::vector<double>& points) {
  std::vector<const Objective*> objectives;
  for (const Objective& o : experiment.objectives())
    if (o.optimised) objectives.push_back(&o);
  const std::size_t m = objectives.size();
  truth.ideal.assign(m, std::numeric_limits<double>::infinity());
  truth.reference.assign(m, -std::numeric_limits<double>::infinity());
  for (std::size_t i = 0; i < points.size(); ++i) {
    truth.ideal[i % m] = std::min(truth.ideal[i % m], points[i]);
    truth.reference[i % m] = std::max(truth.reference[i % m], points[i]);
  }
  for (std::size_t j = 0; j < m; ++j) {
    if (objectives[j]->reference)
      truth.reference[j] = objectives[j]->minimised(*objectives[j]->reference);
  }
  const std::vector<int> front = pareto_front(points, static_cast<int>(m));
  std::vector<double> best;
  for (const int at : front) {
    const auto begin =
        points.begin() + static_cast<std::ptrdiff_t>(at) * static_cast<std::ptrdiff_t>(m);
    best.insert(best.end(), begin, begin + static_cast<std::ptrdiff_t>(m));
  }
  truth.front = front.size();
  truth.hypervolume = hypervolume(best, truth.reference);
  if (!(truth.hypervolume > 0))
    throw InputError(experiment.config().file, 0, "", "",
                     "no architecture is better than the references of all objectives");
}

Truth add_up(const Experiment& experiment, const std::vector<Scanned>& all) {
  Truth truth;
  std::unordered_set<std::uint64_t> seen;  // asked only
  std::vector<double> points;
  std::int64_t lacking = 0;
  std::string first_lack, first_failure;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Scanned& one = all[i];
    if (!seen.insert(one.identity).second) continue;
    ++truth.architectures;
    switch (one.kind) {
      case Scanned::Kind::feasible:
        ++truth.feasible;
        points.insert(points.end(), one.point.begin(), one.point.end());
        break;
      case Scanned::Kind::infeasible:
        break;
      case Scanned::Kind::impossible:
        truth.impossible.push_back(
            genotype_at(static_cast<std::int64_t>(i), experiment.space().cardinalities()));
        break;
      case Scanned::Kind::failed:
        if (truth.failed++ == 0) first_failure = one.reason;
        break;
      case Scanned::Kind::lacking:
        if (lacking++ == 0) first_lack = one.reason;
        break;
    }
  }
  const std::string& file = experiment.config().file;
  if (lacking > 0)
    throw InputError(
        file, 0, "", "",
        std::to_string(lacking) + " of " + std::to_string(truth.architectures) +
            " architectures lack in the tables; a bench needs them all; the first: " + first_lack);
  if (truth.feasible == 0)
    throw InputError(file, 0, "", "",
                     "no architecture meets the bounds" +
                         (first_failure.empty() ? "" : "; the first failure: " + first_failure));
  add_front(truth, experiment, points);
  return truth;
}

}  // namespace

Truth scan(const Experiment& experiment, int threads, std::stop_token stop) {
  check(experiment);
  std::int64_t size = 1;
  for (const int cardinality : experiment.space().cardinalities()) size *= cardinality;
  const auto columns = needed_columns(experiment);
  std::vector<Scanned> all(static_cast<std::size_t>(size));
  constexpr int kBlock = 256;
  parallel_for(static_cast<int>((size + kBlock - 1) / kBlock), threads, [&](int block) {
    const std::int64_t begin = std::int64_t{block} * kBlock;
    for (std::int64_t i = begin; i < std::min(size, begin + kBlock); ++i) {
      if (stop.stop_requested()) return;
      all[static_cast<std::size_t>(i)] =
          look(experiment, columns, genotype_at(i, experiment.space().cardinalities()));
    }
  });
  if (stop.stop_requested()) return {};
  return add_up(experiment, all);
}

}  // namespace hwnas
