// hwnas help: commands, topics, the man page, completion.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "experiments/commands.h"
#include "tests/experiments/program.h"

namespace hwnas::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const Folder& folder() {
  static const Folder one;
  return one;
}
Result hwnas(const std::string& arguments) {
  return run(folder().path(), kHwnas + " " + arguments);
}

TEST(Help, EveryCommandHasAPage) {
  const std::string all = hwnas("help").out;
  EXPECT_EQ(hwnas("--help").out, all);
  EXPECT_EQ(hwnas("").code, 2);
  for (const Command& command : all_commands()) {
    const std::string name = command.name;
    EXPECT_THAT(all, HasSubstr("  " + name));
    const Result page = hwnas(name + " --help");
    EXPECT_EQ(page.code, 0) << name;
    EXPECT_THAT(page.out, HasSubstr("usage: hwnas " + name)) << name;
    if (name == "help") continue;
    EXPECT_EQ(hwnas("help " + name).out, page.out);
  }
}

TEST(Help, TopicsAreSectionsOfTheReadmes) {
  const std::string all = hwnas("help").out;
  std::istringstream names(all.substr(all.find("topics: hwnas help ") + 19));
  std::string line, name;
  std::getline(names, line);
  std::istringstream words(line);
  int count = 0;
  while (words >> name) {
    const Result topic = hwnas("help " + name);
    EXPECT_EQ(topic.code, 0) << topic.err;
    EXPECT_GT(topic.out.size(), 100u) << name;
    EXPECT_EQ(topic.out[0], '#') << name;
    ++count;
  }
  EXPECT_GE(count, 10);
  EXPECT_THAT(hwnas("help configs").out,
              AllOf(HasSubstr("[[objectives]]"), Not(HasSubstr("## Rungs"))));
  const Result wrong = hwnas("help confgs");
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.err,
              HasSubstr("help confgs: neither a command nor a topic; did you mean 'configs'?"));
}

TEST(Help, TheManPageHoldsAllPages) {
  const std::string man = hwnas("help --man").out;
  EXPECT_EQ(man.substr(0, 10), ".TH HWNAS ");
  for (const Command& command : all_commands()) {
    if (std::string(command.name) == "help") continue;
    EXPECT_THAT(man, HasSubstr(std::string("\n.SS ") + command.name + "\n"));
  }
  EXPECT_THAT(man, HasSubstr("\\-\\-where CONDITION"));
}

TEST(Help, ShellsComplete) {
  const auto completed = [](const std::string& words, int at) {
    write(folder() / "c.sh", "eval \"$(" + kHwnas + " help --completion bash)\"\nCOMP_WORDS=(" +
                                 kHwnas + " " + words + ")\nCOMP_CWORD=" + std::to_string(at) +
                                 "\n_hwnas\necho \"${COMPREPLY[*]}\"\n");
    const Result r = run(folder().path(), "bash c.sh");
    EXPECT_EQ(r.code, 0) << r.err;
    return r.out;
  };
  EXPECT_EQ(completed("par", 1), "pareto\n");
  EXPECT_EQ(completed("pick --wh", 2), "--where\n");
  write(folder() / "study_one.db", "");
  EXPECT_EQ(completed("pick study_o", 2), "study_one.db\n");
  EXPECT_THAT(hwnas("help --completion zsh").out, HasSubstr("bashcompinit"));
  const Result wrong = hwnas("help --completion fish");
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("--completion = fish: expected bash or zsh"));
}

}  // namespace
}  // namespace hwnas::testing
