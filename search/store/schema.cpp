#include "search/store/schema.h"

#include <algorithm>

namespace hwnas {
namespace {

// IN with a list of more than two would build a table for every row that is checked.
constexpr const char* kVersion1 = R"sql(
CREATE TABLE runs (
  id        INTEGER PRIMARY KEY CHECK (id = 1),
  name      TEXT NOT NULL,
  version   TEXT NOT NULL,
  config    TEXT NOT NULL,
  settings  TEXT NOT NULL,
  space     TEXT NOT NULL,
  channels  INTEGER NOT NULL,
  height    INTEGER NOT NULL,
  width     INTEGER NOT NULL,
  classes   INTEGER NOT NULL,
  algorithm TEXT NOT NULL,
  seed      INTEGER NOT NULL,
  identity  TEXT NOT NULL
) STRICT;
CREATE TABLE objectives (
  position  INTEGER PRIMARY KEY,
  metric    TEXT NOT NULL,
  device    TEXT NOT NULL,
  optimised INTEGER NOT NULL CHECK (optimised IN (0, 1)),
  bound     REAL,
  reference REAL,
  ideal     REAL
) STRICT;
CREATE TABLE devices (
  name TEXT PRIMARY KEY,
  hash TEXT NOT NULL,
  text TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE trials (
  id          INTEGER PRIMARY KEY,
  genotype    TEXT NOT NULL,
  fingerprint INTEGER NOT NULL,
  seed        INTEGER NOT NULL,
  parents     TEXT NOT NULL,
  origin      TEXT NOT NULL,
  state       TEXT NOT NULL CHECK (state = 'complete' OR state = 'running' OR state = 'infeasible' OR state = 'failed'),
  stage       TEXT NOT NULL,
  reason      TEXT NOT NULL
) STRICT;
CREATE TABLE measurements (
  trial    INTEGER NOT NULL REFERENCES trials (id),
  metric   TEXT NOT NULL,
  device   TEXT NOT NULL,
  source   TEXT NOT NULL CHECK (source = 'analytic' OR source = 'predicted' OR source = 'trained' OR source = 'measured'),
  fidelity REAL NOT NULL,
  value    REAL NOT NULL,
  stddev   REAL,
  PRIMARY KEY (trial, metric, device, source, fidelity)
) STRICT, WITHOUT ROWID;
CREATE TABLE artifacts (
  trial INTEGER NOT NULL REFERENCES trials (id),
  kind  TEXT NOT NULL,
  path  TEXT NOT NULL,
  PRIMARY KEY (trial, kind, path)
) STRICT, WITHOUT ROWID;
CREATE TABLE timings (
  trial   INTEGER NOT NULL REFERENCES trials (id),
  stage   TEXT NOT NULL,
  seconds REAL NOT NULL,
  PRIMARY KEY (trial, stage)
) STRICT, WITHOUT ROWID;
CREATE TABLE sources (
  name TEXT PRIMARY KEY,
  rank INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO sources VALUES ('analytic', 0), ('predicted', 1), ('trained', 2), ('measured', 3);
CREATE VIEW front_sources AS
  SELECT position, metric, device,
    (SELECT s.name FROM sources s WHERE EXISTS
      (SELECT 1 FROM trials t JOIN measurements m ON m.trial = t.id
       WHERE t.state = 'complete' AND m.metric = o.metric AND m.device = o.device
         AND m.source = s.name)
     ORDER BY s.rank DESC LIMIT 1) AS source
  FROM objectives o WHERE optimised;
)sql";

// Stopped trials, and fronts of one fidelity. SQLite cannot alter a CHECK: the table is made anew.
// The caller makes the views of study_views() anew too.
constexpr const char* kVersion2 = R"sql(
DROP VIEW IF EXISTS pareto_front;
DROP VIEW IF EXISTS trial_wide;
DROP VIEW front_sources;
CREATE TABLE new_trials (
  id          INTEGER PRIMARY KEY,
  genotype    TEXT NOT NULL,
  fingerprint INTEGER NOT NULL,
  seed        INTEGER NOT NULL,
  parents     TEXT NOT NULL,
  origin      TEXT NOT NULL,
  state       TEXT NOT NULL CHECK (state = 'complete' OR state = 'running' OR state = 'infeasible' OR state = 'failed' OR state = 'stopped'),
  stage       TEXT NOT NULL,
  reason      TEXT NOT NULL
) STRICT;
INSERT INTO new_trials SELECT * FROM trials;
DROP TABLE trials;
ALTER TABLE new_trials RENAME TO trials;
CREATE VIEW front_sources AS
  WITH best AS
    (SELECT position, metric, device,
      (SELECT s.name FROM sources s WHERE EXISTS
        (SELECT 1 FROM trials t JOIN measurements m ON m.trial = t.id
         WHERE t.state = 'complete' AND m.metric = o.metric AND m.device = o.device
           AND m.source = s.name)
       ORDER BY s.rank DESC LIMIT 1) AS source
    FROM objectives o WHERE optimised)
  SELECT position, metric, device, source,
    (SELECT max(m.fidelity) FROM trials t JOIN measurements m ON m.trial = t.id
     WHERE t.state = 'complete' AND m.metric = b.metric AND m.device = b.device
       AND m.source = b.source) AS fidelity
  FROM best b;
)sql";

constexpr const char* kVersion3 = R"sql(
ALTER TABLE objectives ADD COLUMN probability REAL NOT NULL DEFAULT 0;
)sql";

constexpr const char* kVersion4 = R"sql(
CREATE TABLE proxies (
  network INTEGER NOT NULL,
  name    TEXT NOT NULL,
  value   REAL,
  PRIMARY KEY (network, name)
) STRICT, WITHOUT ROWID;
)sql";

// Learning curves, what a training ran on, trainings in full.
constexpr const char* kVersion5 = R"sql(
CREATE TABLE curves (
  trial    INTEGER NOT NULL REFERENCES trials (id),
  stage    TEXT NOT NULL,
  epoch    INTEGER NOT NULL,
  loss     REAL NOT NULL,
  accuracy REAL,
  PRIMARY KEY (trial, stage, epoch)
) STRICT, WITHOUT ROWID;
CREATE VIEW summed_losses AS
  SELECT trial, stage, count(*) AS epochs, sum(loss) AS summed_loss FROM curves
  GROUP BY trial, stage;
ALTER TABLE timings ADD COLUMN environment TEXT NOT NULL DEFAULT '';
CREATE TABLE finals (
  trial               INTEGER NOT NULL REFERENCES trials (id),
  settings            TEXT NOT NULL,
  seed                INTEGER NOT NULL,
  epochs              INTEGER NOT NULL,
  images              INTEGER NOT NULL,
  loss                REAL NOT NULL,
  validation_accuracy REAL,
  test_accuracy       REAL NOT NULL,
  test_images         INTEGER NOT NULL,
  folder              TEXT NOT NULL,
  environment         TEXT NOT NULL,
  seconds             REAL NOT NULL,
  PRIMARY KEY (trial, settings)
) STRICT, WITHOUT ROWID;
)sql";

constexpr const char* kVersion6 = R"sql(
ALTER TABLE finals ADD COLUMN test_perplexity REAL;
ALTER TABLE finals ADD COLUMN test_perplexity_stddev REAL;
)sql";

// The front, kept by who writes, so that looking at it costs nothing.
constexpr const char* kVersion7 = R"sql(
CREATE TABLE front (
  trial INTEGER PRIMARY KEY REFERENCES trials (id)
) STRICT;
)sql";

// In which order an asynchronous run told its searcher of outcomes.
constexpr const char* kVersion8 = R"sql(
CREATE TABLE schedule (
  position  INTEGER PRIMARY KEY,
  trial     INTEGER NOT NULL REFERENCES trials (id),
  proposals INTEGER NOT NULL
) STRICT;
)sql";

std::string quoted(std::string_view text, char quote) {
  std::string result(1, quote);
  for (const char c : text) result.append(c == quote ? 2 : 1, c);
  return result + quote;
}

std::string literal(std::string_view text) {
  return quoted(text, '\'');
}
std::string identifier(std::string_view text) {
  return quoted(text, '"');
}

std::string of_key(const MetricKey& key) {
  return "m.trial = t.id AND m.metric = " + literal(to_string(key.metric)) +
         " AND m.device = " + literal(key.device);
}

// The value that find() of trial.h picks.
std::string closest_value(const MetricKey& key) {
  return "(SELECT m.value FROM measurements m JOIN sources s ON s.name = m.source WHERE " +
         of_key(key) + " ORDER BY s.rank DESC, m.fidelity DESC LIMIT 1)";
}

// A member of the front has the source and fidelity of each axis, and none has higher ones.
std::string pareto_front_view(const StudyInfo& info) {
  std::string columns;
  for (const Objective& o : info.objectives) {
    if (o.optimised)
      columns += ",\n  " + closest_value(o.key) + " AS " + identifier(to_text(o.key));
  }
  return "CREATE VIEW pareto_front AS SELECT t.id AS trial, t.genotype" + columns +
         "\nFROM front f JOIN trials t ON t.id = f.trial ORDER BY t.id;\n";
}

std::string trial_wide_view(const StudyInfo& info, std::span<const StudyDevice> devices) {
  std::vector<MetricKey> keys;
  for (const std::string& name : metric_names()) {
    const Metric metric = *parse_metric(name);
    if (!needs_device(metric)) {
      keys.push_back({metric, ""});
    } else {
      for (const StudyDevice& device : devices) keys.push_back({metric, device.name});
    }
  }
  for (const Objective& objective : info.objectives) {
    if (std::find(keys.begin(), keys.end(), objective.key) == keys.end())
      keys.push_back(objective.key);
  }
  std::string sql =
      "CREATE VIEW trial_wide AS SELECT t.id AS trial, t.genotype, t.state, t.stage, t.reason,\n"
      "  t.origin, t.parents, printf('%016x', t.fingerprint) AS fingerprint";
  for (const MetricKey& key : keys)
    sql += ",\n  " + closest_value(key) + " AS " + identifier(to_text(key));
  return sql + "\nFROM trials t;\n";
}

}  // namespace

const std::vector<std::string>& migrations() {
  static const std::vector<std::string> all{kVersion1, kVersion2, kVersion3, kVersion4,
                                            kVersion5, kVersion6, kVersion7, kVersion8};
  static_assert(kSchemaVersion == 8);
  return all;
}

std::string study_views(const StudyInfo& info, std::span<const StudyDevice> devices) {
  return pareto_front_view(info) + trial_wide_view(info, devices);
}

}  // namespace hwnas
