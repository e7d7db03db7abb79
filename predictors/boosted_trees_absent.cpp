// In the place of boosted_trees.cpp where XGBoost is not installed.
#include "predictors/boosted_trees.h"
#include "space/input_error.h"

namespace hwnas {

bool has_boosted_trees() {
  return false;
}

std::unique_ptr<Predictor> make_boosted_trees(const BoostedTreesOptions&) {
  throw InputError(
      "this build has no boosted trees: install libxgboost-dev and build again with "
      "-DHWNAS_XGBOOST=ON");
}

}  // namespace hwnas
