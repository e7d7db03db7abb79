#include "search/normal.h"

#include <cassert>
#include <cmath>
#include <numbers>

namespace hwnas {

double normal_share(double z) {
  return 0.5 * std::erfc(-z / std::numbers::sqrt2);
}

double normal_quantile(double share) {
  assert(share > 0 && share < 1);
  if (share < 0.5) return -normal_quantile(1 - share);
  // Newton from the median: the distribution is concave above it, so that no step goes too far.
  double z = 0;
  for (int i = 0; i < 200; ++i) {
    const double density = std::exp(-0.5 * z * z) / std::sqrt(2 * std::numbers::pi);
    const double step = (normal_share(-z) - (1 - share)) / density;
    z += step;
    if (std::fabs(step) <= 1e-15 * z) break;
  }
  return z;
}

}  // namespace hwnas
