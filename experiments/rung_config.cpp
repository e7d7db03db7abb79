#include "experiments/rung_config.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "experiments/run_config.h"

namespace hwnas {
namespace {

constexpr double kLeastKeep = 0.001;
constexpr double kKeptOfASurrogate = 1.0 / 3;

std::string text_of(double value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

// The metrics of tables that objectives or bounds name.
std::vector<TableMetric> needed_metrics(const RunConfig& config) {
  std::vector<TableMetric> needed;
  for (const TableConfig& table : config.tables) {
    for (const TableMetric& m : table.metrics) {
      if (std::any_of(config.objectives.begin(), config.objectives.end(),
                      [&m](const Objective& o) { return o.key == m.key; })) {
        needed.push_back(m);
      }
    }
  }
  return needed;
}

// What the highest fidelities charge together.
double full_cost(const RunConfig& config) {
  double cost = 0;
  for (const TableMetric& m : needed_metrics(config)) {
    if (m.fidelity == highest(config.tables, m.key)->fidelity) cost += m.cost;
  }
  return cost;
}

std::vector<RungConfig> read_fidelities(const TomlTable& table, const RunConfig& config) {
  const std::vector<TableMetric> needed = needed_metrics(config);
  std::vector<RungConfig> rungs;
  for (const double fidelity : table.numbers("fidelities")) {
    RungConfig& rung = rungs.emplace_back();
    rung.fidelity = fidelity;
    bool known = false;
    for (const TableMetric& m : needed) {
      const TableMetric& full = *highest(config.tables, m.key);
      if (m.fidelity != fidelity || m.fidelity >= full.fidelity || full.cost <= 0) continue;
      known = true;
      rung.cost += m.cost;
    }
    if (!known)
      throw table.error("fidelities", "no objective is in a table at fidelity " +
                                          text_of(fidelity) + " and, at a cost, at a higher one");
  }
  return rungs;
}

std::vector<RungConfig> read_stages(const TomlTable& table, const RunConfig& config) {
  std::vector<RungConfig> rungs;
  for (const TomlTable& stage : table.tables("stages")) {
    if (!config.training)
      throw table.error("stages",
                        "are trainings; here look-ups in tables are rungs: "
                        "write fidelities = [...]");
    RungConfig& rung = rungs.emplace_back();
    rung.epochs = static_cast<int>(stage.integer("epochs", 1, 100'000, config.training->epochs));
    rung.data_share = stage.number("data_share", 0.001, 1, 1.0);
    rung.fidelity = rung.cost = rung.epochs * rung.data_share;
    if (rung.fidelity >= config.training->epochs)
      throw stage.error("epochs", "is no less than the full training of " +
                                      std::to_string(config.training->epochs) +
                                      (config.training->epochs == 1 ? " epoch" : " epochs") +
                                      "; a rung has fewer epochs or a data_share below 1");
    stage.done();
  }
  return rungs;
}

}  // namespace

std::vector<RungConfig> read_rungs(const TomlTable& file, const RunConfig& config) {
  const auto table = file.maybe_table("rungs");
  if (!table) return {};
  std::vector<RungConfig> rungs = read_stages(*table, config);
  const bool trained = !rungs.empty();
  if (!trained) rungs = read_fidelities(*table, config);
  if (rungs.empty())
    throw file.error("rungs",
                     "has no rung; give fidelities = [...] of [[tables]], or "
                     "[[rungs.stages]] of a training");
  const auto rising = [](const RungConfig& a, const RungConfig& b) {
    return a.fidelity >= b.fidelity;
  };
  if (std::adjacent_find(rungs.begin(), rungs.end(), rising) != rungs.end())
    throw table->error(trained ? "stages" : "fidelities",
                       "a rung tells more than the one before it: expected rising order");
  const double keep = table->number("keep", kLeastKeep, 0.999, 0.0);
  for (std::size_t i = 0; i < rungs.size(); ++i) {
    const double full = trained ? config.training->epochs : full_cost(config);
    const double next = i + 1 < rungs.size() ? rungs[i + 1].cost : full;
    const bool surrogate = config.search.algorithm == Algorithm::surrogate;
    const double least = surrogate ? kKeptOfASurrogate : kLeastKeep;
    rungs[i].keep = keep > 0 ? keep : std::max(least, rungs[i].cost / next);
    if (!(rungs[i].keep < 1))
      throw table->error("keep", "is missing; the rung at fidelity " + text_of(rungs[i].fidelity) +
                                     " costs no less than what follows it");
  }
  (void)table->boolean("continue", false);  // read_continue()
  table->done();
  return rungs;
}

bool read_continue(const TomlTable& file, RunConfig& config) {
  constexpr double kUsualCooldown = 0.2;
  const auto table = file.maybe_table("rungs");
  if (!table || !table->boolean("continue", false)) return false;
  if (!config.training)
    throw table->error("continue", "is for trainings; look-ups in tables have no state");
  if (config.training->cooldown <= 0) config.training->cooldown = kUsualCooldown;
  return true;
}

int usual_batch(const std::vector<RungConfig>& rungs) {
  constexpr double kThrough = 2, kMost = 100;
  double share = 1;
  for (const RungConfig& rung : rungs) share *= rung.keep;
  return static_cast<int>(std::lround(std::min(kMost, kThrough / share)));
}

std::string deciding_settings(const std::vector<RungConfig>& rungs) {
  std::ostringstream out;
  out.precision(17);
  for (const RungConfig& rung : rungs) {
    out << "rung " << rung.fidelity << " keeps " << rung.keep;
    if (rung.epochs > 0)
      out << ", " << rung.epochs << " epochs on " << rung.data_share << " of the images";
    out << '\n';
  }
  return out.str();
}

}  // namespace hwnas
