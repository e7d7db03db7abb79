#include "search/store/care.h"

#include <algorithm>
#include <set>

#include "search/store/front.h"
#include "search/store/identity.h"
#include "search/store/opening.h"
#include "search/store/rows.h"
#include "space/input_error.h"

namespace hwnas {
namespace {

namespace fs = std::filesystem;

std::uintmax_t size_of(const fs::path& study) {
  std::uintmax_t bytes = 0;
  for (const char* ending : {"", "-wal"}) {
    std::error_code error;
    const auto size = fs::file_size(study.string() + ending, error);
    if (!error) bytes += size;
  }
  return bytes;
}

void add_rows(std::vector<std::string>& problems, Database& database, const std::string& sql,
              const std::string& prefix) {
  constexpr std::size_t kMost = 20;
  const auto row = database.prepare(sql);
  while (row->step() && problems.size() < kMost) {
    if (row->text(0) != "ok") problems.push_back(prefix + std::string(row->text(0)));
  }
}

std::string list(const std::set<TrialId>& ids) {
  std::string text;
  int shown = 0;
  for (const TrialId id : ids) {
    if (++shown > 10) return text + ", ...";
    text += (text.empty() ? "" : ", ") + std::to_string(id);
  }
  return text.empty() ? "none" : text;
}

std::set<TrialId> view_front(Database& database) {
  std::set<TrialId> ids;
  const auto row = database.prepare("SELECT trial FROM pareto_front");
  while (row->step()) ids.insert(row->integer(0));
  return ids;
}

std::set<TrialId> derived_front(const Study& study) {
  std::set<TrialId> ids;
  const std::vector<Trial> trials = study.trials();
  for (const std::size_t i : front_of(trials, study.info().objectives)) ids.insert(trials[i].id);
  return ids;
}

StudyRow::Cell* cell(StudyRow& row, std::string_view name) {
  for (auto& [key, value] : row.cells) {
    if (key == name) return &value;
  }
  return nullptr;
}

// "[3,12]" with all numbers higher by so many.
std::string shifted(const std::string& numbers, std::int64_t by) {
  std::string text;
  for (std::size_t i = 0; i < numbers.size();) {
    std::size_t end = i;
    while (end < numbers.size() && numbers[end] >= '0' && numbers[end] <= '9') ++end;
    if (end > i) {
      text += std::to_string(std::stoll(numbers.substr(i, end - i)) + by);
      i = end;
    } else {
      text += numbers[i++];
    }
  }
  return text;
}

// Rows of the n-th study as those of the merged one.
class Merger {
 public:
  Merger(StudyOfRows& out, const std::vector<fs::path>& studies) : out_(out), studies_(studies) {}

  void add(std::size_t n) {
    const std::int64_t first = next_;
    read_rows(studies_[n], [&](const StudyRow& read) {
      StudyRow row = read;
      const bool of_run =
          row.table == "runs" || row.table == "objectives" || row.table == "devices";
      if (of_run && n > 0) return;
      if (row.table == "schedule") return;  // of use to none but the run itself
      if (row.table == "runs") name_run(row);
      if (row.table == "proxies" && !scores_
                                         .insert({std::get<std::int64_t>(*cell(row, "network")),
                                                  std::get<std::string>(*cell(row, "name"))})
                                         .second)
        return;
      if (row.table == "trials") {
        auto& id = std::get<std::int64_t>(*cell(row, "id"));
        id += first;
        next_ = std::max(next_, id + 1);
        auto& parents = std::get<std::string>(*cell(row, "parents"));
        parents = shifted(parents, first);
      }
      if (auto* trial = cell(row, "trial")) std::get<std::int64_t>(*trial) += first;
      for (const char* name : {"path", "folder"}) {
        auto* file = cell(row, name);
        if (file == nullptr || !fs::path(std::get<std::string>(*file)).is_relative()) continue;
        *file = std::to_string(n + 1) + "/" + std::get<std::string>(*file);
      }
      out_.add(row);
    });
  }

 private:
  // What it was merged from is one of the settings, so that no run takes it for its own.
  void name_run(StudyRow& row) const {
    std::string merged, identity;
    for (const fs::path& study : studies_) {
      const StudyInfo info = Study::open_readonly(study).info();
      merged += (merged.empty() ? "" : ", ") + study.filename().string() + " of seed " +
                std::to_string(info.seed);
      identity += info.identity;
    }
    std::get<std::string>(*cell(row, "settings")) += "merged = " + merged + "\n";
    *cell(row, "identity") = text_hash(identity);
  }

  StudyOfRows& out_;
  const std::vector<fs::path>& studies_;
  std::int64_t next_ = 0;
  std::set<std::pair<std::int64_t, std::string>> scores_;
};

}  // namespace

std::vector<std::string> problems_of(const fs::path& study) {
  OpenStudy open = open_for_reading(study);
  Database& database = *open.database;
  std::vector<std::string> problems;
  add_rows(problems, database, "PRAGMA integrity_check", "the file is damaged: ");
  if (!problems.empty()) return problems;
  add_rows(problems, database,
           "SELECT \"table\" || ', row ' || ifnull(rowid, '?') FROM pragma_foreign_key_check",
           "a row belongs to no trial: table ");
  if (database.integer("SELECT count(*) FROM runs") != 1)
    problems.emplace_back("table runs: expected one row");
  const std::int64_t count = database.integer("SELECT count(*) FROM trials");
  if (database.integer("SELECT ifnull(max(id) + 1, 0) FROM trials") != count)
    problems.emplace_back("table trials: some are missing, ids do not go from 0 to " +
                          std::to_string(count - 1));
  if (!problems.empty()) return problems;
  const std::set<TrialId> shown = view_front(database);
  const std::set<TrialId> derived = derived_front(Study::open_readonly(study));
  if (shown != derived)
    problems.push_back("the view pareto_front shows trials " + list(shown) +
                       "; derived from the values the front is " + list(derived));
  return problems;
}

Sizes vacuum(const fs::path& study) {
  Sizes sizes;
  sizes.before = size_of(study);
  {
    const OpenStudy open = open_for_finals(study);
    open.database->execute("VACUUM");
    open.database->integer("PRAGMA wal_checkpoint(TRUNCATE)");
  }
  sizes.after = size_of(study);
  return sizes;
}

void merge(const std::vector<fs::path>& studies, const fs::path& into) {
  const int schema = schema_of(studies.at(0));
  for (const fs::path& study : studies) {
    if (schema_of(study) != schema)
      throw InputError(study.string(), 0, "", "",
                       "its tables are not of the same version as those of " + studies[0].string() +
                           "; 'hwnas study vacuum' brings both up to date");
  }
  StudyOfRows out(into, schema);
  Merger merger(out, studies);
  for (std::size_t n = 0; n < studies.size(); ++n) merger.add(n);
  out.finish();
}

StudyHold::StudyHold(const fs::path& study)
    : lock_(std::make_unique<LockFile>(fs::weakly_canonical(study))) {}
StudyHold::~StudyHold() = default;

}  // namespace hwnas
