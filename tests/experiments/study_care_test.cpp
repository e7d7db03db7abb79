// hwnas study: list, check, rename, delete, merge, vacuum, export and import.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>

#include "search/store/front.h"
#include "search/store/study.h"
#include "tests/experiments/program.h"

namespace hwnas::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class StudyCare : public ::testing::Test {
 protected:
  StudyCare() {
    for (const int seed : {1, 2}) search("s" + std::to_string(seed), config(seed, "stm32l4r5"));
  }
  static std::string config(int seed, const std::string& device) {
    return "name = \"care\"\nspace = \"tiny_image\"\nseed = " + std::to_string(seed) +
           "\ndevices = [\"" + device +
           "\"]\n[search]\nalgorithm = \"nsga2\"\nbatch = 8\npopulation = 8\n[budget]\ntrials = "
           "24\n"
           "[[objectives]]\nmetric = \"parameters\"\n[[objectives]]\nmetric = \"latency@" +
           device + "\"\n";
  }
  void search(const std::string& name, const std::string& text) {
    write(folder_ / (name + ".toml"), text);
    const Result r = hwnas("search " + name + ".toml --study " + name + ".db");
    ASSERT_EQ(r.code, 0) << r.err;
  }
  Result hwnas(const std::string& arguments) const {
    return run(folder_.path(), kHwnas + " " + arguments);
  }
  std::string problem(const std::string& arguments) const {
    const Result r = hwnas(arguments);
    EXPECT_EQ(r.code, 2) << arguments << r.out;
    EXPECT_EQ(std::count(r.err.begin(), r.err.end(), '\n'), 1) << r.err;
    return r.err;
  }
  Study study(const std::string& name) const { return Study::open_readonly(folder_ / name); }
  void sql(const std::string& name, const std::string& text) const {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open((folder_ / name).c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, text.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(db);
    sqlite3_close(db);
  }
  Folder folder_;
};

TEST_F(StudyCare, ListsWhatIsThere) {
  write(folder_ / "no_study.db", "something else");
  const Result r = hwnas("study list");
  EXPECT_EQ(r.code, 0) << r.err;
  EXPECT_THAT(r.out, AllOf(HasSubstr("s1.db"), HasSubstr("s2.db"), HasSubstr("nsga2"),
                           HasSubstr("parameters, latency@stm32l4r5"), HasSubstr("24"),
                           Not(HasSubstr("no_study"))));
  fs::create_directory(folder_ / "empty");
  EXPECT_THAT(hwnas("study list empty").out, HasSubstr("no study in empty; 'hwnas search CONFIG'"));
  EXPECT_THAT(problem("study list nowhere"), HasSubstr("nowhere: "));
}

TEST_F(StudyCare, CheckFindsWhatIsWrong) {
  EXPECT_THAT(hwnas("study check s1.db s2.db").out, "s1.db: whole\ns2.db: whole\n");
  const auto found = [&](const std::string& statement) {
    fs::copy_file(folder_ / "s1.db", folder_ / "bad.db", fs::copy_options::overwrite_existing);
    sql("bad.db", statement);
    const Result r = hwnas("study check bad.db");
    EXPECT_EQ(r.code, 1) << statement << r.err;
    return r.out;
  };
  EXPECT_THAT(found("PRAGMA foreign_keys = OFF; DELETE FROM trials WHERE id = 3"),
              AllOf(HasSubstr("a row belongs to no trial: table measurements"),
                    HasSubstr("some are missing, ids do not go from 0 to 22")));
  EXPECT_THAT(found("DELETE FROM front; INSERT INTO front VALUES (5)"),
              HasSubstr("the view pareto_front shows trials 5; derived from the values"));
  EXPECT_THAT(found("UPDATE trials SET genotype = '99' || substr(genotype, 2) WHERE id = 2"),
              HasSubstr("trial 2: "));
  EXPECT_THAT(found("INSERT INTO artifacts VALUES (0, 'weights', 'gone.pt')"),
              HasSubstr("trial 0: its weights are not there: bad.files/gone.pt"));
  // A page of the file overwritten.
  fs::copy_file(folder_ / "s1.db", folder_ / "torn.db");
  {
    std::fstream file(folder_ / "torn.db", std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(4096);
    file << std::string(fs::file_size(folder_ / "torn.db") / 2, '\xff');
  }
  const Result torn = hwnas("study check torn.db");
  EXPECT_NE(torn.code, 0);
  EXPECT_THAT(problem("study check none.db"), HasSubstr("none.db: no such file"));
}

TEST_F(StudyCare, RenamedItGoesOn) {
  fs::create_directory(folder_ / "s1.files");
  write(folder_ / "s1.files" / "a.pt", "weights");
  const std::string before = study("s1.db").dump();
  EXPECT_EQ(hwnas("study rename s1.db monday.db").out, "monday.db\n");
  EXPECT_FALSE(fs::exists(folder_ / "s1.db"));
  EXPECT_FALSE(fs::exists(folder_ / "s1.files"));
  EXPECT_TRUE(fs::exists(folder_ / "monday.files" / "a.pt"));
  EXPECT_EQ(study("monday.db").dump(), before);
  const Result more = hwnas("search monday.db --trials 32");
  EXPECT_EQ(more.code, 0) << more.err;
  EXPECT_GE(study("monday.db").trial_count(), 32);
  EXPECT_THAT(problem("study rename monday.db s2.db"), HasSubstr("s2.db: is there already"));
  EXPECT_THAT(problem("study rename monday.db s3"), HasSubstr("the name of a study ends in .db"));
  EXPECT_THAT(problem("study rename s1.toml s3.db"), HasSubstr("s1.toml: "));
}

TEST_F(StudyCare, DeletesOnlyWhenTold) {
  fs::create_directory(folder_ / "s1.files");
  const Result ask = hwnas("study delete s1.db");
  EXPECT_EQ(ask.code, 0);
  EXPECT_THAT(ask.out, AllOf(HasSubstr("would delete s1.db, 24 trials"),
                             HasSubstr("would delete s1.files"), HasSubstr("--yes does it")));
  EXPECT_TRUE(fs::exists(folder_ / "s1.db"));
  EXPECT_THAT(hwnas("study delete s1.db --yes").out, HasSubstr("deleted s1.db, 24 trials"));
  EXPECT_FALSE(fs::exists(folder_ / "s1.db"));
  EXPECT_FALSE(fs::exists(folder_ / "s1.files"));
  EXPECT_THAT(problem("study delete s2.toml --yes"), HasSubstr("s2.toml: "));
  EXPECT_TRUE(fs::exists(folder_ / "s2.toml"));
}

TEST_F(StudyCare, MergedItHoldsTheTrialsOfBoth) {
  fs::create_directory(folder_ / "s2.files");
  write(folder_ / "s2.files" / "7.pt", "weights");
  sql("s2.db", "INSERT INTO artifacts VALUES (7, 'weights', '7.pt')");
  EXPECT_THAT(hwnas("study merge s1.db s2.db -o both.db").out, "both.db: 48 trials\n");
  const Study a = study("s1.db"), b = study("s2.db"), both = study("both.db");
  const std::vector<Trial> of_a = a.trials(), of_b = b.trials(), all = both.trials();
  ASSERT_EQ(all.size(), of_a.size() + of_b.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Trial& from = i < of_a.size() ? of_a[i] : of_b[i - of_a.size()];
    const auto shift = static_cast<TrialId>(i < of_a.size() ? 0 : of_a.size());
    EXPECT_EQ(all[i].genotype.genes, from.genotype.genes);
    EXPECT_EQ(all[i].seed, from.seed);
    ASSERT_EQ(all[i].parents.size(), from.parents.size());
    for (std::size_t p = 0; p < from.parents.size(); ++p)
      EXPECT_EQ(all[i].parents[p], from.parents[p] + shift);
    ASSERT_EQ(all[i].measurements.size(), from.measurements.size());
    for (std::size_t m = 0; m < from.measurements.size(); ++m)
      EXPECT_EQ(all[i].measurements[m].value, from.measurements[m].value);
  }
  // The front is that of all values together.
  std::vector<Trial> together = of_a;
  together.insert(together.end(), of_b.begin(), of_b.end());
  std::vector<TrialId> front;
  for (const std::size_t i : front_of(together, a.info().objectives))
    front.push_back(static_cast<TrialId>(i));
  std::vector<TrialId> got;
  for (const Trial& t : both.front()) got.push_back(t.id);
  EXPECT_EQ(got, front);
  EXPECT_EQ(hwnas("study check both.db").out, "both.db: whole\n") << "its files are there, too";
  EXPECT_TRUE(fs::exists(folder_ / "both.files" / "2" / "7.pt"));
  EXPECT_THAT(problem("search both.db --trials 60"), HasSubstr("merged = s1.db of seed 1, s2.db"));
  EXPECT_THAT(problem("study merge s1.db s2.db -o both.db"), HasSubstr("both."));
  EXPECT_THAT(problem("study merge s1.db -o x.db"), HasSubstr("name two"));
  EXPECT_THAT(problem("study merge s1.db s2.db"), HasSubstr("-o is missing"));
  search("other", config(1, "stm32h743"));
  EXPECT_THAT(problem("study merge s1.db other.db -o x.db"),
              AllOf(HasSubstr("other.db: wishes for parameters, latency@stm32h743, "),
                    HasSubstr(", but s1.db for parameters, latency@stm32l4r5, ")));
  search("narrow", config(1, "stm32l4r5") + "[deployment]\nclock_share = 0.5\n");
  EXPECT_THAT(
      problem("study merge s1.db narrow.db -o x.db"),
      HasSubstr("narrow.db: its numbers do not compare with those of s1.db; what differs: "));
  EXPECT_FALSE(fs::exists(folder_ / "x.db"));
}

TEST_F(StudyCare, JsonLinesThereAndBack) {
  EXPECT_EQ(hwnas("study export s1.db -o s1.jsonl").code, 0);
  EXPECT_THAT(hwnas("study import s1.jsonl -o copy.db").out, "copy.db: 24 trials\n");
  EXPECT_EQ(study("copy.db").dump(), study("s1.db").dump());
  EXPECT_EQ(hwnas("study check copy.db").out, "copy.db: whole\n");
  EXPECT_EQ(hwnas("study export copy.db").out, slurp(folder_ / "s1.jsonl"));
  // What was imported goes on as the original does.
  EXPECT_EQ(hwnas("search copy.db --trials 40").code, 0);
  EXPECT_EQ(hwnas("search s1.db --trials 40").code, 0);
  EXPECT_EQ(study("copy.db").dump(), study("s1.db").dump());
  EXPECT_THAT(problem("study import s1.jsonl -o copy.db"), HasSubstr("copy.db: is there already"));
  const auto wrong = [&](const std::string& text) {
    write(folder_ / "x.jsonl", text);
    const std::string error = problem("study import x.jsonl -o x.db");
    EXPECT_FALSE(fs::exists(folder_ / "x.db"));
    EXPECT_FALSE(fs::exists(folder_ / "x.db.new"));
    return error;
  };
  const std::string head = "{\"hwnas_study\": 7}\n";
  EXPECT_THAT(wrong("{}"), HasSubstr("x.jsonl:1: expected {\"hwnas_study\": SCHEMA}"));
  EXPECT_THAT(wrong("{\"hwnas_study\": 99}"), HasSubstr("rows of schema 99"));
  EXPECT_THAT(wrong(head), HasSubstr("these are not the rows of a study"));
  EXPECT_THAT(wrong(head + "{\"table\": \"cats\", \"id\": 1}"),
              HasSubstr("x.jsonl:2: x.db: a study has no table 'cats'"));
  EXPECT_THAT(wrong(head + "{\"table\": \"trials\", \"x; DROP\": 1}"),
              HasSubstr("table 'trials' has no column 'x; DROP'"));
  EXPECT_THAT(wrong(head + "\nnonsense"),
              HasSubstr("x.jsonl:3: expected a row of a table as JSON"));
  EXPECT_THAT(wrong(head + "{\"table\": \"trials\"}"), HasSubstr("a row of nothing"));
  EXPECT_THAT(problem("study export none.db -o none.jsonl"), HasSubstr("none.db: no such file"));
  EXPECT_FALSE(fs::exists(folder_ / "none.jsonl"));
  EXPECT_THAT(problem("study import none.jsonl -o x.db"), HasSubstr("none.jsonl: cannot be read"));
}

TEST_F(StudyCare, VacuumMakesOneFile) {
  const std::string before = study("s1.db").dump();
  EXPECT_THAT(hwnas("study vacuum s1.db").out, AllOf(HasSubstr("s1.db: "), HasSubstr(" before, ")));
  EXPECT_EQ(study("s1.db").dump(), before);
  EXPECT_THAT(problem("study vacuum none.db"), HasSubstr("none.db: no such file"));
  EXPECT_THAT(problem("study vacum s1.db"),
              HasSubstr("study vacum: no such task; did you mean 'vacuum'?"));
  EXPECT_EQ(hwnas("study").code, 2);
  EXPECT_THAT(hwnas("study --help").out, HasSubstr("merge"));
}

}  // namespace
}  // namespace hwnas::testing
