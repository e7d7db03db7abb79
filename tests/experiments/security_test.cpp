// What the README's section on security says, sentence by sentence. The pages' escapes are in
// report_test, the parsers' limits in tests/fuzz.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>

#include "tests/experiments/program.h"

namespace hwnas::testing {
namespace {

using ::testing::HasSubstr;

class Security : public ::testing::Test {
 protected:
  void SetUp() override {
    write(here_ / "costs.toml", R"(
name = "costs"
space = "tiny_image"
devices = ["stm32l4r5"]
[search]
batch = 8
[budget]
trials = 16
[[objectives]]
metric = "parameters"
[[objectives]]
metric = "latency@stm32l4r5"
)");
    ASSERT_EQ(hwnas("search costs.toml").code, 0);
  }
  Result hwnas(const std::string& words) {
    return run(here_.path(), "unset HWNAS_TRUST_STUDIES; " + kHwnas + " " + words);
  }
  void edit(const std::string& sql) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open((here_ / "costs.db").c_str(), &db), SQLITE_OK);
    char* error = nullptr;
    EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &error), SQLITE_OK) << error;
    sqlite3_close(db);
  }
  // All that one can do with a study without saying that one trusts it.
  void look_at_everything() {
    for (const char* words :
         {"show costs.db 0", "report costs.db -o page.html", "pareto costs.db", "status costs.db",
          "lineage costs.db 3", "pick costs.db --knee", "rescore costs.db --device stm32h743",
          "rescore costs.db --device all", "estimate costs.db:0 --device stm32h743",
          "diff costs.db costs.db", "study check costs.db", "workers costs.db",
          "export costs.db 0 -o model", "train costs.db 0", "reproduce costs.db 0",
          "proxies costs.db", "search costs.db --trials 24"}) {
      const Result result = hwnas(words);
      EXPECT_LE(result.code, 2) << words << result.err;
      EXPECT_FALSE(std::filesystem::exists(here_ / "pwned")) << words;
    }
  }
  Folder here_;
};

TEST_F(Security, AStudyRunsNoProgramAsADevice) {
  write(here_ / "evil.sh", "#!/bin/sh\ntouch " + (here_ / "pwned").string() + "\n");
  run(here_.path(), "chmod +x evil.sh");
  const std::string folder = here_.path().string();
  edit(
      "UPDATE devices SET text = 'description = \"d\"\nfamily = \"program\"\nconfidence = \"D\"\n"
      "[program]\ncommand = [\"" +
      folder + "/evil.sh\"]\nsource = \"s\"\ndate = \"2024\"\n'");
  look_at_everything();
  const Result result = hwnas("search costs.db --trials 24");
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.err, HasSubstr("device 'stm32l4r5' of the study: family = program: a study "
                                    "may not have programs run"));
  EXPECT_THAT(hwnas("show costs.db 0").out, HasSubstr("a study may not have programs run"));
}

TEST_F(Security, AStudyRunsNoPlugIn) {
  edit(
      "UPDATE devices SET text = 'description = \"d\"\nfamily = \"plugin\"\nconfidence = \"D\"\n"
      "[plugin]\nlibrary = \"/tmp/evil.so\"\nsource = \"s\"\ndate = \"2024\"\n'");
  look_at_everything();
  EXPECT_THAT(hwnas("search costs.db --trials 24").err, HasSubstr("family = plugin"));
}

TEST_F(Security, AStudyNamesNoTrainerAndNoLauncher) {
  for (const char* key : {"command", "launcher"}) {
    edit(
        "UPDATE runs SET config = config || '\n[data]\nset = \"fashion_mnist\"\n[training]\nepochs "
        "= "
        "1\n[workers]\n" +
        std::string(key) + " = [\"touch\", \"" + (here_ / "pwned").string() + "\"]\n'");
    look_at_everything();
    EXPECT_THAT(hwnas("search costs.db --trials 24").err,
                HasSubstr("costs.db: workers." + std::string(key) + " = touch: a study may not"));
    edit("UPDATE runs SET config = substr(config, 1, instr(config, '[data]') - 1)");
  }
}

// Names in a study lead out of its folder; what they name is neither written nor deleted.
TEST_F(Security, AStudyWritesAndDeletesOnlyItsOwnFiles) {
  std::filesystem::create_directories(here_ / "costs.files");
  write(here_ / "precious.txt", "mine");
  edit("INSERT INTO artifacts VALUES (0, 'weights', '../precious.txt')");
  look_at_everything();
  EXPECT_EQ(slurp(here_ / "precious.txt"), "mine");
  EXPECT_EQ(hwnas("study rename costs.db other.db").code, 0);
  EXPECT_EQ(hwnas("study delete other.db --yes").code, 0);
  EXPECT_EQ(slurp(here_ / "precious.txt"), "mine");
}

// Triggers of a stranger are code in SQL.
TEST_F(Security, TriggersOfAStrangerAreNotRun) {
  edit("CREATE TRIGGER evil AFTER INSERT ON trials BEGIN DELETE FROM measurements; END");
  EXPECT_EQ(hwnas("search costs.toml --trials 24").code, 0);
  const Result kept = run(here_.path(), "sqlite3 costs.db 'SELECT count(DISTINCT trial) FROM measurements'");
  EXPECT_EQ(kept.out, "24\n");
}

}  // namespace
}  // namespace hwnas::testing
