#include "predictors/gaussian_process.h"

#include <Eigen/Dense>
#include <cassert>
#include <cmath>

#include "predictors/feature_scale.h"

namespace hwnas {
namespace {
using Eigen::MatrixXd;
using Eigen::VectorXd;
}  // namespace
}  // namespace hwnas
