// How studies are opened, locked and refused, and what is said then.
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "search/store/schema.h"
#include "tests/search/study_support.h"

namespace hwnas {
namespace {

using namespace toy;
using testing::HasSubstr;
using testing::StartsWith;

TEST(Study, MissingOrForeignFilesAreRefused) {
  toy::Folder folder;
  const auto reading = [](const fs::path& path) {
    return error_of([&] { Study::open_readonly(path); });
  };
  const auto writing = [](const fs::path& path) { return error_of([&] { make(path); }); };
  const std::string at = folder.path().string();

  EXPECT_EQ(reading(folder / "none.db"), at + "/none.db: no such file");
  EXPECT_EQ(reading(folder.path()), at + ": is a folder, not a study");
  EXPECT_EQ(writing(folder.path()), at + ": is a folder, not a study");

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
      "/newer.db: was written by a newer hwnas (schema 99; this one knows up to 8)";
  EXPECT_EQ(reading(folder / "newer.db"), at + newer);
  EXPECT_EQ(writing(folder / "newer.db"), at + newer);

  std::ofstream(folder / "empty.db").close();  // a run that was killed before its first write
  EXPECT_EQ(reading(folder / "empty.db"),
            at + "/empty.db: is an SQLite file, but not a study of hwnas");
  EXPECT_EQ(writing(folder / "empty.db"), "");
}

// A study of the first version, made by its own migration, goes on: what it holds stays, stopped
// trials may join it, and its views are those of today.
TEST(Study, AnOlderStudyIsTakenAlong) {
  toy::Folder folder;
  const fs::path old = folder / "old.db";
  const StudyInfo info = toy::info(toy::settings(10));
  {
    Study study = make(folder / "new.db", info);
    study.admit(std::vector{trial(0)});
    Evaluation evaluation;
    toy::add(evaluation, {Metric::accuracy, ""}, Source::trained, 1, 0.5);
    toy::add(evaluation, {Metric::latency, "toy"}, Source::analytic, 0, 1);
    study.record(std::vector{Study::Landed{0, "all", &evaluation, TrialState::complete, ""}});
  }
  fs::copy_file(folder / "new.db", folder / "copy.db");
  std::string fill = "ATTACH '" + (folder / "copy.db").string() + "' AS copy;";
  for (const char* table : {"runs", "devices", "trials", "measurements"}) {
    fill += "INSERT INTO main." + std::string(table) + " SELECT * FROM copy." + table + ";";
  }
  fill +=
      "INSERT INTO main.objectives SELECT position, metric, device, optimised, bound, reference, "
      "ideal FROM copy.objectives;";
  execute(old, migrations()[0] +
                   "CREATE VIEW pareto_front AS SELECT 1; CREATE VIEW trial_wide AS "
                   "SELECT 1; PRAGMA application_id = " +
                   std::to_string(kApplicationId) + "; PRAGMA user_version = 1;" + fill);
  EXPECT_THAT(error_of([&] { execute(old, "UPDATE trials SET state = 'stopped'"); }),
              HasSubstr("CHECK"));
  EXPECT_EQ(Study::open_readonly(old).front().size(), 1u) << "read as it is";
  {
    Study study = make(old, info);
    EXPECT_EQ(study.dump(), toy::dump(folder / "new.db"));
    study.admit(std::vector{trial(1)});
    study.record(std::vector{Study::Landed{1, "all", nullptr, TrialState::stopped, "place 2"}});
  }
  EXPECT_EQ(Study::open_readonly(old).trial(1)->state, TrialState::stopped);
  EXPECT_EQ(query(old, "SELECT trial FROM pareto_front"), (std::vector<std::string>{"0"}));
  EXPECT_EQ(query(old, "SELECT source, fidelity FROM front_sources WHERE metric = 'accuracy'"),
            (std::vector<std::string>{"'trained'|1"}));
  EXPECT_EQ(query(old, "PRAGMA foreign_key_check").size(), 0u);
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
  EXPECT_EQ(differs([](StudyInfo& i) { i.settings = "batch = 9\n"; }),
            start + "settings differs at line 1: 'batch = 8', not 'batch = 9'");
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

// What a study of schema 2 lacks is given to it when it is next written; to be read it needs
// nothing.
TEST(Study, AnOlderStudyOpensAndIsMigrated) {
  toy::Folder folder;
  const fs::path path = folder / "s.db";
  make(path).admit(std::vector{trial(0), trial(1)});
  const std::string now = toy::dump(path);
  execute(path,
          "DROP VIEW pareto_front; DROP TABLE front; DROP TABLE schedule;"
          "DROP TABLE proxies; ALTER TABLE objectives DROP COLUMN probability;"
          "DROP VIEW summed_losses; DROP TABLE curves; DROP TABLE finals;"
          "ALTER TABLE timings DROP COLUMN environment; PRAGMA user_version = 2");
  const Study old = Study::open_readonly(path);
  EXPECT_EQ(old.info().objectives.size(), toy::settings(10).objectives.size());
  EXPECT_EQ(old.info().objectives[1].bound, toy::settings(10).objectives[1].bound);
  EXPECT_EQ(old.info().objectives[1].probability, 0);
  EXPECT_EQ(old.trial_count(), 2);
  EXPECT_TRUE(old.finals(0).empty() && old.curve(0, "all").empty());
  EXPECT_EQ(old.environment(0, "all"), "");
  EXPECT_EQ(query(path, "PRAGMA user_version"), std::vector<std::string>{"2"});
  EXPECT_EQ(make(path).trial_count(), 2);
  EXPECT_EQ(query(path, "PRAGMA user_version"), std::vector<std::string>{"8"});
  EXPECT_EQ(toy::dump(path), now);
  EXPECT_EQ(query(path, "SELECT * FROM pareto_front").size(), 0u);
}

TEST(Study, TakesFinalTrainingsAfterwards) {
  toy::Folder folder;
  const fs::path path = folder / "s.db";
  make(path).admit(std::vector{trial(0)});
  const std::string before = toy::dump(path);
  execute(path,
          "DROP VIEW pareto_front; DROP TABLE front; DROP TABLE schedule;"
          "ALTER TABLE objectives DROP COLUMN probability; DROP VIEW summed_losses;"
          "DROP TABLE proxies; DROP TABLE curves; DROP TABLE finals; ALTER TABLE timings DROP "
          "COLUMN environment;"
          "PRAGMA user_version = 2");
  FinalTraining final{.trial = 0,
                      .settings = "epochs = 9",
                      .seed = ~0ull,
                      .epochs = 9,
                      .images = 60000,
                      .loss = 0.25,
                      .validation = {},
                      .test_accuracy = 0.5,
                      .test_images = 10,
                      .folder = "final0",
                      .environment = "here",
                      .seconds = 2};
  Study::open_for_finals(path).record_final(final);  // brings it up to date
  EXPECT_EQ(query(path, "PRAGMA user_version"), std::vector<std::string>{"8"});
  final.validation = 0.75;
  final.test_accuracy = 0.625;
  Study::open_for_finals(path).record_final(final);
  final.settings = "epochs = 10";
  final.test_perplexity = 3.5;
  final.test_perplexity_stddev = 0.25;
  Study::open_for_finals(path).record_final(final);
  const Study study = Study::open_readonly(path);
  const std::vector<FinalTraining> finals = study.finals(0);
  ASSERT_EQ(finals.size(), 2u);
  EXPECT_EQ(finals[0].settings, "epochs = 10");
  EXPECT_EQ(finals[0].test_perplexity, 3.5);
  EXPECT_EQ(finals[0].test_perplexity_stddev, 0.25);
  EXPECT_EQ(finals[1].test_perplexity, std::nullopt);
  EXPECT_EQ(finals[1].settings, "epochs = 9");
  EXPECT_EQ(finals[1].seed, ~0ull);
  EXPECT_EQ(finals[1].validation, 0.75);
  EXPECT_EQ(finals[1].test_accuracy, 0.625);
  EXPECT_EQ(finals[1].images, 60000);
  EXPECT_EQ(finals[1].folder, "final0");
  EXPECT_EQ(finals[1].environment, "here");
  EXPECT_EQ(study.dump(), before) << "no part of the search";
  EXPECT_THAT(error_of([&] { (void)Study::open_for_finals(folder / "none.db"); }),
              HasSubstr("none.db: no such file"));
  final.trial = 7;
  EXPECT_THAT(error_of([&] { Study::open_for_finals(path).record_final(final); }),
              HasSubstr("FOREIGN KEY"));
  // One of schema 5 says nothing of perplexity.
  execute(path,
          "DROP VIEW pareto_front; DROP TABLE front; DROP TABLE schedule;"
          "ALTER TABLE finals DROP COLUMN test_perplexity; ALTER TABLE finals DROP COLUMN "
          "test_perplexity_stddev; PRAGMA user_version = 5");
  EXPECT_EQ(Study::open_readonly(path).finals(0).at(0).test_perplexity, std::nullopt);
}

TEST(Study, AProbabilityIsStored) {
  toy::Folder folder;
  StudyInfo info = toy::info(toy::settings(10));
  info.objectives[1].probability = 0.95;
  make(folder / "s.db", info);
  EXPECT_EQ(Study::open_readonly(folder / "s.db").info().objectives[1].probability, 0.95);
  StudyInfo other = info;
  other.identity = "other";
  other.objectives[1].probability = 0;
  EXPECT_THAT(error_of([&] { make(folder / "s.db", other); }),
              HasSubstr("latency@toy within 0.002 with 0.95"));
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
    return as_a_reader_of(folder.path(), [&] {
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
  EXPECT_EQ(as_a_reader_of(folder.path(),
                           [&] {
                             const std::string said = error_of([&] { make(folder / "closed.db"); });
                             return said.find(
                                        "cannot be written: no lock file can be made beside it: "
                                        "Permission denied") != std::string::npos;
                           }),
            1);
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
