// The one include rule: everybody may include space/; nobody but experiments/ and tests/ includes
// two siblings.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>

namespace {

namespace fs = std::filesystem;
using Rooms = std::set<std::string>;

const std::map<std::string, Rooms> kMayInclude{
    {"space", {"space"}},
    {"hw_models", {"space", "hw_models"}},
    {"predictors", {"space", "predictors"}},
    {"trainer", {"space", "trainer"}},
    {"search", {"space", "search"}},
    {"experiments", {"space", "hw_models", "predictors", "search", "experiments"}},
};

// Third-party headers and the folder that alone may include them, in a .cpp only but for the
// trainer's own.
const std::map<std::string, Rooms> kGuarded{{"torch/", {"trainer"}},
                                            {"ATen/", {"trainer"}},
                                            {"c10/", {"trainer"}},
                                            {"sqlite3.h", {"search/store"}},
                                            {"oneapi/", {"search/engine"}},
                                            {"tbb/", {"search/engine"}},
                                            {"boost/", {"experiments", "trainer"}},
                                            {"nlohmann/", {"experiments", "trainer", "hw_models"}},
                                            {"zlib.h", {"trainer", "hw_models"}},
                                            {"onnx/", {"experiments/onnx"}},
                                            {"Eigen/", {"predictors"}},
                                            {"xgboost/", {"predictors"}},
                                            {"toml++/", {"space"}}};

bool is_source(const fs::path& p) {
  const std::string e = p.extension().string();
  return e == ".h" || e == ".cpp" || e == ".c";
}

TEST(IncludeRule, HoldsInEveryFile) {
  const fs::path root = HWNAS_SOURCE_DIR;
  const std::regex include("^\\s*#\\s*include\\s*[<\"]([^>\"]+)[>\"]");
  int files = 0;
  for (const auto& [room, allowed] : kMayInclude) {
    if (!fs::exists(root / room)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / room)) {
      if (!is_source(entry.path())) continue;
      ++files;
      const std::string relative = fs::relative(entry.path(), root).string();
      std::ifstream in(entry.path());
      for (std::string line; std::getline(in, line);) {
        std::smatch match;
        if (!std::regex_search(line, match, include)) continue;
        const std::string header = match[1];
        const std::string top = header.substr(0, header.find('/'));
        if (kMayInclude.contains(top) && fs::exists(root / header)) {
          EXPECT_TRUE(allowed.contains(top)) << relative << " includes " << header;
        }
        for (const auto& [guarded, homes] : kGuarded) {
          if (!header.starts_with(guarded)) continue;
          bool home = false;
          for (const std::string& folder : homes) home = home || relative.starts_with(folder + "/");
          EXPECT_TRUE(home) << relative << " includes " << header;
        }
      }
    }
  }
  EXPECT_GT(files, 40);
}

}  // namespace
