// Users' own hardware through the program: tables, programs, plug-ins, as their pages show it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <sstream>

#include "tests/experiments/program.h"
#include "tests/shared_data.h"

namespace hwnas::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kTree = HWNAS_SOURCE_DIR;
const std::string kShell = "export PATH=" + std::string(HWNAS_BIN_DIR) + ":$PATH HEADERS=" + kTree +
                           "/hw_models/plugin; set -e\n";

// Writes each block that follows a line `NAME`, and returns the blocks of shell commands.
std::string follow(const std::string& page, const std::filesystem::path& folder) {
  std::istringstream in(slurp(kTree + "/hw_models/families/" + page));
  std::string name, commands, block, language;
  bool inside = false;
  for (std::string line, before; std::getline(in, line); before = line) {
    if (!line.starts_with("```")) {
      if (inside) block += line + "\n";
      continue;
    }
    inside = !inside;
    if (inside) {
      language = line.substr(3);
      const bool named = !before.starts_with("```") && before.size() > 2 && before.front() == '`' &&
                         before.back() == '`';
      name = named ? before.substr(1, before.size() - 2) : "";
      block.clear();
    } else if (!name.empty()) {
      write(folder / name, block);
    } else if (language == "sh") {
      commands += block;
    }
  }
  return commands;
}

struct Page {
  const char* name;
  std::vector<std::string> shows;
};

TEST(Doors, ThePagesWorkAsTheyStand) {
  const Page pages[] = {
      {"lookup.md", {"my_board.csv", "359 us", "my_kernels", "slowest layers"}},
      {"program.md", {"my_device", "12.5 ms", "counted from the network"}},
      {"plugin.md", {"my_device", "12.5 ms"}},
      {"learned.md", {"wrote my_phone.toml", "op-count ridge", "family learned"}},
  };
  for (const Page& page : pages) {
    Folder f;
    const std::string commands = follow(page.name, f.path());
    ASSERT_NE(commands, "") << page.name;
    const Result r = run(f.path(), kShell + commands);
    EXPECT_EQ(r.code, 0) << page.name << ": " << r.err << r.out;
    for (const std::string& text : page.shows) EXPECT_THAT(r.out, HasSubstr(text)) << page.name;
  }
}

// What `hwnas_search` leaves, as text.
std::string query(const std::filesystem::path& study, const std::string& sql) {
  sqlite3* db = nullptr;
  sqlite3_open_v2(study.c_str(), &db, SQLITE_OPEN_READONLY, nullptr);
  std::string rows;
  const auto add = [](void* text, int columns, char** values, char**) {
    for (int i = 0; i < columns; ++i)
      *static_cast<std::string*>(text) += std::string(values[i] ? values[i] : "") + "\n";
    return 0;
  };
  sqlite3_exec(db, sql.c_str(), add, &rows, nullptr);
  sqlite3_close(db);
  return rows;
}

std::string run_config(const std::string& device) {
  return "name = \"costs\"\nspace = \"tiny_image\"\ndevices = [\"./" + device +
         ".toml\"]\n[search]\nbatch = 8\npopulation = 16\n[budget]\ntrials = 200\n[[objectives]]\n"
         "metric = \"parameters\"\n[[objectives]]\nmetric = \"latency@" +
         device + "\"\n";
}

TEST(Doors, AMisbehavingPluginNeverEndsASearch) {
  Folder f;
  write(f / "moody.toml",
        "description = \"t\"\nfamily = \"plugin\"\nconfidence = \"D\"\n[plugin]\n"
        "library = \"" +
            std::string(HWNAS_BIN_DIR) +
            "/plugins/hostile.so\"\ntime_limit_s = 0.5\nrestarts = 1000\n"
            "processes = 2\nsource = \"test\"\ndate = \"2024\"\n");
  write(f / "run.toml", run_config("moody"));
  const Result r = run(f.path(), kHwnas + " search run.toml");
  ASSERT_EQ(r.code, 0) << r.err;
  const std::string reasons =
      query(f / "costs.db", "SELECT DISTINCT reason FROM trials WHERE state = 'failed'");
  EXPECT_THAT(reasons, AllOf(HasSubstr("moody: 'hostile.so' ended without an answer, killed by "
                                       "signal 11 (segmentation fault)"),
                             HasSubstr("exit code 0"), HasSubstr("let an exception out"),
                             HasSubstr("neither latency_s nor energy_j is known"),
                             HasSubstr("latency_s is -1"), Not(HasSubstr("given up"))));
  const auto count = [&](const std::string& what) {
    return std::stoi(query(f / "costs.db", "SELECT count(*) FROM " + what));
  };
  EXPECT_GT(count("trials WHERE state = 'failed'"), 5);
  EXPECT_GT(count("trials WHERE state = 'complete'"), 100);
  EXPECT_EQ(count("trials WHERE state = 'failed' AND reason = ''"), 0);
  EXPECT_GT(count("pareto_front"), 0);
  EXPECT_EQ(count("pareto_front p JOIN trials t ON t.id = p.trial WHERE t.state <> 'complete'"), 0);
  EXPECT_EQ(count("measurements WHERE metric = 'latency' AND value NOT BETWEEN 1e-12 AND 1e6"), 0);
}

TEST(Doors, ASearchOverMeasuredNetworks) {
  HWNAS_NEEDS_SHARED("nb201_cifar10_devices.csv.gz");
  Folder f;
  write(f / "jetson.toml",
        "description = \"t\"\nfamily = \"lookup\"\nconfidence = \"A\"\n[table]\nfile = \"" +
            shared_path("nb201_cifar10_devices.csv.gz") +
            "\"\nrows = \"networks\"\nspace = \"nasbench201\"\narchitecture_column = \"arch_str\"\n"
            "latency_column = \"c10_edgegpu_latency_ms\"\nlatency_unit = \"ms\"\n"
            "energy_column = \"c10_edgegpu_energy_mJ\"\nenergy_unit = \"mJ\"\n"
            "source = \"test\"\ndate = \"2024\"\n");
  std::string config = run_config("jetson");
  config.replace(config.find("tiny_image"), 10, "nasbench201");
  write(f / "run.toml", config);
  ASSERT_EQ(run(f.path(), kHwnas + " search run.toml").code, 0);
  EXPECT_EQ(
      query(f / "costs.db",
            "SELECT count(*) FROM trials WHERE reason <> 'no path from input to output' AND (state "
            "<> 'complete' OR id NOT IN (SELECT trial FROM measurements WHERE metric = 'energy'))"),
      "0\n");
  const Result r = run(f.path(), kHwnas + " estimate " + (f / "costs.db").string() +
                                     ":0 --device " + (f / "jetson.toml").string());
  EXPECT_THAT(r.out, HasSubstr("jetson")) << r.err;
}

const std::string kTrusting = "HWNAS_TRUST_STUDIES=1 " + kHwnas;

TEST(Doors, ASearchContinuesFromTheStudyAloneUntilTheProgramChanges) {
  Folder f;
  follow("program.md", f.path());
  write(f / "run.toml", run_config("my_device"));
  ASSERT_EQ(run(f.path(), kHwnas + " search run.toml --trials 16").code, 0);
  for (const char* file : {"run.toml", "my_device.toml"}) std::filesystem::remove(f / file);
  Folder elsewhere;
  const std::string study = (f / "costs.db").string();
  const Result stranger = run(elsewhere.path(), kHwnas + " search " + study + " --trials 24");
  EXPECT_EQ(stranger.code, 2);
  EXPECT_THAT(stranger.err,
              HasSubstr("of the study: family = program: a study may not have programs"));
  EXPECT_EQ(run(elsewhere.path(), kTrusting + " search " + study + " --trials 24").code, 0);
  write(f / "my_model.py", slurp(f / "my_model.py") + "# changed\n");
  const Result r = run(elsewhere.path(), kTrusting + " search " + study + " --trials 32");
  EXPECT_EQ(r.code, 2);
  EXPECT_THAT(r.err, HasSubstr("my_model.py is no longer what it was"));
  EXPECT_EQ(std::count(r.err.begin(), r.err.end(), '\n'), 1) << r.err;
}

}  // namespace
}  // namespace hwnas::testing
