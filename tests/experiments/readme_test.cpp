// What the READMEs show must hold: their TOML is parsed, their loop is the code's.
#include <gtest/gtest.h>

#include <sstream>

#include "experiments/run_config.h"
#include "space/search_space.h"
#include "tests/experiments/program.h"

namespace hwnas::testing {
namespace {

namespace fs = std::filesystem;

const std::string kTree = HWNAS_SOURCE_DIR;

// The blocks of a language in a Markdown file.
std::vector<std::string> blocks(const std::string& file, const std::string& language) {
  std::istringstream in(slurp(kTree + "/" + file));
  std::vector<std::string> found;
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("```")) {
      inside = line == "```" + language;
      if (inside) found.emplace_back();
    } else if (inside) {
      found.back() += line + "\n";
    }
  }
  return found;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

// Whether a block is a run config: it names a space, which a space does not.
bool is_config(const std::string& block) {
  return block.find("\nspace = ") != std::string::npos;
}

TEST(Readme, SpacesDecode) {
  for (const char* file : {"README.md", "space/README.md"}) {
    int spaces = 0;
    for (const std::string& block : blocks(file, "toml")) {
      if (is_config(block)) continue;
      if (block.starts_with("[workers]")) {  // a part of one
        const std::string config = slurp(kTree + "/experiments/configs/fashion_mnist.toml");
        EXPECT_EQ(RunConfig::parse(config + block, file).workers.launcher.front(), "srun");
        continue;
      }
      EXPECT_GE(SearchSpace::parse(block, file).choices().size(), 8u);
      ++spaces;
    }
    EXPECT_EQ(spaces, 1) << file;
  }
}

TEST(Readme, TheTutorialRuns) {
  if (!fs::exists("/usr/share/datasets/fashion-mnist"))
    GTEST_SKIP() << "Debian's dataset-fashion-mnist is not installed";
  const Folder folder;
  const std::string settings = "export PATH=\"" HWNAS_BIN_DIR ":$PATH\" HWNAS_HEADERS=\"" + kTree +
                               "/hw_models/plugin\"\nset -e\n";
  int count = 0;
  for (const std::string& block : blocks("experiments/tutorial.md", "sh")) {
    // A block may use the id that the one before has chosen.
    write(folder / "block.sh", settings + (fs::exists(folder / "id") ? ". ./id\n" : "") + block +
                                   "\n[ -z \"$id\" ] || echo \"id=$id\" > id\n");
    const Result result = run(folder.path(), "bash block.sh");
    EXPECT_EQ(result.code, 0) << block << result.err;
    ++count;
  }
  EXPECT_EQ(count, 12);
  for (const char* made : {"short.html", "model/model.onnx", "short.jsonl"})
    EXPECT_TRUE(fs::exists(folder / made)) << made;
  EXPECT_FALSE(fs::exists(folder / "my_run.db"));
  // The README's walk, over the same study; where it trains for an hour, an epoch.
  run(folder.path(),
      "cp short.db study.db; cp -r short.files study.files; cp short.db fashion_mnist.db");
  const std::string id_file = slurp(folder / "id");
  ASSERT_FALSE(id_file.empty());
  const std::string chosen = id_file.substr(3, id_file.find('\n') - 3);
  int walks = 0;
  for (std::string block : blocks("README.md", "sh")) {
    const bool walk = block.find("hwnas study check study.db") != std::string::npos;
    const bool query = block.starts_with("sqlite3 ");
    if (!walk && !query) continue;
    ++walks;
    block = replaced(replaced(std::move(block), "study.db 82", "study.db " + chosen), "--epochs 60",
                     "--epochs 1");
    block = replaced(std::move(block), "-o model", "-o taken");
    write(folder / "block.sh", settings + block);
    const Result result = run(folder.path(), "bash block.sh");
    EXPECT_EQ(result.code, 0) << block << result.err;
  }
  EXPECT_EQ(walks, 2);
  EXPECT_TRUE(fs::exists(folder / "taken" / "model.onnx"));
  if (run(folder.path(), "python3 -c 'import pandas'").code != 0)
    GTEST_SKIP() << "pandas is not installed (Debian: python3-pandas); all else was run";
  for (const char* file : {"README.md", "search/store/README.md"}) {
    run(folder.path(), "cp short.db run.db");
    for (const std::string& block : blocks(file, "python")) {
      write(folder / "block.py", block);
      const Result result = run(folder.path(), "python3 block.py");
      EXPECT_EQ(result.code, 0) << block << result.err;
    }
  }
}

TEST(Readme, RunConfigsRun) {
  int configs = 0;
  for (const std::string& block : blocks("README.md", "toml")) {
    if (!is_config(block)) continue;
    const Folder folder;
    write(folder / "run.toml", block);
    const Result result = run(folder.path(), kHwnas + " search run.toml --trials 20");
    EXPECT_EQ(result.code, 0) << result.err;
    ++configs;
  }
  EXPECT_EQ(configs, 1);
}

TEST(Readme, TheRunConfigIsOne) {
  Folder folder;
  const auto found = blocks("experiments/README.md", "toml");
  ASSERT_EQ(found.size(), 1u);
  std::filesystem::create_directories(folder / "data/fashion");
  const RunConfig config = RunConfig::parse(found[0], (folder / "run.toml").string());
  EXPECT_EQ(config.objectives.size(), 3u);
  EXPECT_EQ(config.training->learning_rate, TrainingConfig{}.learning_rate);
}

TEST(Readme, TheRunConfigOfTablesIsOne) {
  const Folder folder;
  const auto found = blocks("experiments/tables.md", "toml");
  ASSERT_EQ(found.size(), 1u);
  for (const char* file : {"nb201_accuracy.csv.gz", "devices.csv.gz", "zero_cost.csv.gz"})
    write(folder / file, "arch_str\n");
  const RunConfig config = RunConfig::parse(found[0], (folder / "run.toml").string());
  EXPECT_EQ(config.tables.size(), 3u);
  EXPECT_EQ(config.tables[0].metrics[0].cost, 200);
}

TEST(Readme, TheLoopIsTheCodes) {
  const std::string code = slurp(kTree + "/search/engine/run.cpp");
  const auto found = blocks("README.md", "cpp");
  ASSERT_EQ(found.size(), 1u);
  std::istringstream lines(found[0]);
  std::size_t at = 0;
  for (std::string line; std::getline(lines, line);) {
    line.erase(0, line.find_first_not_of(' '));
    at = code.find(line, at);
    EXPECT_NE(at, std::string::npos) << line;
  }
}

TEST(Readme, ShippedRunConfigsParse) {
  int configs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kTree + "/experiments/configs")) {
    const RunConfig config = RunConfig::load(entry.path());
    EXPECT_EQ(config.name, entry.path().stem().string());
    ++configs;
  }
  EXPECT_GE(configs, 2);
}

}  // namespace
}  // namespace hwnas::testing
