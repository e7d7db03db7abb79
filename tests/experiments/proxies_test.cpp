// Zero-cost scores through the program, and as what the initial design ranks by.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "experiments/proxy_report.h"
#include "search/store/study.h"
#include "tests/experiments/program.h"

namespace hwnas::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Json = nlohmann::json;

// ln(1/4) for the lowest, 0 for the highest; a missing value ranks lowest, equal ones alike.
TEST(JoinedRanks, AddTheLogarithmsOfRanks) {
  const double l1 = std::log(0.25), l2 = std::log(0.5), l3 = std::log(0.75);
  EXPECT_THAT(joined_ranks({{5, 9, 7, 1}}), ElementsAre(l2, 0, l3, l1));
  EXPECT_THAT(joined_ranks({{5, 9, 7, 1}, {1, 2, std::nan(""), 2}}),
              ElementsAre(l2 + l2, 0, l3 + l1, l1));
  EXPECT_TRUE(joined_ranks({}).empty());
}

TEST(ProxyReport, RanksScoresBesideAccuracies) {
  ScoredTrials trials;
  trials.names = {"nwot", "macs"};
  trials.ids = {0, 2, 3, 5, 6};
  trials.accuracies = {0.8, 0.9, 0.85, std::nan(""), 0.7};
  trials.scores = {{{1, 40}, {0.1, 0}, ""},
                   {{3, 20}, {0.3, 0}, ""},
                   {{2, 30}, {0.2, 0}, ""},
                   {{9, 9}, {9, 9}, ""},        // without an accuracy it does not count
                   {{}, {}, "out of memory"}};  // nor without scores
  const Json j = Json::parse(to_json(trials));
  EXPECT_NEAR(j["agreement"]["nwot"]["kendall"].get<double>(), 1, 1e-12);
  EXPECT_NEAR(j["agreement"]["macs"]["spearman"].get<double>(), -1, 1e-12);
  EXPECT_NEAR(j["agreement"]["nwot"]["seconds"].get<double>(), 0.2, 1e-12);
  EXPECT_TRUE(j["agreement"].contains("nwot + macs"));
  EXPECT_FALSE(j["agreement"].contains("az_nas"));  // not all of its scores are there
  EXPECT_EQ(j["trials"][4]["failure"], "out of memory");
  const std::string text = to_text(trials);
  EXPECT_THAT(text, HasSubstr("trial 6: out of memory\n"));
  EXPECT_THAT(text, HasSubstr("nwot                       1.000          1.000  200 ms"));
}

TEST(Proxies, OfANetworkOnRandomImages) {
  const Folder folder;
  const Result text = run(folder.path(), kHwnas + " proxies resnet8");
  ASSERT_EQ(text.code, 0) << text.err;
  for (const char* name : {"parameters", "nwot", "jacov", "synflow", "trainability"})
    EXPECT_THAT(text.out, HasSubstr(name));
  const Json one = Json::parse(run(folder.path(), kHwnas + " proxies resnet8 --json").out);
  EXPECT_EQ(one["network"], "resnet8");
  EXPECT_EQ(one["scores"]["parameters"]["value"], 77946);
  const Json same =
      Json::parse(run(folder.path(), kHwnas + " proxies resnet8 --seed 1 --json").out);
  const Json other =
      Json::parse(run(folder.path(), kHwnas + " proxies resnet8 --seed 2 --json").out);
  EXPECT_EQ(one["scores"]["nwot"]["value"], same["scores"]["nwot"]["value"]);
  EXPECT_NE(one["scores"]["nwot"]["value"], other["scores"]["nwot"]["value"]);
}

TEST(Proxies, MistakesAreOneLine) {
  const Folder folder;
  write_idx(folder.path(), 200, 10);
  const auto problem = [&](const std::string& arguments) {
    const Result r = run(folder.path(), kHwnas + " proxies " + arguments);
    EXPECT_EQ(r.code, 2) << arguments;
    return r.err;
  };
  EXPECT_THAT(problem("resnet8 --data-set mnist --data ."),
              HasSubstr("resnet8: the network reads 3 channels, the images have 1"));
  EXPECT_THAT(problem("resnet8 --data ."), HasSubstr("--data is of no use without --data-set"));
  EXPECT_THAT(problem("resnet8 --data-set mnits --data ."), HasSubstr("did you mean 'mnist'?"));
  EXPECT_THAT(problem("resnet8 --data-set mnist"), HasSubstr("directory"));
  EXPECT_THAT(problem("none.db"), HasSubstr("none.db"));
}

std::string config(const std::filesystem::path& data, const std::string& proxies) {
  return R"(
name = "run"
space = "tiny_image"
[data]
set = "mnist"
directory = ")" +
         data.string() + R"("
validation_share = 0.2
[training]
batch = 32
)" + proxies +
         R"(
[search]
batch = 2
initial_design = 3
[budget]
trials = 4
[[objectives]]
metric = "accuracy"
[[objectives]]
metric = "macs"
)";
}

TEST(Proxies, OfAStudyAndAsWhatItsDesignRanksBy) {
  const Folder folder;
  write_idx(folder.path(), 300, 10);
  write(folder / "plain.toml", config(folder.path(), ""));
  write(folder / "ranked.toml", config(folder.path(), "proxies = [\"nwot\", \"jacov\"]"));
  const auto search = [&](const std::string& name, const std::string& study, int trials) {
    const Result r = run(folder.path(), kHwnas + " search " + name + ".toml --study " + study +
                                            ".db --trials " + std::to_string(trials));
    ASSERT_EQ(r.code, 0) << r.err;
  };
  search("ranked", "whole", 4);
  search("ranked", "parts", 1);
  search("ranked", "parts", 4);
  search("plain", "plain", 3);
  const Study whole = Study::open_readonly(folder / "whole.db");
  const Study parts = Study::open_readonly(folder / "parts.db");
  const Study plain = Study::open_readonly(folder / "plain.db");
  // Of 8 candidates for each of 3 places each score is kept; a resumed run is the same run.
  const auto kept = [](const std::string& dump) {
    std::size_t rows = 0;
    for (std::size_t at = dump.find("\nproxies|"); at != std::string::npos;
         at = dump.find("\nproxies|", at + 1))
      ++rows;
    return rows;
  };
  EXPECT_EQ(kept(whole.dump()), 2 * 8 * 3);
  EXPECT_EQ(kept(plain.dump()), 0u);
  const auto without_config = [](const std::string& dump) { return dump.substr(dump.find('\n')); };
  EXPECT_EQ(without_config(whole.dump()), without_config(parts.dump()));
  int moved = 0;  // places for which the scores chose another candidate
  for (std::size_t i = 0; i < 3; ++i)
    moved += whole.trials()[i].genotype.genes != plain.trials()[i].genotype.genes;
  EXPECT_GE(moved, 1);

  const Result report = run(folder.path(), kHwnas + " proxies whole.db --json");
  ASSERT_EQ(report.code, 0) << report.err;
  const Json j = Json::parse(report.out);
  ASSERT_EQ(j["trials"].size(), 4u);
  const Trial first = whole.trials()[0];
  EXPECT_EQ(j["trials"][0]["accuracy"], find(first, {Metric::accuracy, ""})->value);
  EXPECT_TRUE(j["agreement"]["az_nas"]["kendall"].is_number());
  // The command computes what the run has kept: same seed, same images.
  const auto network = live(SearchSpace::parse(whole.info().space, "space", whole.info().task)
                                .decode(first.genotype)
                                .network);
  EXPECT_EQ(j["trials"][0]["scores"]["nwot"]["value"], whole.score(fingerprint(*network), "nwot"));
  EXPECT_THAT(run(folder.path(), kHwnas + " proxies whole.db").out,
              HasSubstr("ranks as accuracy does"));
}

TEST(Proxies, OfNoUseToOtherAlgorithms) {
  const Folder folder;
  write_idx(folder.path(), 200, 10);
  std::string text = config(folder.path(), "proxies = [\"nwot\"]");
  text.replace(text.find("initial_design = 3"), 18, "algorithm = \"random\"");
  write(folder / "a.toml", text);
  EXPECT_THAT(run(folder.path(), kHwnas + " search a.toml").err,
              HasSubstr("training.proxies = [ 'nwot' ]: is of no use to random; the surrogate's "
                        "initial design ranks by them"));
  write(folder / "b.toml", config(folder.path(), "proxies = [\"nwto\"]"));
  EXPECT_THAT(run(folder.path(), kHwnas + " search b.toml").err,
              HasSubstr("'nwto' is not known here; did you mean 'nwot'?"));
}

}  // namespace
}  // namespace hwnas::testing
