// The commands that need no study, as a user types them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/experiments/program.h"

namespace hwnas::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(Cli, HelpAndVersion) {
  Folder f;
  const Result help = run(f.path(), kHwnas + " --help");
  EXPECT_EQ(help.code, 0);
  for (const char* command :
       {"search", "status", "pareto", "show", "estimate", "devices", "networks", "spaces"}) {
    EXPECT_THAT(help.out, HasSubstr(std::string("  ") + command));
    const Result page = run(f.path(), kHwnas + " " + command + " --help");
    EXPECT_EQ(page.code, 0) << command;
    EXPECT_THAT(page.out, StartsWith(std::string("usage: hwnas ") + command));
    EXPECT_THAT(page.out, HasSubstr("Example: ")) << command;
  }
  const std::string version = run(f.path(), kHwnas + " --version").out;
  EXPECT_THAT(version,
              ::testing::MatchesRegex("hwnas [0-9.]+ \\(.+\\), .+, .+\nhwnas-trainer .+\n"));
  EXPECT_EQ(run(f.path(), kHwnas).code, 2);
}

struct Mistake {
  const char* arguments;
  const char* message;
};
void PrintTo(const Mistake& mistake, std::ostream* out) {
  *out << mistake.arguments;
}
class CliMistakes : public ::testing::TestWithParam<Mistake> {};

TEST_P(CliMistakes, AreOneLineAndExitCodeTwo) {
  Folder f;
  write(f / "text.db",
        "this is not a database, but long enough to look at: "
        "0123456789012345678901234567890123456789");
  const Result r = run(f.path(), kHwnas + " " + GetParam().arguments);
  EXPECT_EQ(r.code, 2);
  EXPECT_THAT(r.err, StartsWith(std::string("hwnas: ") + GetParam().message));
  EXPECT_EQ(std::count(r.err.begin(), r.err.end(), '\n'), 1) << r.err;
  EXPECT_EQ(r.out, "");
}

INSTANTIATE_TEST_SUITE_P(
    All, CliMistakes,
    ::testing::Values(
        Mistake{"serch x", "no command 'serch'; did you mean 'search'?"},
        Mistake{"search", "CONFIG is missing; usage: hwnas search CONFIG|STUDY [options]"},
        Mistake{"search nothing_such", "no run config 'nothing_such'; known: "},
        Mistake{"search fashion_mnits",
                "no run config 'fashion_mnits'; did you mean 'fashion_mnist'?"},
        Mistake{"search fashion_mnist --trails 3",
                "--trails: no such option; did you mean '--trials'?"},
        Mistake{"search fashion_mnist --trials many",
                "--trials = many: expected a whole number from 1 to 1000000000"},
        Mistake{"search fashion_mnist --time 5kg", "--time = 5kg: expected a time such as '20 ms'"},
        Mistake{"search ./absent.toml", "./absent.toml: no such run config file"},
        Mistake{"search absent.db", "absent.db"}, Mistake{"pareto absent.db", "absent.db"},
        Mistake{"pareto text.db", "text.db"}, Mistake{"show text.db 1", "text.db"},
        Mistake{"status", "STUDY is missing; usage: hwnas status STUDY [--json]"},
        Mistake{"pareto a.db b.db", "too many arguments; usage: "},
        Mistake{"estimate resent8", "no network 'resent8'; did you mean 'resnet8'?"},
        Mistake{"estimate resnet8 --device stm32h734",
                "no device 'stm32h734'; did you mean 'stm32h743'?"},
        Mistake{"estimate resnet8 --bits eight",
                "--bits = eight: expected bits of weights and activations, such as 8 or 4,8"},
        Mistake{"estimate resnet8 --batch 0",
                "--batch = 0: expected a whole number from 1 to 65536"},
        Mistake{"devices show stm32h734", "no device 'stm32h734'; did you mean 'stm32h743'?"},
        Mistake{"devices paint",
                "expected 'hwnas devices list', 'show NAME', 'check [NAME]', 'new --family F "
                "[FILE]' or 'fit ...'"},
        Mistake{"networks show", "expected 'hwnas networks list' or 'hwnas networks show NAME'"},
        Mistake{"spaces show fbnets", "no space 'fbnets'; did you mean 'fbnet'?"}));

TEST(Cli, NetworksListHasTheZoo) {
  Folder f;
  const Result r = run(f.path(), kHwnas + " networks list");
  EXPECT_EQ(r.code, 0);
  for (const char* name : {"resnet8", "dscnn", "mobilenet_v1_025_96", "fc_autoencoder",
                           "mobilenet_v2", "resnet18", "resnet50", "alexnet", "vgg16"}) {
    EXPECT_THAT(r.out, HasSubstr(name));
  }
  EXPECT_THAT(run(f.path(), kHwnas + " networks show resnet8").out,
              HasSubstr("77946 parameters, 12501632 MACs"));
  EXPECT_THAT(run(f.path(), kHwnas + " networks show resnet8 --json").out,
              HasSubstr("\"macs\": 12501632"));
}

TEST(Cli, DevicesAndSpacesCanBeLookedAt) {
  Folder f;
  const Result list = run(f.path(), kHwnas + " devices list");
  EXPECT_EQ(list.code, 0);
  for (const char* name : {"stm32l4r5", "stm32h743", "raspberry_pi_4", "a100"})
    EXPECT_THAT(list.out, HasSubstr(name));
  const Result show = run(f.path(), kHwnas + " devices show stm32l4r5");
  EXPECT_EQ(show.code, 0);
  EXPECT_THAT(show.out, HasSubstr("source"));
  EXPECT_THAT(run(f.path(), kHwnas + " devices show stm32l4r5 --json").out,
              HasSubstr("\"constants\""));
  EXPECT_THAT(run(f.path(), kHwnas + " spaces list").out, HasSubstr("nasbench201"));
  EXPECT_THAT(run(f.path(), kHwnas + " spaces show nasbench201").out, HasSubstr("cell.edge_3_2"));
}

TEST(Cli, EstimateRanksDevicesAndSaysWhyOneCannot) {
  Folder f;
  const Result all = run(f.path(), kHwnas + " estimate resnet8 --layers 3");
  EXPECT_EQ(all.code, 0);
  EXPECT_THAT(all.out, HasSubstr("stm32l4r5"));
  EXPECT_THAT(all.out, HasSubstr("slowest layers"));
  EXPECT_THAT(all.out, HasSubstr("all numbers analytic"));
  const Result wide = run(f.path(), kHwnas + " estimate mobilenet_v2 --device stm32l4r5");
  EXPECT_EQ(wide.code, 2);
  EXPECT_THAT(wide.out, HasSubstr("cannot run"));
  const Result json =
      run(f.path(), kHwnas + " estimate resnet8 --device a100 --bits 8 --batch 8 --json");
  EXPECT_EQ(json.code, 0);
  EXPECT_THAT(json.out, HasSubstr("\"latency_s\""));
}

}  // namespace
}  // namespace hwnas::testing
