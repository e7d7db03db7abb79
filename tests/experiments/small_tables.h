// A small space with tables that are made up, and the truth about them.
#pragma once

#include <zlib.h>

#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "search/store/study.h"
#include "space/rng.h"
#include "space/search_space.h"
#include "tests/experiments/program.h"

namespace hwnas::testing {

// 144 architectures.
inline const char* const kSmallSpace = R"(name = "small"
[input]
channels = 1
height = 8
width = 8
classes = 4
[[stages]]
block = "conv"
channels = [4, 8, 12, 16]
kernel = [1, 3, 5]
[[stages]]
block = "conv"
channels = [4, 8, 12, 16]
kernel = [1, 3, 5]
[[stages]]
block = "classifier"
)";

struct SmallRow {
  Genotype genotype;
  double accuracy_pct = 0, accuracy_12_pct = 0, latency_ms = 0, score = 0;
};

// Every architecture of the space; accuracy and latency grow together, with noise.
inline std::vector<SmallRow> small_rows() {
  std::vector<SmallRow> rows;
  Rng rng(11);
  for (int a = 0; a < 4; ++a) {
    for (int b = 0; b < 3; ++b) {
      for (int c = 0; c < 4; ++c) {
        for (int d = 0; d < 3; ++d) {
          SmallRow row;
          for (const int gene : {a, b, c, d})
            row.genotype.genes.push_back(static_cast<std::uint8_t>(gene));
          row.accuracy_pct = 50 + 5 * a + 4 * b + 3 * c + d + 3 * rng.uniform();
          row.accuracy_12_pct = 0.7 * row.accuracy_pct + 5 * rng.uniform();
          row.latency_ms = 1 + a * (1 + b) + 0.7 * c * (1 + d) + rng.uniform();
          row.score = row.accuracy_pct + 10 * rng.uniform() - 80;
          rows.push_back(row);
        }
      }
    }
  }
  return rows;
}

inline std::string number(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

inline std::string small_csv(const std::vector<SmallRow>& rows) {
  std::string csv = "arch,acc200,acc12,err,ms,score\n";
  for (const SmallRow& row : rows) {
    csv += to_text(row.genotype);
    for (const double value : {row.accuracy_pct, row.accuracy_12_pct, 1 - row.accuracy_pct / 100,
                               row.latency_ms, row.score})
      csv += "," + number(value);
    csv += "\n";
  }
  return csv;
}

inline const std::string kAccuracyColumn = R"([[tables.metrics]]
metric = "accuracy"
column = "acc200"
unit = "%"
fidelity = 200
cost = 200
)";
inline const std::string kLatencyColumn = R"([[tables.metrics]]
metric = "latency@board"
column = "ms"
unit = "ms"
cost = 0
)";
inline const std::string kTable = "[[tables]]\nfile = \"small.csv\"\narchitecture = \"arch\"\n";
inline const std::string kTwoObjectives =
    "[[objectives]]\nmetric = \"accuracy\"\n[[objectives]]\nmetric = \"latency@board\"\n";

inline std::string small_config(const std::string& tables, const std::string& rest,
                                const std::string& algorithm = "random") {
  return "name = \"small\"\nspace = \"./small_space.toml\"\n" + tables +
         "[search]\nalgorithm = \"" + algorithm + "\"\nbatch = 4\npopulation = 8\n" + rest;
}

// A folder with the space, the table and a run config, in which to run hwnas.
struct SmallRun {
  Folder folder;
  std::vector<SmallRow> rows = small_rows();

  explicit SmallRun(const std::string& config = small_config(kTable + kAccuracyColumn +
                                                                 kLatencyColumn,
                                                             kTwoObjectives)) {
    write(folder / "small_space.toml", kSmallSpace);
    write(folder / "small.csv", small_csv(rows));
    write(folder / "run.toml", config);
  }
  Result hwnas(const std::string& arguments) const {
    return run(folder.path(), kHwnas + " " + arguments);
  }
  Study study(const std::string& name = "small.db") const {
    return Study::open_readonly(folder / name);
  }
  std::string dump(const std::string& name = "small.db") const { return study(name).dump(); }
};

}  // namespace hwnas::testing
