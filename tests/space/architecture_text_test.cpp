#include "space/architecture_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

namespace hwnas {
namespace {

using ::testing::HasSubstr;

SearchSpace shipped(const std::string& name) {
  return SearchSpace::load(std::string(HWNAS_SOURCE_DIR) + "/space/spaces/" + name + ".toml");
}

std::string message(const SearchSpace& space, const std::string& text) {
  try {
    parse_architecture(space, text);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "no error";
}

TEST(ArchitectureText, WritesOneArchitectureInManyWays) {
  const SearchSpace space = shipped("nasbench201");
  const Genotype expected{{3, 0, 1, 4, 2, 1}};
  for (const char* text :
       {"3-0-1-4-2-1", "3_0_1_4_2_1", "[3, 0, 1, 4, 2, 1]", "3 0 1 4 2 1", "(3,0,1,4,2,1)",
        "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_1x1~1|skip_connect~2|",
        "nor_conv_3x3|none|skip_connect|avg_pool_3x3|nor_conv_1x1|skip_connect",
        "nor_conv_3x3, none, skip_connect, avg_pool_3x3, nor_conv_1x1, skip_connect"}) {
    EXPECT_EQ(parse_architecture(space, text), expected) << text;
  }
}

TEST(ArchitectureText, NamesWithUnderscoresAreNotTakenApart) {
  const SearchSpace space = shipped("fbnet");
  std::string names, indices;
  for (int i = 0; i < 22; ++i) {
    names += i % 2 ? "|k5_e1_g2" : "|skip";
    indices += i % 2 ? "_5" : "_8";
  }
  EXPECT_EQ(parse_architecture(space, names.substr(1)),
            parse_architecture(space, indices.substr(1)));
}

TEST(ArchitectureText, MistakesAreNamed) {
  const SearchSpace space = shipped("nasbench201");
  EXPECT_THAT(message(space, "3-0-1"), HasSubstr("has 3 parts; space 'nasbench201' has 6 choices"));
  EXPECT_THAT(message(space, ""), HasSubstr("has 0 parts"));
  EXPECT_THAT(message(space, "3-0-1-4-2-5"), HasSubstr("has no option 5; it has 5"));
  EXPECT_THAT(message(space, "3-0-1-4-2-99999999999999999999"), HasSubstr("has no option 9999"));
  EXPECT_THAT(message(space, "none|none|none|none|none|nor_conv_3x"),
              HasSubstr("did you mean 'nor_conv_3x3'?"));
  EXPECT_THAT(message(space, "|none~0|+|none~1|none~0|+|none~0|none~1|none~2|"),
              HasSubstr("'none~1' should end in ~0"));
}

}  // namespace
}  // namespace hwnas
