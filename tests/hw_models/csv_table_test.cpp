#include "hw_models/csv_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <cmath>
#include <fstream>

#include "tests/scratch_folder.h"

namespace hwnas {
namespace {

using ::testing::HasSubstr;

struct CsvFile {
  ScratchFolder folder;
  std::filesystem::path path;
  explicit CsvFile(const std::string& text) : path(folder / "table.csv") {
    std::ofstream(path, std::ios::binary) << text;
  }
  CsvTable read() const { return CsvTable::read(path); }
  std::string message() const {
    try {
      const CsvTable table = read();
      for (std::size_t row = 0; row < table.rows(); ++row) table.number(row, 0);
    } catch (const InputError& error) {
      return error.what();
    }
    return "no error";
  }
};

TEST(CsvTable, QuotesCommentsAndLineEnds) {
  const CsvFile file(
      "\xEF\xBB\xBF# measured in May\r\na, \"b, \"\"quoted\"\"\" ,c\r\n\r\n1,\"x,\ny\",3\r\n"
      "# no more\n  4 , ,\"\"");
  const CsvTable table = file.read();
  EXPECT_EQ(table.header(), (std::vector<std::string>{"a", "b, \"quoted\"", "c"}));
  ASSERT_EQ(table.rows(), 2u);
  EXPECT_EQ(table.text(0, 1), "x,\ny");
  EXPECT_EQ(table.text(1, 0), "4");
  EXPECT_EQ(table.text(1, 1), "");
  EXPECT_EQ(table.text(1, 2), "");
  EXPECT_EQ(table.line(0), 4);
  EXPECT_EQ(table.line(1), 7);
  EXPECT_EQ(table.number(0, table.column("c")), 3);
}

TEST(CsvTable, MissingNumbers) {
  const CsvTable table = CsvFile("a\n-1\nNA\nnan\n1e-3\n+2\n\"\"\n").read();
  for (const std::size_t row : {0u, 1u, 2u, 5u}) EXPECT_TRUE(std::isnan(table.number(row, 0)));
  EXPECT_EQ(table.number(3, 0), 1e-3);
  EXPECT_EQ(table.number(4, 0), 2);
}

TEST(CsvTable, RealNumbersMayBeBelowZero) {
  const CsvTable table = CsvFile("a\n-1.5\nNA\nnan\n-inf\ninf\n1e66\n").read();
  EXPECT_EQ(table.real(0, 0), -1.5);
  for (const std::size_t row : {1u, 2u, 3u, 4u}) EXPECT_TRUE(std::isnan(table.real(row, 0))) << row;
  EXPECT_EQ(table.real(5, 0), 1e66);
  EXPECT_THROW(table.number(4, 0), InputError);
}

TEST(CsvTable, Mistakes) {
  EXPECT_THAT(CsvFile("").message(), HasSubstr("table.csv: is empty; expected a header"));
  EXPECT_THAT(CsvFile("a,b\n1,2\n\n3\n").message(),
              HasSubstr("table.csv:4: has 1 fields, the header has 2"));
  EXPECT_THAT(CsvFile("a\n12ms\n").message(),
              HasSubstr("table.csv:2: a = '12ms': expected a number"));
  EXPECT_THAT(CsvFile("a\ninf\n").message(), HasSubstr("a = 'inf': expected a number"));
  EXPECT_THAT(CsvFile("a\n\"1\n2\n").message(), HasSubstr("table.csv:2: a quote (\") is never"));
  EXPECT_THAT(CsvFile("a\n\"1\"2\n").message(), HasSubstr("ends before its field does"));
  EXPECT_THROW(CsvTable::read("/no/such/table.csv"), InputError);
  try {
    CsvFile("latency,b\n").read().column("latencty");
    FAIL();
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("no column 'latencty'; did you mean 'latency'?"));
  }
}

TEST(CsvTable, DamagedGzipIsAMistake) {
  const CsvFile file("");
  gzFile out = gzopen(file.path.c_str(), "wb");
  for (int i = 0; i < 5000; ++i) gzprintf(out, "%d,%d\n", i, i * i);
  gzclose(out);
  EXPECT_EQ(file.read().rows(), 4999u);
  std::filesystem::resize_file(file.path, std::filesystem::file_size(file.path) / 2);
  EXPECT_THAT(file.message(), HasSubstr("table.csv"));
  EXPECT_THROW(file.read(), InputError);
}

}  // namespace
}  // namespace hwnas
