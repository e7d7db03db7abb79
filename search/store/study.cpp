#include "search/store/study.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "search/store/bulk_insert.h"
#include "search/store/database.h"
#include "search/store/front.h"
#include "search/store/front_table.h"
#include "search/store/opening.h"
#include "search/store/schema.h"
#include "search/store/trainings.h"
#include "search/store/trial_rows.h"

namespace hwnas {
namespace {

constexpr double kWorthTiming_s = 1e-3;  // shorter evaluations leave no row in timings
constexpr double kWorthSyncing_s = 1;    // what took longer is not to be lost with the power

}  // namespace

struct Study::Impl {
  OpenStudy open;

  std::optional<FrontTable> front = {};  // of a writer

  bool syncs = false;  // each transaction reaches the disk before commit() returns

  Database& db() { return *open.database; }
  void choose_durability(std::span<const Landed> landed);
  void record_values(std::span<const Landed> landed);
};

Study::Study(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Study::Study(Study&&) noexcept = default;
Study& Study::operator=(Study&&) noexcept = default;
Study::~Study() = default;

Study Study::create_or_resume(const std::filesystem::path& path, const StudyInfo& info,
                              std::span<const StudyDevice> devices) {
  return Study(std::make_unique<Impl>(
      Impl{open_for_writing(path, info, devices), FrontTable(info.objectives)}));
}

Study Study::open_readonly(const std::filesystem::path& path) {
  return Study(std::make_unique<Impl>(Impl{open_for_reading(path), {}}));
}

Study Study::open_for_finals(const std::filesystem::path& path) {
  return Study(std::make_unique<Impl>(Impl{hwnas::open_for_finals(path), {}}));
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
  return read_trial(impl_->db(), id);
}

std::vector<Trial> Study::trials() const {
  Transaction snapshot(impl_->db(), Transaction::For::reading);
  return read_trials(impl_->db());
}

std::vector<Trial> Study::front() const {
  std::vector<Trial> front;
  if (impl_->db().integer("PRAGMA user_version") >= kFrontSince) {
    Transaction snapshot(impl_->db(), Transaction::For::reading);
    std::vector<TrialId> ids;
    Statement& row = impl_->db().cached(
        "SELECT f.trial FROM front f JOIN trials t ON t.id = f.trial "
        "WHERE t.state = 'complete' ORDER BY f.trial");
    while (row.step()) ids.push_back(row.integer(0));
    row.reset();
    for (const TrialId id : ids) {
      if (auto one = read_trial(impl_->db(), id)) front.push_back(std::move(*one));
    }
    return front;
  }
  std::vector<Trial> all = trials();  // an older study, only read
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
  impl_->front->admitted(trials);
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

std::vector<Study::Told> Study::schedule() const {
  std::vector<Told> all;
  if (impl_->db().integer("PRAGMA user_version") < kScheduleSince) return all;
  Statement& row = impl_->db().cached("SELECT trial, proposals FROM schedule ORDER BY position");
  while (row.step()) all.push_back({row.integer(0), row.integer(1)});
  row.reset();
  return all;
}

// What took long to compute is on the disk when the call returns, as far as the disk tells the
// truth: it survives a loss of power. For the rest the file stays whole, and work is done again.
void Study::Impl::choose_durability(std::span<const Landed> landed) {
  const bool costly = std::any_of(landed.begin(), landed.end(), [](const Landed& one) {
    return one.evaluation && one.evaluation->seconds >= kWorthSyncing_s;
  });
  if (costly == syncs) return;
  db().execute(costly ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
  syncs = costly;
}

void Study::record(std::span<const Landed> landed) {
  impl_->choose_durability(landed);
  Transaction transaction(impl_->db(), Transaction::For::writing);
  impl_->record_values(landed);
  Statement& update =
      impl_->db().cached("UPDATE trials SET state = ?, stage = ?, reason = ? WHERE id = ?");
  for (const Landed& one : landed) {
    update.bind(1, to_string(one.state)).bind(2, one.stage).bind(3, one.reason);
    update.bind(4, one.trial).run();
  }
  Statement& told = impl_->db().cached("INSERT INTO schedule (trial, proposals) VALUES (?, ?)");
  for (const Landed& one : landed) {
    if (one.told) told.bind(1, one.trial).bind(2, *one.told).run();
  }
  impl_->front->recorded(impl_->db(), landed);
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
      {"curves", "trial, stage, epoch"},
      {"schedule", "position"}};
  std::string text;
  const bool curves = has_trainings(impl_->db());
  const std::int64_t schema = impl_->db().integer("PRAGMA user_version");
  for (const auto& [table, key] : tables) {
    if (!curves && std::string_view(table) == "curves") continue;  // an older study, only read
    if (schema < kScheduleSince && std::string_view(table) == "schedule") continue;
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
