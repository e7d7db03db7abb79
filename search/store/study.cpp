#include "search/store/study.h"

#include <cmath>
#include <utility>

#include "search/store/bulk_insert.h"
#include "search/store/database.h"
#include "search/store/front.h"
#include "search/store/opening.h"
#include "search/store/trainings.h"

namespace hwnas {
namespace {

constexpr double kWorthTiming_s = 1e-3;  // shorter evaluations leave no row in timings

std::string parents_text(const std::vector<TrialId>& parents) {
  std::string text = "[";
  for (std::size_t i = 0; i < parents.size(); ++i) {
    if (i > 0) text += ",";
    text += std::to_string(parents[i]);
  }
  return text + "]";
}

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

struct Study::Impl {
  OpenStudy open;

  Database& db() { return *open.database; }
  void record_values(std::span<const Landed> landed);
};

Study::Study(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Study::Study(Study&&) noexcept = default;
Study& Study::operator=(Study&&) noexcept = default;
Study::~Study() = default;

Study Study::create_or_resume(const std::filesystem::path& path, const StudyInfo& info,
                              std::span<const StudyDevice> devices) {
  return Study(std::make_unique<Impl>(Impl{open_for_writing(path, info, devices)}));
}

Study Study::open_readonly(const std::filesystem::path& path) {
  return Study(std::make_unique<Impl>(Impl{open_for_reading(path)}));
}

Study Study::open_for_finals(const std::filesystem::path& path) {
  return Study(std::make_unique<Impl>(Impl{hwnas::open_for_finals(path)}));
}

const StudyInfo& Study::info() const {
  return impl_->open.info;
}

std::vector<StudyDevice> Study::devices() const {
  return read_devices(impl_->db());
}

std::int64_t Study::trial_count() const {
  return impl_->db().integer("SELECT count(*) FROM trials");
}

std::optional<Trial> Study::trial(TrialId id) const {
  Transaction snapshot(impl_->db(), Transaction::For::reading);
  Statement& row = impl_->db().cached(
      "SELECT id, genotype, fingerprint, seed, parents, origin, state, stage, reason "
      "FROM trials WHERE id = ?");
  if (!row.bind(1, id).step()) return std::nullopt;
  Trial trial = trial_at(row);
  row.reset();
  Statement& values = impl_->db().cached(
      "SELECT trial, metric, device, source, fidelity, value, stddev FROM measurements "
      "WHERE trial = ? ORDER BY metric, device, source, fidelity");
  values.bind(1, id);
  while (values.step()) trial.measurements.push_back(measurement_at(values));
  values.reset();
  return trial;
}

std::vector<Trial> Study::trials() const {
  Transaction snapshot(impl_->db(), Transaction::For::reading);
  std::vector<Trial> trials;
  Statement& row = impl_->db().cached(
      "SELECT id, genotype, fingerprint, seed, parents, origin, state, stage, reason "
      "FROM trials ORDER BY id");
  while (row.step()) trials.push_back(trial_at(row));
  row.reset();
  Statement& values = impl_->db().cached(
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

std::vector<Trial> Study::front() const {
  std::vector<Trial> all = trials();
  std::vector<Trial> front;
  for (const std::size_t at : front_of(all, info().objectives)) front.push_back(std::move(all[at]));
  return front;
}

std::vector<Artifact> Study::artifacts(TrialId id) const {
  std::vector<Artifact> artifacts;
  Statement& row =
      impl_->db().cached("SELECT kind, path FROM artifacts WHERE trial = ? ORDER BY kind, path");
  row.bind(1, id);
  while (row.step()) artifacts.push_back({std::string(row.text(0)), std::string(row.text(1))});
  row.reset();
  return artifacts;
}

std::vector<CurvePoint> Study::curve(TrialId id, std::string_view stage) const {
  return read_curve(impl_->db(), id, stage);
}

std::vector<std::string> Study::curve_stages(TrialId id) const {
  return read_curve_stages(impl_->db(), id);
}

std::string Study::environment(TrialId id, std::string_view stage) const {
  return read_environment(impl_->db(), id, stage);
}

std::vector<FinalTraining> Study::finals(TrialId id) const {
  return read_finals(impl_->db(), id);
}

std::vector<TrialId> Study::trained_in_full() const {
  return read_trained_in_full(impl_->db());
}

void Study::record_final(const FinalTraining& final) {
  Transaction transaction(impl_->db(), Transaction::For::writing);
  write_final(impl_->db(), final);
  transaction.commit();
}

void Study::admit(std::span<const Trial> trials) {
  Transaction transaction(impl_->db(), Transaction::For::writing);
  BulkInsert rows(impl_->db(), "INSERT INTO trials VALUES", 9);
  std::vector<std::string> genotypes, parents;  // alive until finish()
  genotypes.reserve(trials.size());
  parents.reserve(trials.size());
  for (const Trial& trial : trials) {
    genotypes.push_back(to_text(trial.genotype));
    parents.push_back(parents_text(trial.parents));
    rows.integer(trial.id).text(genotypes.back());
    rows.integer(static_cast<std::int64_t>(trial.fingerprint));
    rows.integer(static_cast<std::int64_t>(trial.seed));
    rows.text(parents.back()).text(trial.origin);
    rows.text(to_string(trial.state)).text(trial.stage).text(trial.reason);
  }
  rows.finish();
  transaction.commit();
}

void Study::Impl::record_values(std::span<const Landed> landed) {
  BulkInsert values(db(), "INSERT INTO measurements VALUES", 7);
  BulkInsert artifacts(db(), "INSERT INTO artifacts VALUES", 3);
  BulkInsert curves(db(), "INSERT INTO curves VALUES", 5);
  BulkInsert timings(db(), "INSERT INTO timings VALUES", 4);
  for (const Landed& one : landed) {
    if (!one.evaluation) continue;
    for (const Measurement& m : one.evaluation->measurements) {
      values.integer(one.trial).text(to_string(m.key.metric)).text(m.key.device);
      values.text(to_string(m.source)).real(m.fidelity).real(m.value);
      m.stddev ? values.real(*m.stddev) : values.null();
    }
    for (const Artifact& artifact : one.evaluation->artifacts) {
      artifacts.integer(one.trial).text(artifact.kind).text(artifact.path);
    }
    for (const CurvePoint& point : one.evaluation->curve) {
      curves.integer(one.trial).text(one.stage).integer(point.epoch).real(point.loss);
      point.accuracy ? curves.real(*point.accuracy) : curves.null();
    }
    if (one.evaluation->seconds >= kWorthTiming_s) {
      timings.integer(one.trial).text(one.stage).real(one.evaluation->seconds);
      timings.text(one.evaluation->environment);
    }
  }
  values.finish();
  artifacts.finish();
  curves.finish();
  timings.finish();
}

void Study::record(std::span<const Landed> landed) {
  Transaction transaction(impl_->db(), Transaction::For::writing);
  impl_->record_values(landed);
  Statement& update =
      impl_->db().cached("UPDATE trials SET state = ?, stage = ?, reason = ? WHERE id = ?");
  for (const Landed& one : landed) {
    update.bind(1, to_string(one.state)).bind(2, one.stage).bind(3, one.reason);
    update.bind(4, one.trial).run();
  }
  transaction.commit();
}

std::optional<double> Study::score(std::uint64_t network, std::string_view name) const {
  Statement& row = impl_->db().cached("SELECT value FROM proxies WHERE network = ? AND name = ?");
  std::optional<double> value;
  if (row.bind(1, static_cast<std::int64_t>(network)).bind(2, name).step())
    value = row.is_null(0) ? std::nan("") : row.real(0);
  row.reset();
  return value;
}

void Study::record(std::span<const Score> scores) {
  Transaction transaction(impl_->db(), Transaction::For::writing);
  Statement& insert = impl_->db().cached("INSERT OR IGNORE INTO proxies VALUES (?, ?, ?)");
  for (const Score& score : scores) {
    insert.bind(1, static_cast<std::int64_t>(score.network)).bind(2, score.name);
    std::isnan(score.value) ? insert.bind_null(3) : insert.bind(3, score.value);
    insert.run();
  }
  transaction.commit();
}

std::string Study::dump() const {
  Transaction snapshot(impl_->db(), Transaction::For::reading);
  const std::pair<const char*, const char*> tables[] = {
      {"runs", "id"},
      {"objectives", "position"},
      {"devices", "name"},
      {"trials", "id"},
      {"measurements", "trial, metric, device, source, fidelity"},
      {"artifacts", "trial, kind, path"},
      {"proxies", "network, name"},
      {"curves", "trial, stage, epoch"}};
  std::string text;
  const bool curves = has_trainings(impl_->db());
  for (const auto& [table, key] : tables) {
    if (!curves && std::string_view(table) == "curves") continue;  // an older study, only read
    const std::unique_ptr<Statement> row =
        impl_->db().prepare(std::string("SELECT * FROM ") + table + " ORDER BY " + key);
    while (row->step()) {
      text += table;
      for (int column = 0; column < row->columns(); ++column) text += "|" + row->dumped(column);
      text += "\n";
    }
  }
  return text;
}

}  // namespace hwnas
