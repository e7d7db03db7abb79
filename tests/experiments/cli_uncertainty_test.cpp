// Standard errors through the program: a board that was measured several times, bounds with a
// probability, intervals in every report; and what 'space check' says beforehand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "search/store/study.h"
#include "tests/experiments/program.h"

namespace hwnas::testing {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// Four architectures.
const char* const kPair = R"(
name = "pair"
[input]
channels = 4
height = 8
width = 8
classes = 3
[[stages]]
name = "a"
block = "conv"
channels = {each = [4, 8]}
depth = 2
kernel = 3
[[stages]]
name = "pool"
block = "classifier"
)";

// Means 8.1, 9.5, 7.2 and 12.5 ms with errors of 0.1, 0.5, 0.2 and 0.5 ms: for 10 ms with 95 % a
// mean may be 10 - 1.645 x 0.5 = 9.18 ms at an error of 0.5 ms.
const char* const kRows =
    "architecture,ms\n0-0,8\n0-0,8.2\n0-1,9\n0-1,10\n1-0,7\n1-0,7.4\n1-1,12\n1-1,13\n";

const std::string kHead =
    "name = \"run\"\nspace = \"./pair.toml\"\ndevices = [\"./board.toml\"]\n"
    "[search]\nalgorithm = \"random\"\n[budget]\ntrials = 4\n"
    "[[objectives]]\nmetric = \"parameters\"\n";

struct Board {
  Folder folder;
  explicit Board(const std::string& bound, const std::string& rows = kRows) {
    write(folder / "pair.toml", kPair);
    write(folder / "rows.csv", rows);
    write(folder / "board.toml",
          "description = \"b\"\nfamily = \"lookup\"\nconfidence = \"A\"\n[table]\n"
          "file = \"rows.csv\"\nrows = \"networks\"\nspace = \"./pair.toml\"\n"
          "architecture_column = \"architecture\"\nlatency_column = \"ms\"\n"
          "latency_unit = \"ms\"\nsource = \"t\"\ndate = \"2025-01\"\n");
    write(folder / "run.toml",
          kHead + "[[objectives]]\nmetric = \"latency@board\"\n" + bound + "\n");
  }
  Result hwnas(const std::string& arguments) const {
    return run(folder.path(), kHwnas + " " + arguments);
  }
  std::vector<Trial> trials() const { return Study::open_readonly(folder / "run.db").trials(); }
};

TrialState state_of(const std::vector<Trial>& trials, const std::string& genotype) {
  for (const Trial& trial : trials) {
    if (to_text(trial.genotype) == genotype) return trial.state;
  }
  return TrialState::running;
}

TEST(Uncertainty, AProbabilityChangesWhoIsFeasible) {
  const Board plain("at_most = \"10 ms\""), sure("at_most = \"10 ms with 95 %\"");
  ASSERT_EQ(plain.hwnas("search run.toml").code, 0);
  EXPECT_EQ(state_of(plain.trials(), "0-1"), TrialState::complete);
  EXPECT_EQ(state_of(plain.trials(), "1-1"), TrialState::infeasible);

  const Result r = sure.hwnas("search run.toml");
  ASSERT_EQ(r.code, 0) << r.err;
  EXPECT_EQ(state_of(sure.trials(), "0-0"), TrialState::complete);
  EXPECT_EQ(state_of(sure.trials(), "1-0"), TrialState::complete);
  EXPECT_EQ(state_of(sure.trials(), "0-1"), TrialState::infeasible);
  EXPECT_THAT(r.err, HasSubstr("infeasible: latency@board is 9.5 \u00b1 0.5 ms: at most 10.0 ms "
                               "with 95 % needs 9.18 ms"));
  EXPECT_THAT(r.out, AllOf(HasSubstr("bounds: latency@board \u2264 10.0 ms with 95 %"),
                           HasSubstr("7.20 \u00b1 0.20 ms"), HasSubstr("sure"),
                           HasSubstr("measured (latency)")));
  EXPECT_EQ(sure.hwnas("pareto run.db").out, r.out);
}

// 0-1 keeps the bound by its value, and has the fewest parameters beside 0-0: without its error it
// would be proposed.
TEST(Uncertainty, TheSurrogateKnowsWhatMissesTheProbability) {
  const Board t("at_most = \"10 ms with 95 %\"");
  std::string config = slurp(t.folder / "run.toml");
  config.replace(config.find("\"random\""), 8, "\"surrogate\"");
  write(t.folder / "run.toml", config);
  const Result r = t.hwnas("search run.toml --trials 2");
  ASSERT_EQ(r.code, 0) << r.err;
  for (const Trial& trial : t.trials()) EXPECT_EQ(trial.state, TrialState::complete) << trial.id;
}

TEST(Uncertainty, EveryReportShowsTheErrorAndTheSource) {
  const Board t("at_most = \"10 ms\"");
  ASSERT_EQ(t.hwnas("search run.toml").code, 0);
  const json front = json::parse(t.hwnas("pareto run.db --json").out);
  for (const json& member : front.at("front")) {
    const json& latency = member.at("values").at("latency@board");
    EXPECT_EQ(latency.at("source"), "measured");
    EXPECT_GT(latency.at("stddev").get<double>(), 0.9e-4);
    EXPECT_TRUE(member.at("sure").is_number());
    EXPECT_TRUE(member.at("values").at("parameters").at("stddev").is_null());
  }
  EXPECT_THAT(t.hwnas("show run.db 0").out, AllOf(HasSubstr(" \u00b1 "), HasSubstr("measured")));
  EXPECT_THAT(t.hwnas("status run.db").out, HasSubstr(" \u00b1 "));
  EXPECT_THAT(t.hwnas("rescore run.db --device ./board.toml").out,
              AllOf(HasSubstr("7.20 \u00b1 0.20 ms"), HasSubstr("sure")));
  EXPECT_THAT(t.hwnas("estimate run.db:0 --device ./board.toml,stm32h743 --bits 8").out,
              HasSubstr("numbers of board measured, all others analytic"));
  const Result one = t.hwnas("estimate run.db:0 --device ./board.toml");
  EXPECT_THAT(one.out, AllOf(HasSubstr(" \u00b1 "), HasSubstr("all numbers measured")));
  const json estimate = json::parse(t.hwnas("estimate run.db:0 --device ./board.toml --json").out);
  EXPECT_GT(estimate.at("devices").at(0).at("latency_stddev_s").get<double>(), 0.9e-4);
  EXPECT_TRUE(estimate.at("devices").at(0).at("energy_stddev_j").is_null());
}

TEST(Uncertainty, ThroughputHasTheRelativeErrorOfTheLatency) {
  const Board t("at_most = \"1 s\"\n[[bounds]]\nmetric = \"throughput@board\"\nat_least = \"1\"");
  ASSERT_EQ(t.hwnas("search run.toml").code, 0);
  for (const Trial& trial : t.trials()) {
    const Measurement* latency = find(trial, {Metric::latency, "board"});
    const Measurement* throughput = find(trial, {Metric::throughput, "board"});
    ASSERT_TRUE(latency && throughput && throughput->stddev);
    EXPECT_NEAR(*throughput->stddev / throughput->value, *latency->stddev / latency->value, 1e-12);
  }
}

TEST(Uncertainty, AProbabilityOfWhatHasNoErrorIsRefused) {
  const Board once("at_most = \"10 ms\"\nwith = \"95 %\"",
                   "architecture,ms\n0-0,8\n0-1,9\n1-0,7\n1-1,12\n");
  for (const char* command : {"search run.toml", "space check run.toml"}) {
    const Result r = once.hwnas(command);
    EXPECT_EQ(r.code, 2);
    EXPECT_EQ(r.err,
              "hwnas: run.toml: latency@board must be at most 10.0 ms with 95 %, but the table of "
              "device 'board' gives no standard error: measure architectures several times, or "
              "leave out 'with'\n");
  }
  EXPECT_FALSE(std::filesystem::exists(once.folder / "run.db"));
  std::string analytic = kHead +
                         "[[bounds]]\nmetric = \"energy@stm32h743\"\n"
                         "at_most = \"1 J with 90 %\"\n[precision]\nweight_bits = 8\n"
                         "activation_bits = 8\n";
  analytic.replace(analytic.find("./board.toml"), 12, "stm32h743");
  write(once.folder / "run.toml", analytic);
  const Result r = once.hwnas("search run.toml");
  EXPECT_EQ(r.code, 2);
  EXPECT_EQ(r.err,
            "hwnas: run.toml: energy@stm32h743 must be at most 1.00 J with 90 %, but device "
            "'stm32h743' (microcontroller) gives no standard error: 'hwnas devices fit' learns one "
            "from measurements; or leave out 'with'\n");
}

TEST(Uncertainty, TablesInThePlaceOfTrainingHaveNoErrors) {
  const Board t("", "architecture,ms\n0-0,8\n0-1,9\n1-0,7\n1-1,12\n");
  const auto check = [&](const std::string& cost, const std::string& bound) {
    write(t.folder / "run.toml",
          "space = \"./pair.toml\"\n[[tables]]\nfile = \"rows.csv\"\narchitecture = "
          "\"architecture\"\n[[tables.metrics]]\nmetric = \"latency@desk\"\ncolumn = \"ms\"\n"
          "unit = \"ms\"\ncost = " +
              cost + "\n[[objectives]]\nmetric = \"latency@desk\"\nat_most = \"" + bound + "\"\n");
    return t.hwnas("space check run.toml");
  };
  for (const char* cost : {"0", "1"}) {
    const Result r = check(cost, "10 ms with 95 %");
    EXPECT_EQ(r.code, 2);
    EXPECT_EQ(
        r.err,
        "hwnas: run.toml: latency@desk must be at most 10.0 ms with 95 %, but its table gives "
        "no standard error; leave out 'with'\n");
  }
  EXPECT_THAT(check("0", "10 ms").out, HasSubstr("within all bounds: 3 of 4 (75.0 %)"));
  EXPECT_THAT(check("1", "10 ms").out, HasSubstr("known only after a look-up"));
}

// Where some rows are repeated and others not, those that cannot be judged have failed.
TEST(Uncertainty, ATrialWithoutAnErrorFailsWithItsReason) {
  const Board some("at_most = \"10 ms with 95 %\"",
                   "architecture,ms\n0-0,8\n0-0,8.2\n0-1,9\n1-0,7\n1-1,12\n");
  const Result r = some.hwnas("search run.toml");
  ASSERT_EQ(r.code, 0) << r.err;
  EXPECT_EQ(state_of(some.trials(), "0-0"), TrialState::complete);
  EXPECT_EQ(state_of(some.trials(), "1-0"), TrialState::failed);
  EXPECT_EQ(state_of(some.trials(), "1-1"), TrialState::infeasible) << "whatever its error";
  EXPECT_THAT(r.err, HasSubstr("failed: latency@board has no standard error, which its bound of at "
                               "most 10.0 ms with 95 % needs"));
}

TEST(SpaceCheck, CountsASmallSpaceExactly) {
  const Board t("at_most = \"10 ms with 95 %\"");
  const Result r = t.hwnas("space check run.toml");
  EXPECT_EQ(r.code, 0) << r.err;
  EXPECT_THAT(r.out, AllOf(HasSubstr("run: space 'pair' (10^0.6 genotypes), all 4 of them"),
                           HasSubstr("within all bounds: 2 of 4 (50.0 %)"),
                           HasSubstr("\u2190 binds most"), HasSubstr("measured")));
  const json j = json::parse(t.hwnas("space check run.toml --json").out);
  EXPECT_EQ(j.at("whole_space"), true);
  EXPECT_EQ(j.at("samples"), 4);
  EXPECT_EQ(j.at("feasible_share"), 0.5);
  const json& latency = j.at("metrics").at(1);
  EXPECT_EQ(latency.at("key"), "latency@board");
  // 7.2, 8.1, 9.5, 12.5 ms: quartiles at places 0.75, 1.5 and 2.25.
  EXPECT_NEAR(latency.at("range").at("least").get<double>(), 7.2e-3, 1e-12);
  EXPECT_NEAR(latency.at("range").at("quarter").get<double>(), 7.875e-3, 1e-12);
  EXPECT_NEAR(latency.at("range").at("median").get<double>(), 8.8e-3, 1e-12);
  EXPECT_NEAR(latency.at("range").at("three_quarters").get<double>(), 10.25e-3, 1e-12);
  EXPECT_NEAR(latency.at("range").at("most").get<double>(), 12.5e-3, 1e-12);
  const json& bound = j.at("bounds").at(0);
  EXPECT_EQ(bound.at("share_alone"), 0.5);
  EXPECT_EQ(bound.at("share_without"), 1.0);
  EXPECT_EQ(bound.at("binds"), true);
  EXPECT_NEAR(bound.at("nearest_feasible").get<double>(), 7.2e-3 + 1.6448536269514722 * 0.2e-3,
              1e-9);
  EXPECT_FALSE(std::filesystem::exists(t.folder / "run.db"));
}

TEST(SpaceCheck, ExitsWithSearchsOwnWordsWhereNothingIsFeasible) {
  const Board t("at_most = \"6 ms\"");
  const Result check = t.hwnas("space check run.toml"), search = t.hwnas("search run.toml");
  EXPECT_EQ(check.code, 2);
  EXPECT_EQ(check.err,
            "hwnas: run.toml: none of 4 candidates of space 'pair' meets the bounds: latency@board "
            "must be at most 6.00 ms, nearest found 7.20 ms\n");
  EXPECT_EQ(search.code, 2);
  EXPECT_EQ(search.err, check.err);
  EXPECT_THAT(check.out, AllOf(HasSubstr("nearest feasible"), HasSubstr("7.20 ms"),
                               HasSubstr("within all bounds: 0 of 4 (0 %)")));
  EXPECT_EQ(json::parse(t.hwnas("space check run.toml --json").out).at("any_feasible"), false);
}

std::string with_bound(const std::string& space, const std::string& bound) {
  return "space = \"" + space + "\"\ndevices = [\"stm32l4r5\"]\n[precision]\nweight_bits = 8\n" +
         "activation_bits = 8\n[[objectives]]\nmetric = \"latency@stm32l4r5\"\n" + bound;
}

TEST(SpaceCheck, BoundsOfADevicesMemoryAreItsOwn) {
  const Folder folder;
  write(folder / "run.toml", with_bound("tiny_image", "at_most = \"25 ms\"\n"));
  const auto check = [&](const std::string& more) {
    return run(folder.path(), kHwnas + " space check run.toml " + more);
  };
  const Result r = check("--samples 300");
  EXPECT_EQ(r.code, 0) << r.err;
  EXPECT_THAT(r.out, AllOf(HasSubstr("300 random of them"), HasSubstr("(the device's own)"),
                           HasSubstr("memory@stm32l4r5 at most 640 KiB")));
  EXPECT_EQ(check("--samples 300").out, r.out);
  EXPECT_NE(check("--samples 300 --seed 2").out, r.out);
  const json j = json::parse(check("--samples 300 --json").out);
  EXPECT_EQ(j.at("bounds").at(0).at("of_device"), false);
  EXPECT_EQ(j.at("bounds").at(1).at("of_device"), true);
  EXPECT_EQ(check("--samples 0").err,
            "hwnas: --samples = 0: expected a whole number from 1 to 1000000\n");
}

TEST(SpaceCheck, EndsInAnySpace) {
  const Folder folder;
  const auto check = [&](const std::string& space, const std::string& config) {
    write(folder / "space.toml", space);
    write(folder / "run.toml", config);
    return run(folder.path(), "timeout 60 " + kHwnas + " space check run.toml --samples 64");
  };
  std::string none(kPair);
  none.replace(none.rfind("[[stages]]"), std::string::npos,
               "[cell]\nnodes = 3\nops = [\"none\"]\n[[stages]]\nname = \"c\"\nblock = \"cell\"\n"
               "[[stages]]\nname = \"pool\"\nblock = \"classifier\"\n");
  const Result nothing = check(none, with_bound("./space.toml", ""));
  EXPECT_EQ(nothing.code, 2);
  EXPECT_THAT(nothing.out, HasSubstr("4 such as: no path from input to output"));
  EXPECT_THAT(nothing.err,
              HasSubstr("no candidate of space 'pair' can be evaluated: no path from"));

  std::string one(kPair);
  one.replace(one.find("{each"), std::string("{each = [4, 8]}").size(), "8");
  const Result single = check(one, with_bound("./space.toml", "at_most = \"1 us\"\n"));
  EXPECT_EQ(single.code, 2);
  EXPECT_THAT(single.err, HasSubstr("none of 1 candidates of space 'pair' meets the bounds"));

  const Result huge = check("",
                            "space = \"fbnet\"\ndevices = [\"raspberry_pi_4\"]\n"
                            "[[objectives]]\nmetric = \"latency@raspberry_pi_4\"\n"
                            "at_most = \"1 us\"\n");
  EXPECT_EQ(huge.code, 2);
  EXPECT_THAT(huge.err,
              HasSubstr("meets the bounds: latency@raspberry_pi_4 must be at most 1.00 us"));
  EXPECT_THAT(huge.out, HasSubstr("\u2190 binds"));
}

// Its command would fail if it were started.
TEST(SpaceCheck, NothingIsTrained) {
  const Folder folder;
  write_idx(folder.path(), 20, 10);
  write(folder / "run.toml",
        "space = \"tiny_image\"\ndevices = [\"stm32l4r5\"]\n[data]\nset = \"mnist\"\n"
        "directory = \".\"\n[training]\nepochs = 1\n[workers]\ncommand = [\"/bin/false\"]\n"
        "[[objectives]]\nmetric = \"accuracy\"\nat_least = \"90 % with 95 %\"\n"
        "[[objectives]]\nmetric = \"latency@stm32l4r5\"\nat_most = \"25 ms\"\n");
  const Result r = run(folder.path(), kHwnas + " space check run.toml --samples 50");
  EXPECT_EQ(r.code, 0) << r.err;
  EXPECT_THAT(r.out, AllOf(HasSubstr("known only after training"), HasSubstr("known beforehand: "),
                           HasSubstr("accuracy at least 90.0 % with 95 %")));
  const json j =
      json::parse(run(folder.path(), kHwnas + " space check run.toml --samples 50 --json").out);
  EXPECT_EQ(j.at("bounds").at(0).at("known"), false);
  EXPECT_TRUE(j.at("bounds").at(0).at("share_alone").is_null());
  EXPECT_TRUE(j.at("metrics").at(0).at("range").is_null());
}

TEST(SpaceCheck, Mistakes) {
  const Folder folder;
  const auto error = [&](const std::string& arguments) {
    const Result r = run(folder.path(), kHwnas + " space " + arguments);
    EXPECT_EQ(r.code, 2);
    return r.err;
  };
  EXPECT_THAT(error("chek fashion_mnist"), HasSubstr("expected 'hwnas space check CONFIG'"));
  EXPECT_THAT(error("check"), HasSubstr("CONFIG is missing"));
  EXPECT_THAT(error("check ./none.toml"), HasSubstr("none.toml"));
}

}  // namespace
}  // namespace hwnas::testing
