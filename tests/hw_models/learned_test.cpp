#include "hw_models/families/learned.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "hw_models/device.h"
#include "space/input_error.h"
#include "space/search_space.h"
#include "tests/hw_models/support.h"
#include "tests/scratch_folder.h"

namespace hwnas {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::kCited;
using testing::replaced;

const std::filesystem::path kSpaces = std::string(HWNAS_SOURCE_DIR) + "/space/spaces";

// One choice of two; the second doubles the channels.
const char* const kSpace = R"(
name = "pair"
[input]
channels = 4
height = 8
width = 8
classes = 3
[[stages]]
name = "a"
block = "conv"
channels = [4, 8]
kernel = 3
[[stages]]
name = "pool"
block = "classifier"
)";

// x = 2 for the first option and 0 for the second; level 1, no noise to speak of.
std::string learned_device() {
  return std::string("description = \"t\"\nfamily = \"learned\"\nconfidence = \"A\"\n") +
         "[learned]\nspace = \"./pair.toml\"\n" + kCited + "[latency]\n" + kCited +
         "centre = 0.0\nlowest = 0.001\nscale = 0.1\nsame = 0.0\nalike = 0.0\nlevel = 1.0\n"
         "noise = 1e-9\narchitectures = [\"0\"]\nvalues = [3.0]\n"
         "[[latency.coordinates]]\nname = \"x\"\noptions = [2.0, 0.0]\n";
}

struct Door {
  ScratchFolder folder;
  explicit Door(const std::string& device) {
    std::ofstream(folder / "pair.toml") << kSpace;
    std::ofstream(folder / "board.toml") << device;
  }
  Device load() const { return Device::load(folder / "board.toml", {}, {kSpaces}); }
  Estimate estimate(const Genotype& genotype) const {
    Candidate c = SearchSpace::load(folder / "pair.toml").decode(genotype);
    c.network = *live(std::move(c.network));
    return load().model->estimate(c);
  }
  std::string message() const {
    try {
      load();
    } catch (const InputError& error) {
      return error.what();
    }
    return "no error";
  }
};

// Covariances 4 + 1 with itself and 1 with the other: 3, and 3 / 5 with variance 1 - 1 / 5.
TEST(Learned, IsTheClosedFormOfOneSample) {
  const Door door(learned_device());
  const Estimate known = door.estimate({{0}}), other = door.estimate({{1}});
  ASSERT_TRUE(known.covered) << known.reason;
  EXPECT_NEAR(known.cost.latency_s, 3, 1e-6);
  EXPECT_NEAR(other.cost.latency_s, 0.6, 1e-6);
  EXPECT_NEAR(other.cost.latency_stddev_s, 0.1 * std::sqrt(0.8), 1e-6);
  EXPECT_TRUE(std::isnan(other.cost.energy_j));
  EXPECT_GT(other.cost.peak_memory_bytes, 0);
  EXPECT_THAT(other.cost.extrapolated, ::testing::Contains(HasSubstr("counted from the network")));
}

TEST(Learned, LogarithmLineAndFloor) {
  std::string text = replaced(learned_device(), "centre = 0.0", "logarithm = true\ncentre = 0.0");
  text = replaced(text, "values = [3.0]", "values = [20.0]");
  EXPECT_NEAR(Door(text).estimate({{1}}).cost.latency_s, std::exp(std::log(20.0) / 5), 1e-6);
  text = replaced(learned_device(), "[[latency.coordinates]]",
                  "[latency.line]\nshare = 0.5\nconstant = 5.0\noptions = [0.0, -9.0]\n"
                  "[[latency.coordinates]]");
  EXPECT_NEAR(Door(text).estimate({{0}}).cost.latency_s, 4, 1e-6);
  EXPECT_EQ(Door(text).estimate({{1}}).cost.latency_s, 0.001);
}

TEST(Learned, ItsPriorIsMultiplied) {
  const std::string prior =
      Device::load(std::string(HWNAS_SOURCE_DIR) + "/hw_models/devices/raspberry_pi_4.toml").text;
  const std::string text = replaced(learned_device(), "[latency]",
                                    std::string("[prior]\ndevice = \"raspberry_pi_4\"\n") + kCited +
                                        "text = '''\n" + prior + "'''\n[latency]");
  const Door door(text);
  Candidate c = SearchSpace::load(door.folder / "pair.toml").decode({{0}});
  c.network = *live(std::move(c.network));
  const Estimate alone = Device::parse(prior, "pi.toml").model->estimate(c),
                 learned = door.estimate({{0}});
  ASSERT_TRUE(learned.covered) << learned.reason;
  EXPECT_NEAR(learned.cost.latency_s, 3 * alone.cost.latency_s, 1e-6 * alone.cost.latency_s);
  EXPECT_EQ(learned.cost.peak_memory_bytes, alone.cost.peak_memory_bytes);
  EXPECT_EQ(learned.cost.storage_bytes, alone.cost.storage_bytes);
}

TEST(Learned, CoversArchitecturesOfItsSpaceOnly) {
  const Door door(learned_device());
  const Device device = door.load();
  Candidate c = SearchSpace::load(door.folder / "pair.toml").decode({{0}});
  c.network = *live(std::move(c.network));
  const auto reason = [&](Candidate candidate) { return device.model->estimate(candidate).reason; };
  Candidate other = c;
  other.genotype.genes = {0, 1};
  EXPECT_THAT(reason(other),
              AllOf(HasSubstr("learned on the space 'pair'"), HasSubstr("no architecture")));
  other.genotype.genes = {2};
  EXPECT_THAT(reason(other), HasSubstr("no architecture"));
  other.genotype.genes = {1};
  EXPECT_THAT(reason(other), HasSubstr("another network"));
  other = c;
  other.network = with_precision(c.network, 8, 8);
  EXPECT_THAT(reason(other), HasSubstr("another network"));
  other = c;
  other.deployment.batch = 8;
  EXPECT_THAT(reason(other), HasSubstr("measured at batch 1, not at 8"));
  other = c;
  other.deployment.clock_share = 0.5;
  EXPECT_THAT(reason(other), HasSubstr("clock_share 1, not at 0.5"));
}

// What a study keeps of it is enough to go on.
TEST(Learned, ItsTextHoldsAll) {
  const Door door(learned_device());
  const Device device = door.load(), again = Device::parse(device.text, "board.toml");
  Candidate c = SearchSpace::load(door.folder / "pair.toml").decode({{1}});
  c.network = *live(std::move(c.network));
  EXPECT_EQ(again.model->estimate(c).cost.latency_s, device.model->estimate(c).cost.latency_s);
}

TEST(Learned, MistakesAreNamed) {
  const struct {
    const char *from, *to, *says;
  } cases[] = {
      {"options = [2.0, 0.0]", "options = [2.0]", "expected 2 numbers, found 1"},
      {"values = [3.0]", "values = [3.0, 4.0]", "expected 1 numbers, found 2"},
      {"values = [3.0]", "", "values"},
      {"architectures = [\"0\"]", "architectures = [\"7\"]", "'7'"},
      {"architectures = [\"0\"]", "architectures = []", "expected from 1 to"},
      {"noise = 1e-9", "noise = -1.0", "noise"},
      {"[\"0\"]\nvalues = [3.0]", "[\"0\", \"0\"]\nvalues = [3.0, 4.0]\ncounts = [\"used.konv1\"]",
       "no layer count 'used.konv1'"},
      {"centre = 0.0", "logarithm = true\ncentre = 0.0\nx = 1", "unknown key"},
      {"./pair.toml", "./peer.toml", "peer.toml"},
  };
  for (const auto& c : cases)
    EXPECT_THAT(Door(replaced(learned_device(), c.from, c.to)).message(), HasSubstr(c.says))
        << c.to;
  std::string twice =
      replaced(learned_device(), "[\"0\"]\nvalues = [3.0]", "[\"0\", \"0\"]\nvalues = [3.0, 4.0]");
  EXPECT_THAT(Door(replaced(twice, "noise = 1e-9", "noise = 0.0")).message(),
              HasSubstr("is too small for these samples"));
  std::string negative = replaced(learned_device(), "values = [3.0]", "values = [-3.0]");
  EXPECT_THAT(Door(replaced(negative, "centre", "logarithm = true\ncentre")).message(),
              HasSubstr("above 0"));
}

}  // namespace
}  // namespace hwnas
