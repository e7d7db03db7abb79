#include "search/store/study.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <functional>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "search/store/database.h"
#include "search/store/front.h"
#include "space/input_error.h"
#include "space/rng.h"
#include "tests/search/run_support.h"

namespace hwnas {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;

const MetricKey kAccuracy{Metric::accuracy, ""}, kLatency{Metric::latency, "toy"},
    kEnergy{Metric::energy, "toy"}, kThroughput{Metric::throughput, "toy"};

std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

Study make(const fs::path& path, const StudyInfo& info = toy::info(toy::settings(10))) {
  return Study::create_or_resume(path, info, toy::devices());
}

Trial trial(TrialId id, TrialState state = TrialState::running) {
  Trial trial;
  trial.id = id;
  trial.genotype = parse_genotype("3-0-255");
  trial.fingerprint = 0xFFFFFFFFFFFFFFFFu - static_cast<std::uint64_t>(id);
  trial.seed = hash_combine(1, static_cast<std::uint64_t>(id));
  trial.state = state;
  return trial;
}

// The rows of a query, cells separated by '|'.
std::vector<std::string> query(const fs::path& path, const std::string& sql) {
  Database database(path, Database::Mode::read);
  const auto statement = database.prepare(sql);
  std::vector<std::string> rows;
  while (statement->step()) {
    std::string row;
    for (int i = 0; i < statement->columns(); ++i) row += (i ? "|" : "") + statement->dumped(i);
    rows.push_back(row);
  }
  return rows;
}

void execute(const fs::path& path, const std::string& sql) {
  Database(path, Database::Mode::write).execute(sql);
}

std::string bytes(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Study, GivesBackWhatItWasGiven) {
  toy::Folder folder;
  StudyInfo info = toy::info(toy::settings(10));
  info.seed = 0xFEDCBA9876543210u;
  info.name = "it's a \"study\"";
  Trial first = trial(0), second = trial(1);
  second.parents = {0, 12, 345};
  second.origin = "crossover+mutate";
  Evaluation costs, training;
  costs.measurements = {{kLatency, Source::analytic, 0, 1.5e-3, {}}};
  training.measurements = {{kAccuracy, Source::trained, 5, 0.1 + 0.2, 0.01}};
  training.artifacts = {{"weights", "weights/1.pt"}};
  training.seconds = 12;
  {
    Study study = make(folder / "s.db", info);
    study.admit(std::vector{first, second});
    study.record(std::vector<Study::Landed>{{1, "costs", &costs, TrialState::running, ""}});
    study.record(std::vector<Study::Landed>{{1, "training", &training, TrialState::complete, ""},
                                            {0, "costs", nullptr, TrialState::failed, "why\nnot"}});
  }
  EXPECT_FALSE(fs::exists(folder / "s.db.lock"));
  EXPECT_FALSE(fs::exists(folder / "s.db-wal"));
  const Study study = Study::open_readonly(folder / "s.db");
  EXPECT_EQ(study.info().name, info.name);
  EXPECT_EQ(study.info().seed, info.seed);
  EXPECT_EQ(study.info().config, info.config);
  EXPECT_EQ(study.info().space, info.space);
  EXPECT_EQ(study.info().identity, info.identity);
  EXPECT_EQ(study.info().reference, info.reference);
  EXPECT_EQ(study.info().ideal, info.ideal);
  ASSERT_EQ(study.info().objectives.size(), 3u);
  EXPECT_EQ(study.info().objectives[1].key, kLatency);
  EXPECT_EQ(study.info().objectives[1].bound, 2e-3);
  EXPECT_FALSE(study.info().objectives[2].optimised);
  EXPECT_EQ(study.devices().at(0).text, "peak = 1\n");
  EXPECT_EQ(study.trial_count(), 2);
  EXPECT_EQ(study.trial(0)->state, TrialState::failed);
  EXPECT_EQ(study.trial(0)->reason, "why\nnot");
  EXPECT_FALSE(study.trial(2));
  const Trial read = *study.trial(1);
  EXPECT_EQ(read.genotype, second.genotype);
  EXPECT_EQ(read.fingerprint, second.fingerprint);
  EXPECT_EQ(read.seed, second.seed);
  EXPECT_EQ(read.parents, second.parents);
  EXPECT_EQ(read.origin, second.origin);
  EXPECT_EQ(read.stage, "training");
  EXPECT_EQ(find(read, kLatency)->value, 1.5e-3);
  EXPECT_EQ(find(read, kAccuracy)->value, 0.1 + 0.2);
  EXPECT_EQ(find(read, kAccuracy)->stddev, 0.01);
  EXPECT_EQ(find(read, kAccuracy)->fidelity, 5);
  EXPECT_EQ(study.artifacts(1).at(0).path, "weights/1.pt");
  EXPECT_EQ(study.trials().at(1).measurements.size(), 2u);
  EXPECT_EQ(query(folder / "s.db", "SELECT * FROM timings"),
            std::vector<std::string>{"1|'training'|12"});
}

TEST(Study, DumpsTheSameWhateverTheOrderOfLanding) {
  toy::Folder folder;
  std::vector<Evaluation> evaluations(4);
  for (std::size_t i = 0; i < 4; ++i) {
    evaluations[i].measurements = {
        {kLatency, Source::analytic, 0, 0.1 * static_cast<double>(i), {}}};
    evaluations[i].seconds = static_cast<double>(i);
  }
  for (const auto& [name, order] :
       {std::pair{"a.db", std::vector{0, 1, 2, 3}}, {"b.db", {3, 1, 0, 2}}}) {
    Study study = make(folder / name);
    study.admit(std::vector{trial(0), trial(1), trial(2), trial(3)});
    for (const int i : order) {
      auto& evaluation = evaluations[static_cast<std::size_t>(i)];
      evaluation.seconds += 1;
      study.record(std::vector<Study::Landed>{{i, "costs", &evaluation, TrialState::complete, ""}});
    }
  }
  const std::string dump = toy::dump(folder / "a.db");
  EXPECT_EQ(dump, toy::dump(folder / "b.db"));
  EXPECT_THAT(dump,
              HasSubstr("measurements|3|'latency'|'toy'|'analytic'|0|0.30000000000000004|null\n"));
  EXPECT_THAT(dump, testing::Not(HasSubstr("timings")));
}

TEST(Study, MissingOrForeignFilesAreRefused) {
  toy::Folder folder;
  const auto reading = [](const fs::path& path) {
    return error_of([&] { Study::open_readonly(path); });
  };
  const auto writing = [](const fs::path& path) { return error_of([&] { make(path); }); };
  const std::string at = folder.path.string();

  EXPECT_EQ(reading(folder / "none.db"), at + "/none.db: no such file");
  EXPECT_EQ(reading(folder.path), at + ": is a folder, not a study");
  EXPECT_EQ(writing(folder.path), at + ": is a folder, not a study");

  std::ofstream(folder / "text.db") << "trial,accuracy\n" << std::string(2000, '1');
  const std::string text = bytes(folder / "text.db");
  EXPECT_EQ(reading(folder / "text.db"), at + "/text.db: is not an SQLite file, so no study");
  EXPECT_EQ(writing(folder / "text.db"), at + "/text.db: is not an SQLite file, so no study");
  EXPECT_EQ(bytes(folder / "text.db"), text);

  execute(folder / "other.db", "CREATE TABLE recipes (name TEXT)");
  const std::string other = bytes(folder / "other.db");
  EXPECT_EQ(reading(folder / "other.db"),
            at + "/other.db: is an SQLite file, but not a study of hwnas");
  EXPECT_EQ(writing(folder / "other.db"),
            at + "/other.db: is an SQLite file, but not a study of hwnas");
  EXPECT_EQ(bytes(folder / "other.db"), other);

  make(folder / "newer.db");
  execute(folder / "newer.db", "PRAGMA user_version = 99");
  const std::string newer =
      "/newer.db: was written by a newer hwnas (schema 99; this one knows up to 1)";
  EXPECT_EQ(reading(folder / "newer.db"), at + newer);
  EXPECT_EQ(writing(folder / "newer.db"), at + newer);

  std::ofstream(folder / "empty.db").close();  // a run that was killed before its first write
  EXPECT_EQ(reading(folder / "empty.db"),
            at + "/empty.db: is an SQLite file, but not a study of hwnas");
  EXPECT_EQ(writing(folder / "empty.db"), "");
}

TEST(Study, ADamagedFileIsReported) {
  toy::Folder folder;
  {
    Study study = make(folder / "s.db");
    std::vector<Trial> many;
    for (int i = 0; i < 5000; ++i) many.push_back(trial(i));
    study.admit(many);
  }
  std::fstream file(folder / "s.db", std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(4096 * 12);
  for (int i = 0; i < 4096 * 40; ++i) file.put('\x5a');
  file.close();
  EXPECT_THAT(error_of([&] { Study::open_readonly(folder / "s.db").trials(); }),
              HasSubstr("s.db: is damaged ("));
}

TEST(Study, AnotherRunsStudyIsRefusedFieldByField) {
  toy::Folder folder;
  const StudyInfo info = toy::info(toy::settings(10));
  make(folder / "s.db", info);
  const std::string before = toy::dump(folder / "s.db");
  const auto differs = [&](const std::function<void(StudyInfo&)>& change,
                           std::vector<StudyDevice> devices = toy::devices()) {
    StudyInfo other = info;
    other.identity = "other";
    change(other);
    return error_of([&] { Study::create_or_resume(folder / "s.db", other, devices); });
  };
  const std::string start = (folder / "s.db").string() + ": belongs to another run: ";
  EXPECT_EQ(differs([](StudyInfo& i) { i.seed = 8; }), start + "seed '7', not '8'");
  EXPECT_EQ(differs([](StudyInfo& i) { i.algorithm = "random"; }),
            start + "algorithm 'greedy', not 'random'");
  EXPECT_EQ(differs([](StudyInfo& i) { i.version = "0.2.0"; }),
            start + "hwnas version '0.1.0', not '0.2.0'");
  EXPECT_EQ(differs([](StudyInfo& i) { i.space += "[[stages]]\n"; }),
            start + "space differs at line " +
                std::to_string(std::count(info.space.begin(), info.space.end(), '\n') + 1) +
                ": '', not '[[stages]]'");
  EXPECT_EQ(differs([](StudyInfo& i) { i.config = "batch = 9\n"; }),
            start + "config differs at line 1: 'trials = 10', not 'batch = 9'");
  EXPECT_EQ(differs([](StudyInfo& i) { i.objectives.pop_back(); }),
            start +
                "objectives 'accuracy within 0.3, latency@toy within 0.002, energy@toy bo...', not "
                "'accuracy within 0.3, latency@toy within 0.002'");
  EXPECT_EQ(differs([](StudyInfo&) {}, {{"toy", "peak = 2\n"}}),
            start + "device toy differs at line 1: 'peak = 1', not 'peak = 2'");
  EXPECT_EQ(differs([](StudyInfo&) {}, {{"other", ""}}),
            start + "device toy is not in this run; device other is new");
  EXPECT_EQ(differs([](StudyInfo&) {}), start + "identity 'toy-7', not 'other'");
  EXPECT_EQ(toy::dump(folder / "s.db"), before);
}

TEST(Study, OneWriterAtATime) {
  toy::Folder folder;
  {
    const Study study = make(folder / "s.db");
    const std::string held = error_of([&] { make(folder / "s.db"); });
    EXPECT_THAT(held, StartsWith((folder / "s.db").string() +
                                 ": is being written by another run (process " +
                                 std::to_string(getpid()) + " on "));
    EXPECT_THAT(held, HasSubstr(" since "));
    fs::create_symlink(folder / "s.db", folder / "alias.db");
    EXPECT_THAT(error_of([&] { make(folder / "alias.db"); }),
                HasSubstr("is being written by another run"));
    EXPECT_EQ(Study::open_readonly(folder / "s.db").trial_count(), 0);
  }
  make(folder / "s.db");
  std::ofstream(folder / "s.db.lock")
      << "process 1 on moon since long ago";  // of one that was killed
  EXPECT_EQ(error_of([&] { make(folder / "s.db"); }), "");
}

TEST(Study, PathsWithSpecialCharacters) {
  toy::Folder folder;
  const fs::path path = folder / "100% of #1? it's.db";
  make(path).admit(std::vector{trial(0)});
  EXPECT_EQ(Study::open_readonly(path).trial_count(), 1);
  EXPECT_TRUE(fs::exists(path));
}

TEST(Study, ReadersDoNotBlockTheWriterNorSeeHalfATransaction) {
  toy::Folder folder;
  Study writer = make(folder / "s.db");
  writer.admit(std::vector{trial(0)});
  Database reader(folder / "s.db", Database::Mode::read);
  reader.execute("BEGIN");
  EXPECT_EQ(reader.integer("SELECT count(*) FROM trials"), 1);
  writer.admit(std::vector{trial(1), trial(2)});
  EXPECT_EQ(reader.integer("SELECT count(*) FROM trials"), 1);
  reader.execute("COMMIT");
  EXPECT_EQ(reader.integer("SELECT count(*) FROM trials"), 3);
}

TEST(Study, ATransactionIsAllOrNothing) {
  toy::Folder folder;
  Study study = make(folder / "s.db");
  study.admit(std::vector{trial(0)});
  EXPECT_NE(error_of([&] {
              study.admit(std::vector{trial(1), trial(0)});
            }),
            "");  // 0 is there already
  EXPECT_EQ(study.trial_count(), 1);
  study.admit(std::vector{trial(1)});
  EXPECT_EQ(study.trial_count(), 2);
}

TEST(Study, AFullDiskIsReportedAndLosesNothing) {
  toy::Folder folder;
  Study study = make(folder / "s.db");
  study.admit(std::vector{trial(0)});
  // No test may mount a small file system everywhere; a limit on the size of files is the next
  // best.
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = signal(SIGXFSZ, SIG_IGN);
  const rlimit small{fs::file_size(folder / "s.db-wal") + 8192, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  std::vector<Trial> many;
  for (int i = 1; i < 5000; ++i) many.push_back(trial(i));
  const std::string message = error_of([&] { study.admit(many); });
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, handler);
  EXPECT_EQ(message, (folder / "s.db").string() +
                         ": cannot be read or written: disk I/O error; the study is as it was "
                         "at its last transaction");
  EXPECT_EQ(study.trial_count(), 1);
  study.admit(many);  // there is room again
  EXPECT_EQ(study.trial_count(), 5000);
}

TEST(Study, AFullDatabaseIsReported) {
  toy::Folder folder;
  make(folder / "s.db");
  Database database(folder / "s.db", Database::Mode::write);
  database.execute("PRAGMA max_page_count = 30");
  EXPECT_EQ(
      error_of([&] {
        database.execute("INSERT INTO devices VALUES ('a', '', zeroblob(1000000) || '')");
      }),
      (folder / "s.db").string() +
          ": cannot be written: the disk is full; the study is as it was at its last transaction");
}

TEST(Study, ErrorsOfSqliteInWords) {
  const auto words = [](int code, int system = 0) {
    return describe_error(code, "message", system);
  };
  EXPECT_EQ(words(SQLITE_FULL),
            "cannot be written: the disk is full; the study is as it was at its last transaction");
  EXPECT_EQ(words(SQLITE_IOERR_WRITE, EIO),
            "cannot be read or written: Input/output error; the study is as it was at its last "
            "transaction");
  EXPECT_EQ(words(SQLITE_READONLY), "cannot be written: the file or its folder is read-only");
  EXPECT_EQ(words(SQLITE_READONLY_DIRECTORY), words(SQLITE_READONLY));
  EXPECT_EQ(words(SQLITE_CANTOPEN, EACCES), "cannot be opened: Permission denied");
  EXPECT_EQ(words(SQLITE_BUSY), "is locked by another program that writes to it");
  EXPECT_EQ(words(SQLITE_CORRUPT), "is damaged (message)");
  EXPECT_EQ(words(SQLITE_ERROR), "message");
}

TEST(Study, AFolderThatCannotBeWrittenIsReported) {
  EXPECT_EQ(error_of([] { make("/proc/s.db"); }),
            "/proc/s.db: cannot be written: no lock file can be made beside it: No such file or "
            "directory");
  toy::Folder folder;
  std::ofstream(folder / "file") << "x";
  EXPECT_THAT(error_of([&] { make(folder / "file" / "s.db"); }), HasSubstr("cannot be written"));
}

// What `body` returns in a child that may read `folder` but not write it.
int as_a_reader_of(const fs::path& folder, const std::function<int()>& body) {
  fs::permissions(folder, fs::perms{0555});
  const pid_t pid = fork();
  if (pid == 0) {
    constexpr uid_t kNobody = 65534;  // permission bits bind everyone but root
    if (geteuid() == 0 && (setgid(kNobody) != 0 || setuid(kNobody) != 0)) _exit(99);
    _exit(body());
  }
  int status = 0;
  waitpid(pid, &status, 0);
  fs::permissions(folder, fs::perms{0755});
  return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
}

TEST(Study, ReadsInAFolderThatCannotBeWritten) {
  toy::Folder folder;
  const auto count = [&](const char* name) {
    return as_a_reader_of(folder.path, [&] {
      try {
        return static_cast<int>(Study::open_readonly(folder / name).trial_count());
      } catch (const InputError&) {
        return 97;
      }
    });
  };
  make(folder / "closed.db").admit(std::vector{trial(0), trial(1)});
  Study writer = make(folder / "live.db");
  writer.admit(std::vector{trial(0)});
  for (const char* suffix : {"", "-wal"}) {  // as a killed run leaves it, moved without its -shm
    fs::copy_file(folder / (std::string("live.db") + suffix),
                  folder / (std::string("killed.db") + suffix));
  }
  EXPECT_EQ(count("closed.db"), 2);
  EXPECT_EQ(count("live.db"), 1);
  writer.admit(std::vector{trial(1)});
  EXPECT_EQ(count("live.db"), 2);
  EXPECT_EQ(count("killed.db"), 1);
  EXPECT_FALSE(fs::exists(folder / "killed.db-shm"));
  EXPECT_EQ(as_a_reader_of(folder.path,
                           [&] {
                             const std::string said = error_of([&] { make(folder / "closed.db"); });
                             return said.find(
                                        "cannot be written: no lock file can be made beside it: "
                                        "Permission denied") != std::string::npos;
                           }),
            1);
}

// `n` complete trials with values on a coarse grid, so that there are ties; some miss a value.
std::vector<Trial> random_trials(int n, std::span<const Objective> objectives, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<Trial> trials;
  for (int i = 0; i < n; ++i) {
    Trial t = trial(i, rng.chance(0.9) ? TrialState::complete : TrialState::infeasible);
    for (const Objective& objective : objectives) {
      if (rng.chance(0.05)) continue;
      t.measurements.push_back({objective.key, Source::analytic, 0, 0.05 * rng.below(20), {}});
      if (rng.chance(0.8))
        t.measurements.push_back({objective.key, Source::trained, 1, 0.05 * rng.below(20), {}});
      if (rng.chance(0.3))
        t.measurements.push_back({objective.key, Source::trained, 2, 0.05 * rng.below(20), {}});
    }
    trials.push_back(std::move(t));
  }
  return trials;
}

TEST(Study, TheViewAndFrontAgree) {
  toy::Folder folder;
  const std::vector<Objective> all{
      {kAccuracy, true, {}}, {kLatency, true, {}}, {kThroughput, true, {}}, {kEnergy, true, {}}};
  for (std::size_t m = 1; m <= 4; ++m) {
    const auto path = folder / (std::to_string(m) + ".db");
    StudyInfo info = toy::info(toy::settings(10));
    info.objectives.assign(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(m));
    info.objectives.push_back({{Metric::memory, "toy"}, false, 1e9});
    Study study = make(path, info);
    const std::vector<Trial> trials = random_trials(400, info.objectives, m);
    study.admit(trials);
    for (const Trial& t : trials) {
      Evaluation evaluation;
      evaluation.measurements = t.measurements;
      study.record(std::vector<Study::Landed>{{t.id, "all", &evaluation, t.state, ""}});
    }
    std::vector<std::string> front;
    for (const Trial& t : study.front()) front.push_back(std::to_string(t.id));
    EXPECT_GE(front.size(), 1u);
    EXPECT_EQ(query(path, "SELECT trial FROM pareto_front"), front) << m << " objectives";
    for (const Trial& t : study.front()) EXPECT_EQ(t.state, TrialState::complete);
  }
}

TEST(Study, OneFrontNeverMixesSources) {
  toy::Folder folder;
  StudyInfo info = toy::info(toy::settings(10));
  info.objectives = {{kAccuracy, true, {}}};
  Study study = make(folder / "s.db", info);
  study.admit(std::vector{trial(0), trial(1), trial(2)});
  Evaluation predicted, trained, both;
  predicted.measurements = {{kAccuracy, Source::predicted, 50, 0.99, 0.1}};
  trained.measurements = {{kAccuracy, Source::trained, 5, 0.80, {}}};
  toy::add(both, kAccuracy, Source::predicted, 50, 0.95, 0.1);
  toy::add(both, kAccuracy, Source::trained, 5, 0.70);
  study.record(std::vector<Study::Landed>{{0, "a", &predicted, TrialState::complete, ""}});
  EXPECT_EQ(query(folder / "s.db", "SELECT * FROM pareto_front"),
            std::vector<std::string>{"0|'3-0-255'|0.98999999999999999"});
  study.record(std::vector<Study::Landed>{{1, "a", &trained, TrialState::complete, ""},
                                          {2, "a", &both, TrialState::complete, ""}});
  ASSERT_EQ(study.front().size(), 1u);
  EXPECT_EQ(study.front()[0].id, 1) << "trained values alone count once there are any";
  EXPECT_EQ(query(folder / "s.db", "SELECT trial, accuracy FROM pareto_front"),
            std::vector<std::string>{"1|0.80000000000000004"});
  EXPECT_EQ(query(folder / "s.db", "SELECT source FROM front_sources"),
            std::vector<std::string>{"'trained'"});
  EXPECT_EQ(query(folder / "s.db", "SELECT accuracy FROM trial_wide WHERE trial = 2"),
            std::vector<std::string>{"0.69999999999999996"});
}

TEST(Study, WideRowsHaveAColumnForEachMetricAndDevice) {
  toy::Folder folder;
  toy::search(folder / "s.db", 10, 2, 1);
  const Study study = Study::open_readonly(folder / "s.db");
  for (const Trial& t : study.trials()) {
    const auto rows = query(folder / "s.db",
                            "SELECT \"latency@toy\", accuracy, \"storage@toy\", fingerprint FROM "
                            "trial_wide WHERE trial = " +
                                std::to_string(t.id));
    ASSERT_EQ(rows.size(), 1u);
    char expected[160];
    const Measurement* accuracy = find(t, kAccuracy);
    char value[40] = "null";
    if (accuracy) std::snprintf(value, sizeof value, "%.17g", accuracy->value);
    std::snprintf(expected, sizeof expected, "%.17g|%s|null|'%016llx'", find(t, kLatency)->value,
                  value, static_cast<unsigned long long>(t.fingerprint));
    EXPECT_EQ(rows[0], expected);
  }
}

TEST(Study, TheQueriesOfTheReadmeRun) {
  toy::Folder folder;
  toy::search(folder / "s.db", 20, 2, 1);
  std::istringstream readme(bytes(std::string(HWNAS_SOURCE_DIR) + "/search/store/README.md"));
  std::string line, sql;
  int queries = 0;
  for (bool inside = false; std::getline(readme, line);) {
    if (inside && line == "```") {
      EXPECT_GE(query(folder / "s.db", sql).size(), 1u) << sql;
      ++queries;
      inside = false;
    } else if (inside) {
      sql += line + "\n";
    } else if (line == "```sql") {
      inside = true;
      sql.clear();
    }
  }
  EXPECT_EQ(queries, 3);
}

TEST(Study, ResumingKeepsTheLatestConfig) {
  toy::Folder folder;
  StudyInfo info = toy::info(toy::settings(10));
  make(folder / "s.db", info);
  info.config = "trials = 20\n";
  EXPECT_EQ(make(folder / "s.db", info).info().config, info.config);
  EXPECT_EQ(Study::open_readonly(folder / "s.db").info().config, info.config);
}

}  // namespace
}  // namespace hwnas
