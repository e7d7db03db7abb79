#include "experiments/table.h"

#include <gtest/gtest.h>

#include <sstream>

namespace hwnas {
namespace {

TEST(Table, AlignsCountingCharactersNotBytes) {
  Table table;
  table.column("name", Table::Align::left);
  table.column("n");
  table.row({"a \u00b1 b", "1"});
  table.row({"x", "100"});
  std::ostringstream out;
  out << table;
  EXPECT_EQ(out.str(),
            "name     n\n"
            "\u2500\u2500\u2500\u2500\u2500\u2500\u2500\u2500\u2500\u2500\n"
            "a \u00b1 b    1\n"
            "x      100\n");
}

}  // namespace
}  // namespace hwnas
