// Choosing hardware through the program: estimates of any subject, ranks, checks, other devices for
// a study, deployments as genes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "tests/experiments/program.h"

namespace hwnas::testing {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kDeployed = R"(
name = "deployed"
space = "tiny_image"
devices = ["a100"]
[choices]
bits = [8, 16, 32]
[precision]
weight_bits = "$bits"
activation_bits = "$bits"
[deployment]
batch = [1, 8, 64]
clock_share = [0.4, 0.7, 1.0]
[search]
batch = 16
population = 16
[budget]
trials = 48
[[objectives]]
metric = "parameters"
[[objectives]]
metric = "energy@a100"
[[objectives]]
metric = "latency@a100"
)";

TEST(CliHardware, DeploymentsAreGenes) {
  const Folder f;
  write(f / "deployed.toml", kDeployed);
  const Result search = run(f.path(), kHwnas + " search deployed.toml");
  ASSERT_EQ(search.code, 0) << search.err;
  EXPECT_THAT(search.out, HasSubstr("on the front"));
  EXPECT_EQ(run(f.path(), kHwnas + " search deployed.db --trials 60").code, 0);
  const Result show = run(f.path(), kHwnas + " show deployed.db 0 --json");
  const json genes = json::parse(show.out)["genes"];
  EXPECT_TRUE(genes.contains("bits"));
  EXPECT_TRUE(genes.contains("deployment.batch"));
  EXPECT_TRUE(genes.contains("deployment.clock_share"));
}

TEST(CliHardware, MistakesInADeploymentNameBothFiles) {
  const Folder f;
  std::string text = kDeployed;
  text.replace(text.find("[1, 8, 64]"), 10, "[1, 8, 0]");
  write(f / "bad.toml", text);
  const Result bad = run(f.path(), kHwnas + " search bad.toml");
  EXPECT_EQ(bad.code, 2);
  EXPECT_THAT(bad.err, AllOf(HasSubstr("tiny_image.toml with what bad.toml changes"),
                             HasSubstr("deployment.batch"), HasSubstr("'0' is not")));
}

TEST(CliHardware, EstimatesATrialAsItIsDeployed) {
  const Folder f;
  write(f / "deployed.toml", kDeployed);
  ASSERT_EQ(run(f.path(), kHwnas + " search deployed.toml").code, 0);
  const json trial = json::parse(run(f.path(), kHwnas + " show deployed.db 7 --json").out);
  const Result result = run(f.path(), kHwnas + " estimate deployed.db:7 --device a100 --json");
  ASSERT_EQ(result.code, 0) << result.err;
  const json estimate = json::parse(result.out);
  EXPECT_EQ(std::to_string(estimate["batch"].get<int>()), trial["genes"]["deployment.batch"]);
  EXPECT_DOUBLE_EQ(estimate["devices"][0]["latency_s"].get<double>(),
                   trial["values"]["latency@a100"]["value"].get<double>());
}

TEST(CliHardware, RanksDevicesAndSaysWhyNot) {
  const Folder f;
  const Result text = run(f.path(), kHwnas + " estimate mobilenet_v2 --bits native");
  EXPECT_EQ(text.code, 0) << text.err;
  EXPECT_THAT(text.out, AllOf(HasSubstr("32/32"), HasSubstr("8/8"),
                              HasSubstr("stm32l4r5: needs 1.49 MiB of SRAM")));
  for (const char* metric : {"latency", "energy", "memory", "throughput"}) {
    const Result result = run(
        f.path(), kHwnas + " estimate resnet8 --bits native --json --sort " + std::string(metric));
    ASSERT_EQ(result.code, 0) << result.err;
    const std::map<std::string, std::string> keys{{"latency", "latency_s"},
                                                  {"energy", "energy_j"},
                                                  {"memory", "peak_memory_bytes"},
                                                  {"throughput", "throughput_per_s"}};
    double before = -1e300;
    int ranked = 0;
    bool ended = false;
    const json all = json::parse(result.out);
    for (const json& device : all["devices"]) {
      const bool good = device["fits"].get<bool>() && !device[keys.at(metric)].is_null();
      EXPECT_FALSE(ended && good) << device["device"];
      ended = ended || !good;
      if (!good) continue;
      double value = device[keys.at(metric)].get<double>();
      if (metric == std::string("throughput")) value = -value;
      EXPECT_GE(value, before) << device["device"];
      before = value;
      ++ranked;
    }
    EXPECT_GT(ranked, 4);
  }
}

TEST(CliHardware, APowerCapChoosesTheClock) {
  const Folder f;
  const auto run_at = [&](const std::string& cap) {
    const Result r = run(f.path(), kHwnas +
                                       " estimate resnet50 --bits 16 --batch 64 --device v100 "
                                       "--json --power-cap " +
                                       cap);
    EXPECT_EQ(r.code, 0) << r.err;
    return json::parse(r.out)["devices"][0];
  };
  const json free = run_at("1000"), capped = run_at("150");
  EXPECT_EQ(free["clock_share"], 1.0);
  EXPECT_LT(capped["clock_share"].get<double>(), 1);
  EXPECT_GT(capped["latency_s"].get<double>(), free["latency_s"].get<double>());
  const double power_w = capped["energy_j"].get<double>() * 64 / capped["latency_s"].get<double>();
  EXPECT_LE(power_w, 150);
  EXPECT_GT(power_w, 140);
  EXPECT_THAT(run(f.path(), kHwnas + " estimate resnet8 --device v100 --bits 16 --power-cap 1").out,
              HasSubstr("v100 draws more than 1.00 W at any clock"));
}

TEST(CliHardware, MistakesOfEstimate) {
  const Folder f;
  const std::pair<const char*, const char*> mistakes[] = {
      {"estimate resnet8 --sort latencee", "--sort = latencee: no such metric; did you mean"},
      {"estimate resnet8 --clock 1.5", "expected a share of the highest clock, such as 0.5"},
      {"estimate resnet8 --power-cap lots", "--power-cap = lots: expected watts, such as 150"},
      {"estimate resnet8 --power-cap 9 --clock 0.5", "--power-cap chooses the clock"},
      {"estimate gemm:1x2 --device a100", "expected gemm:MxNxK, such as gemm:128x768x64"},
      {"estimate none.db:3", "none.db"},
      {"estimate some.db", "is a study; a trial of it is some.db:ID"},
      {"estimate some.db:x", "expected the number of a trial after the colon"},
      {"rescore none.db", "--device is missing"},
      {"rescore none.db --device a100", "none.db"},
      {"devices check nothing", "no device 'nothing'"},
      {"devices new", "--family is missing; known: "},
      {"devices new --family gpv", "no model family 'gpv'; did you mean 'gpu'?"},
      {"devices do", "expected 'hwnas devices list'"}};
  for (const auto& [command, expected] : mistakes) {
    const Result result = run(f.path(), kHwnas + " " + command);
    EXPECT_EQ(result.code, 2) << command;
    EXPECT_THAT(result.err, HasSubstr(expected)) << command;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  }
}

TEST(CliHardware, RescoresAStudyWithoutChangingIt) {
  const Folder f;
  write(f / "deployed.toml", kDeployed);
  ASSERT_EQ(run(f.path(), kHwnas + " search deployed.toml").code, 0);
  const std::string before = slurp(f / "deployed.db");
  const Result moved =
      run(f.path(), kHwnas + " rescore deployed.db --device stm32l4r5 --bits 8 --batch 1 --json");
  ASSERT_EQ(moved.code, 0) << moved.err;
  EXPECT_EQ(slurp(f / "deployed.db"), before);
  const json report = json::parse(moved.out);
  ASSERT_GT(report["front"].size(), 0u);
  for (const json& trial : report["front"]) {
    const std::string id = std::to_string(trial["trial"].get<int>());
    const json direct = json::parse(run(f.path(), kHwnas + " estimate deployed.db:" + id +
                                                      " --device stm32l4r5 --bits 8 --batch 1 "
                                                      "--json")
                                        .out);
    EXPECT_DOUBLE_EQ(trial["values"]["latency@stm32l4r5"]["value"].get<double>(),
                     direct["devices"][0]["latency_s"].get<double>());
    EXPECT_FALSE(trial["values"].contains("latency@a100"));
  }
  // A microcontroller runs one input at a time: batches of the study's own do not go there.
  const Result refused = run(f.path(), kHwnas + " rescore deployed.db --device stm32l4r5 --bits 8");
  EXPECT_EQ(refused.code, 0) << refused.err;
  EXPECT_THAT(refused.out, HasSubstr("trials do not run there; trial"));
  // Half the clock: twice the time of what is bound by arithmetic.
  const Result half = run(f.path(), kHwnas +
                                        " rescore deployed.db --device stm32l4r5 --bits 8 "
                                        "--batch 1 --clock 0.5 --json");
  const auto fastest = [](const std::string& text) {
    double least = 1e300;
    const json all = json::parse(text);
    for (const json& t : all["front"])
      least = std::min(least, t["values"]["latency@stm32l4r5"]["value"].get<double>());
    return least;
  };
  const Result full = run(f.path(), kHwnas +
                                        " rescore deployed.db --device stm32l4r5 --bits 8 "
                                        "--batch 1 --clock 1 --json");
  EXPECT_NEAR(fastest(half.out) / fastest(full.out), 2, 1e-6);
}

// A study whose device was written for another version opens all the same.
TEST(CliHardware, AStudyOutlivesTheFormatOfItsDevices) {
  const Folder f;
  write(f / "deployed.toml", kDeployed);
  ASSERT_EQ(run(f.path(), kHwnas + " search deployed.toml").code, 0);
  ASSERT_EQ(run(f.path(),
                "sqlite3 deployed.db \"update devices set text = replace(text, "
                "'family', 'kind')\"")
                .code,
            0);
  const Result show = run(f.path(), kHwnas + " show deployed.db 0");
  EXPECT_EQ(show.code, 0) << show.err;
  EXPECT_THAT(show.out, AllOf(HasSubstr("latency@a100"),
                              HasSubstr("a100: its description in the study cannot be used: "
                                        "a100.toml")));
  EXPECT_EQ(run(f.path(), kHwnas + " rescore deployed.db --device l4").code, 0);
  const Result more = run(f.path(), kHwnas + " search deployed.db --trials 60");
  EXPECT_EQ(more.code, 2);
  EXPECT_EQ(std::count(more.err.begin(), more.err.end(), '\n'), 1) << more.err;
}

TEST(CliHardware, ChecksDevicesAgainstWhatIsPublished) {
  const Folder f;
  const Result all = run(f.path(), kHwnas + " devices check");
  EXPECT_EQ(all.code, 0) << all.out << all.err;
  EXPECT_THAT(all.out, AllOf(HasSubstr("pass"), Not(HasSubstr("MISS")), HasSubstr("0 missed")));
  // A figure that the model cannot meet.
  write(f / "mine.toml",
        "inherits = \"stm32l4r5\"\n[[validation]]\nnetwork = \"resnet8\"\nmetric = \"latency_s\"\n"
        "weight_bits = 8\nactivation_bits = 8\nvalue = 0.1\ntolerance = 0.1\nsource = \"mine\"\n"
        "date = \"2026-11\"\n");
  const Result miss = run(f.path(), kHwnas + " devices check ./mine.toml");
  EXPECT_EQ(miss.code, 1) << miss.err;
  EXPECT_THAT(miss.out, AllOf(HasSubstr("MISS"), HasSubstr("1 figure, 1 missed"),
                              HasSubstr("mine on networks of the zoo")));
  EXPECT_FALSE(json::parse(run(f.path(), kHwnas + " devices check ./mine.toml --json").out)[0]
                   .at("pass")
                   .get<bool>());
}

TEST(CliHardware, TemplatesAreDevicesToBegin) {
  const Folder f;
  // What the headers of three templates say to begin with: they name a file beside theirs.
  const std::map<std::string, std::string> before{
      {"lookup", "sed -n 's/^#| //p' my_lookup.toml > my_kernels.csv"},
      {"program", "sed -n 's/^#| //p' my_program.toml > my_model.py"},
      {"plugin",
       "sed -n 's/^#| //p' my_plugin.toml > my_device.c && cc -std=c11 -shared -fPIC -I " +
           std::string(HWNAS_SOURCE_DIR) + "/hw_models/plugin my_device.c -o my_device.so"}};
  for (const std::string family :
       {"cpu", "gpu", "microcontroller", "systolic", "spatial", "fpga", "analog", "neuromorphic",
        "photonic", "lookup", "plugin", "program"}) {
    SCOPED_TRACE(family);
    const std::string file = "my_" + family + ".toml";
    const Result made = run(f.path(), kHwnas + " devices new --family " + family + " " + file);
    ASSERT_EQ(made.code, 0) << made.err;
    EXPECT_THAT(made.out, HasSubstr("hwnas devices check ./" + file));
    EXPECT_THAT(slurp(f / file), HasSubstr("#"));
    const Result again = run(f.path(), kHwnas + " devices new --family " + family + " " + file);
    EXPECT_EQ(again.code, 2);
    EXPECT_THAT(again.err, HasSubstr("exists already"));
    if (before.contains(family)) {
      ASSERT_EQ(run(f.path(), before.at(family)).code, 0);
    }
    const Result check = run(f.path(), kHwnas + " devices check ./" + file);
    EXPECT_EQ(check.code, 0) << check.out << check.err;
    EXPECT_THAT(check.out, HasSubstr("on networks of the zoo"));
    const Result small =
        run(f.path(), kHwnas + " estimate resnet8 --bits native --json --device ./" + file);
    ASSERT_EQ(small.code, 0) << small.err;
    EXPECT_TRUE(json::parse(small.out)["devices"][0]["fits"].get<bool>()) << small.out;
  }
}

}  // namespace
}  // namespace hwnas::testing
