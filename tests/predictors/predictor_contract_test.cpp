#include "tests/predictors/predictor_contract.h"

#include "predictors/boosted_trees.h"
#include "predictors/ridge.h"
#include "space/input_error.h"

namespace hwnas::testing {
namespace {

TEST(PredictorContract, Ridge) {
  expect_keeps_the_contract([](std::span<const Features> p) { return make_ridge(p); }, 0.98);
}

TEST(PredictorContract, BoostedTrees) {
  if (!has_boosted_trees()) {
    EXPECT_THROW(make_boosted_trees(), InputError);
    GTEST_SKIP() << "built without XGBoost";
  }
  expect_keeps_the_contract([](std::span<const Features>) { return make_boosted_trees(); }, 0.9);
}

}  // namespace
}  // namespace hwnas::testing
