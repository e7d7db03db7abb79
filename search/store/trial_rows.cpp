#include "search/store/trial_rows.h"

namespace hwnas {
namespace {

std::vector<TrialId> parse_parents(std::string_view text) {
  std::vector<TrialId> parents;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] < '0' || text[i] > '9') continue;
    TrialId id = 0;
    for (; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i) id = id * 10 + (text[i] - '0');
    parents.push_back(id);
  }
  return parents;
}

Trial trial_at(const Statement& row) {
  Trial trial;
  trial.id = row.integer(0);
  trial.genotype = parse_genotype(row.text(1));
  trial.fingerprint = static_cast<std::uint64_t>(row.integer(2));
  trial.seed = static_cast<std::uint64_t>(row.integer(3));
  trial.parents = parse_parents(row.text(4));
  trial.origin = row.text(5);
  trial.state = parse_trial_state(row.text(6)).value_or(TrialState::failed);
  trial.stage = row.text(7);
  trial.reason = row.text(8);
  return trial;
}

// From column 1 on: metric, device, source, fidelity, value, stddev.
Measurement measurement_at(const Statement& row) {
  Measurement m;
  m.key = {parse_metric(row.text(1)).value_or(Metric::accuracy), std::string(row.text(2))};
  m.source = parse_source(row.text(3)).value_or(Source::analytic);
  m.fidelity = row.real(4);
  m.value = row.real(5);
  if (!row.is_null(6)) m.stddev = row.real(6);
  return m;
}

}  // namespace

std::string parents_text(const std::vector<TrialId>& parents) {
  std::string text = "[";
  for (std::size_t i = 0; i < parents.size(); ++i) {
    if (i > 0) text += ",";
    text += std::to_string(parents[i]);
  }
  return text + "]";
}

std::optional<Trial> read_trial(Database& db, TrialId id) {
  Statement& row = db.cached(
      "SELECT id, genotype, fingerprint, seed, parents, origin, state, stage, reason "
      "FROM trials WHERE id = ?");
  if (!row.bind(1, id).step()) return std::nullopt;
  Trial trial = trial_at(row);
  row.reset();
  Statement& values = db.cached(
      "SELECT trial, metric, device, source, fidelity, value, stddev FROM measurements "
      "WHERE trial = ? ORDER BY metric, device, source, fidelity");
  values.bind(1, id);
  while (values.step()) trial.measurements.push_back(measurement_at(values));
  values.reset();
  return trial;
}

std::vector<Trial> read_trials(Database& db) {
  std::vector<Trial> trials;
  Statement& row = db.cached(
      "SELECT id, genotype, fingerprint, seed, parents, origin, state, stage, reason "
      "FROM trials ORDER BY id");
  while (row.step()) trials.push_back(trial_at(row));
  row.reset();
  Statement& values = db.cached(
      "SELECT trial, metric, device, source, fidelity, value, stddev FROM measurements "
      "ORDER BY trial, metric, device, source, fidelity");
  std::size_t at = 0;
  while (values.step()) {
    while (trials[at].id != values.integer(0)) ++at;
    trials[at].measurements.push_back(measurement_at(values));
  }
  values.reset();
  return trials;
}

}  // namespace hwnas
