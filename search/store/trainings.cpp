#include "search/store/trainings.h"

namespace hwnas {
namespace {

constexpr std::int64_t kSince = 5;            // the schema that has them
constexpr std::int64_t kPerplexitySince = 6;  // of the test part

std::optional<double> maybe(const Statement& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return row.real(column);
}

}  // namespace

bool has_trainings(Database& database) {
  return database.integer("PRAGMA user_version") >= kSince;
}

std::vector<CurvePoint> read_curve(Database& database, TrialId trial, std::string_view stage) {
  std::vector<CurvePoint> curve;
  if (!has_trainings(database)) return curve;
  Statement& row = database.cached(
      "SELECT epoch, loss, accuracy FROM curves WHERE trial = ? AND stage = ? ORDER BY epoch");
  row.bind(1, trial).bind(2, stage);
  while (row.step())
    curve.push_back({static_cast<int>(row.integer(0)), row.real(1), maybe(row, 2)});
  row.reset();
  return curve;
}

std::vector<std::string> read_curve_stages(Database& database, TrialId trial) {
  std::vector<std::string> stages;
  if (!has_trainings(database)) return stages;
  Statement& row =
      database.cached("SELECT DISTINCT stage FROM curves WHERE trial = ? ORDER BY stage");
  row.bind(1, trial);
  while (row.step()) stages.emplace_back(row.text(0));
  row.reset();
  return stages;
}

std::string read_environment(Database& database, TrialId trial, std::string_view stage) {
  if (!has_trainings(database)) return "";
  Statement& row = database.cached("SELECT environment FROM timings WHERE trial = ? AND stage = ?");
  const std::string text(row.bind(1, trial).bind(2, stage).step() ? row.text(0) : "");
  row.reset();
  return text;
}

std::vector<FinalTraining> read_finals(Database& database, TrialId trial) {
  std::vector<FinalTraining> finals;
  if (!has_trainings(database)) return finals;
  const bool perplexity = database.integer("PRAGMA user_version") >= kPerplexitySince;
  Statement& row = database.cached(
      "SELECT settings, seed, epochs, images, loss, validation_accuracy, test_accuracy, "
      "test_images, folder, environment, seconds, " +
      std::string(perplexity ? "test_perplexity, test_perplexity_stddev" : "NULL, NULL") +
      " FROM finals WHERE trial = ? ORDER BY settings");
  row.bind(1, trial);
  while (row.step()) {
    finals.push_back({trial, std::string(row.text(0)), static_cast<std::uint64_t>(row.integer(1)),
                      static_cast<int>(row.integer(2)), row.integer(3), row.real(4), maybe(row, 5),
                      row.real(6), row.integer(7), maybe(row, 11), maybe(row, 12).value_or(0),
                      std::string(row.text(8)), std::string(row.text(9)), row.real(10)});
  }
  row.reset();
  return finals;
}

std::vector<TrialId> read_trained_in_full(Database& database) {
  std::vector<TrialId> ids;
  if (!has_trainings(database)) return ids;
  Statement& row = database.cached("SELECT DISTINCT trial FROM finals ORDER BY trial");
  while (row.step()) ids.push_back(row.integer(0));
  row.reset();
  return ids;
}

void write_final(Database& database, const FinalTraining& final) {
  Statement& row = database.cached(
      "INSERT OR REPLACE INTO finals VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  row.bind(1, final.trial).bind(2, final.settings);
  row.bind(3, static_cast<std::int64_t>(final.seed)).bind(4, std::int64_t{final.epochs});
  row.bind(5, final.images).bind(6, final.loss);
  final.validation ? row.bind(7, *final.validation) : row.bind_null(7);
  row.bind(8, final.test_accuracy).bind(9, final.test_images).bind(10, final.folder);
  row.bind(11, final.environment).bind(12, final.seconds);
  if (final.test_perplexity) {
    row.bind(13, *final.test_perplexity).bind(14, final.test_perplexity_stddev);
  } else {
    row.bind_null(13);
    row.bind_null(14);
  }
  row.run();
}

}  // namespace hwnas
