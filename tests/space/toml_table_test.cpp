#include "space/toml_table.h"

#include <gtest/gtest.h>

#include <functional>

namespace hwnas {
namespace {

std::string message(const std::function<void()>& act) {
  try {
    act();
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

TomlTable toml(const char* text) {
  return TomlTable::parse(text, "run.toml");
}

TEST(TomlTable, ReadsTypedValues) {
  const TomlTable t = toml(
      "a = 1\nb = 2.5\nc = 'x'\nd = true\ne = ['p', 'q']\nf = '20 ms'\n[g]\nh = [1, "
      "2]\n[[i]]\n[[i]]\nj = 1\n");
  EXPECT_EQ(t.integer("a", 0, 10), 1);
  EXPECT_EQ(t.number("b", 0, 10), 2.5);
  EXPECT_EQ(t.number("a", 0, 10), 1.0);
  EXPECT_EQ(t.string("c"), "x");
  EXPECT_TRUE(t.boolean("d", false));
  EXPECT_EQ(t.strings("e"), (std::vector<std::string>{"p", "q"}));
  EXPECT_DOUBLE_EQ(t.quantity("f", Unit::second), 0.02);
  EXPECT_EQ(t.table("g").integers("h"), (std::vector<std::int64_t>{1, 2}));
  ASSERT_EQ(t.tables("i").size(), 2u);
  EXPECT_EQ(t.tables("i")[1].path_of("j"), "i[1].j");
  EXPECT_EQ(t.keys().front(), "a");
  EXPECT_EQ(t.integer("absent", 0, 9, 7), 7);
}

TEST(TomlTable, EveryMistakeIsOneLineThatSaysWhere) {
  const TomlTable t =
      toml("a = 'one'\n[budget]\ntrials = -5\nshare = 1.5\nlimit = '20 KiB'\nlist = [1, 'x']\n");
  const TomlTable b = t.table("budget");
  EXPECT_EQ(message([&] { t.integer("a", 1, 9); }),
            "run.toml:1: a = 'one': expected a whole number from 1 to 9");
  EXPECT_EQ(message([&] { b.integer("trials", 1, 9); }),
            "run.toml:3: budget.trials = -5: expected a whole number from 1 to 9");
  EXPECT_EQ(message([&] { b.number("share", 0, 1); }),
            "run.toml:4: budget.share = 1.5: expected a number from 0 to 1");
  EXPECT_EQ(message([&] { b.quantity("limit", Unit::second); }),
            "run.toml:5: budget.limit = '20 KiB': expected a time such as '20 ms' (ns, us, ms, s, "
            "min, h, day)");
  EXPECT_EQ(message([&] { b.strings("list"); }),
            "run.toml:6: budget.list = [ 1, 'x' ]: expected a list of strings");
  EXPECT_EQ(message([&] { b.string("absent"); }),
            "run.toml:2: budget.absent: is missing; expected a string");
  EXPECT_EQ(message([&] { t.table("absent"); }),
            "run.toml:1: absent: is missing; expected a table [absent]");
  EXPECT_EQ(message([&] { t.table("a"); }), "run.toml:1: a = 'one': expected a table, as in [a]");
  EXPECT_EQ(message([&] { t.tables("a"); }),
            "run.toml:1: a = 'one': expected a list of tables, as in [[a]]");
  EXPECT_EQ(message([&] { t.boolean("a", true); }),
            "run.toml:1: a = 'one': expected true or false");
}

TEST(TomlTable, UnknownKeysNameTheNearest) {
  const TomlTable t = toml("[budget]\ntrails = 5\n");
  const TomlTable b = t.table("budget");
  (void)b.integer("trials", 1, 9, 1);
  EXPECT_EQ(message([&] { b.done(); }),
            "run.toml:2: budget.trails = 5: unknown key; did you mean 'trials'?");
  t.done();
  const TomlTable other = toml("zebra = 1\n");
  (void)other.has("trials");
  EXPECT_EQ(message([&] { other.done(); }), "run.toml:1: zebra = 1: unknown key; known: trials");
}

TEST(TomlTable, SyntaxAndFiles) {
  EXPECT_TRUE(message([] { toml("a = \n"); }).starts_with("run.toml:1: not valid TOML: "));
  EXPECT_EQ(message([] { TomlTable::parse_file("/no/such/file.toml"); }),
            "/no/such/file.toml: cannot be read; does the file exist?");
  EXPECT_EQ(message([] { TomlTable::parse_file("/"); }), "/: is a directory, not a file");
}

}  // namespace
}  // namespace hwnas
