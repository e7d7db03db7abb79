#include "space/features.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "space/architecture_text.h"
#include "space/network_builder.h"

namespace hwnas {
namespace {

using testing::ElementsAre;

double number(const Candidate& candidate, const std::string& name) {
  const std::vector<std::string>& names = feature_names();
  const auto at = std::find(names.begin(), names.end(), name);
  EXPECT_NE(at, names.end()) << name;
  const std::vector<double> numbers = feature_numbers(candidate);
  EXPECT_EQ(numbers.size(), names.size());
  return numbers[static_cast<std::size_t>(at - names.begin())];
}

SearchSpace nasbench201() {
  return SearchSpace::load(std::string(HWNAS_SOURCE_DIR) + "/space/spaces/nasbench201.toml");
}

Candidate candidate(const SearchSpace& space, const std::string& architecture) {
  Candidate result = space.decode(parse_architecture(space, architecture));
  result.network = *live(std::move(result.network));
  return result;
}

// A cell with one 3x3 convolution on every path but the shortcut 0->3. Outside its 15 cells the
// network has the stem (a 3x3 convolution), two blocks (two 3x3 convolutions, or a pool and a 1x1
// convolution), and the classifier, which counts as a 1x1 convolution.
TEST(Features, PathsOfANasBench201Network) {
  const SearchSpace space = nasbench201();
  const Candidate c = candidate(
      space, "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|skip_connect~2|");
  // Without any set: stem, two shortcuts of pool and convolution, classifier.
  EXPECT_EQ(number(c, "paths[].outside"), 1 + 2 * 2 + 1);
  EXPECT_EQ(number(c, "paths[].fewest"), 0);
  // 3x3 convolutions only: the classifier is outside; all 15 cells may be taken or not.
  EXPECT_EQ(number(c, "paths[conv3].outside"), 1);
  EXPECT_EQ(number(c, "paths[conv3].fewest"), 1 + 2 * 2);
  EXPECT_EQ(number(c, "paths[conv3].most"), 1 + 2 * 2 + 15);
  EXPECT_NEAR(number(c, "paths[conv3].log_paths"), 15 * std::log(2), 1e-9);
  // Everything: 2^15 ways through the cells, 2 through each block.
  EXPECT_EQ(number(c, "paths[conv1+conv3+conv5+dw3+dw5+pool].outside"), 0);
  EXPECT_NEAR(number(c, "paths[conv1+conv3+conv5+dw3+dw5+pool].log_paths"), 17 * std::log(2), 1e-9);
  EXPECT_EQ(number(c, "layers.conv3"), 15 + 1 + 4);
  EXPECT_EQ(number(c, "layers.pool"), 2);
}

TEST(Features, SizesAreThoseOfTheNetwork) {
  const SearchSpace space = nasbench201();
  const Candidate c = candidate(
      space, "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|skip_connect~2|");
  EXPECT_DOUBLE_EQ(number(c, "log_macs"), std::log1p(static_cast<double>(macs(c.network))));
  EXPECT_DOUBLE_EQ(number(c, "log_parameters"),
                   std::log1p(static_cast<double>(parameters(c.network))));
  EXPECT_DOUBLE_EQ(number(c, "level0.log_width"), std::log1p(16));
  EXPECT_DOUBLE_EQ(number(c, "level1.log_width"), std::log1p(32));
  EXPECT_DOUBLE_EQ(number(c, "level2.log_width"), std::log1p(64));
  EXPECT_EQ(number(c, "level3.layers"), 0);
  EXPECT_EQ(number(c, "level5.layers"), 1);  // the classifier, after five halvings
  EXPECT_EQ(number(c, "log2_bits"), 5);
  EXPECT_EQ(number(c, "density"), 1);
}

TEST(Features, EqualNetworksHaveEqualNumbers) {
  const SearchSpace space = nasbench201();
  // The same cell with the middle nodes exchanged.
  const Candidate a =
      candidate(space, "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|nor_conv_1x1~1|none~2|");
  const Candidate b =
      candidate(space, "|none~0|+|nor_conv_3x3~0|none~1|+|none~0|none~1|nor_conv_1x1~2|");
  ASSERT_EQ(fingerprint(a.network), fingerprint(b.network));
  EXPECT_EQ(feature_numbers(a), feature_numbers(b));
  EXPECT_NE(features(space, a).choices, features(space, b).choices);
}

TEST(Features, DeploymentIsPartOfThem) {
  const SearchSpace space = nasbench201();
  Candidate c = candidate(space, "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|nor_conv_1x1~1|none~2|");
  c.deployment = {.batch = 8, .clock_share = 0.5};
  c.network = with_precision(c.network, 8, 8);
  EXPECT_EQ(number(c, "batch"), 3);
  EXPECT_EQ(number(c, "clock_share"), 0.5);
  EXPECT_EQ(number(c, "log2_bits"), 3);
}

TEST(Features, ChoicesBeyondAStagesDepthAreInactive) {
  const SearchSpace space = SearchSpace::parse(R"(
name = "depths"
[input]
channels = 3
height = 8
width = 8
classes = 10
[[stages]]
name = "a"
block = "conv"
channels = 8
kernel = {each = [3, 5]}
depth = [1, 2]
[[stages]]
name = "end"
block = "classifier"
)",
                                               "depths.toml");
  Genotype genotype{std::vector<std::uint8_t>(space.choices().size(), 0)};
  Candidate shallow = space.decode(genotype);
  const std::vector<bool> active = space.active_genes(genotype);
  shallow.network = *live(std::move(shallow.network));
  const Features f = features(space, shallow);
  ASSERT_EQ(f.choices.size(), 3u);
  int inactive = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(f.choices[i], active[i] ? 0 : kInactive);
    inactive += !active[i];
  }
  EXPECT_EQ(inactive, 1);
}

}  // namespace
}  // namespace hwnas
